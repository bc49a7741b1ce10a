"""Snug: open models on your own machine, private by construction."""

__version__ = "0.1.0"
