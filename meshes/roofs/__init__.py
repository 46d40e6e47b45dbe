"""Put roofs on buildings."""
