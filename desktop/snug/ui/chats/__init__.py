"""The left bar: the list of conversations, search, folders, import and export."""
