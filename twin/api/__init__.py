"""Offer the live twin over HTTP."""
