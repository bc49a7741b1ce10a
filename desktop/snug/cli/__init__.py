"""The terminal: the same services, in text and JSON."""
