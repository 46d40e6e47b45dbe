"""Hold the embedded schematic district."""
