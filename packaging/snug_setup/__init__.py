"""Sets the project up: what `make` calls before Snug's own packages exist.

Standard library only; runs on the system's Python.
"""
