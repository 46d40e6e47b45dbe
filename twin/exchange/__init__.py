"""Exchange the things of a twin with other programs."""
