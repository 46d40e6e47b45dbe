"""Lay out solar modules and collectors, and run them through a year."""
