"""The Models place: library, Discover, downloads, trends, the ledger."""
