"""Model files on disk: the bounded GGUF reader and the library."""
