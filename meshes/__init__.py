"""Hold surfaces in space and the light on them."""
