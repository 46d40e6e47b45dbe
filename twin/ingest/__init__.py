"""Bring observations into the twin."""
