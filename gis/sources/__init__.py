"""Read each provider's files into the same tables."""
