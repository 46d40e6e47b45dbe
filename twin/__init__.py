"""Follow the district over time."""
