"""Draw pictures without display or GL library."""
