"""Follow light from surface to surface."""
