"""Write the model in the formats other tools read."""
