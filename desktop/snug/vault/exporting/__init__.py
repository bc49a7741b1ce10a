"""Conversations as files: each format is a function from values to text."""
