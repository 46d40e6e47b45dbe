"""Hold the pages people open in a browser."""
