"""Turn the messages of other systems into readings, one module a family of forms."""
