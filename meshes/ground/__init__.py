"""Cut footprints and shores into the ground."""
