"""Keep observations."""
