"""Values and pure functions that every room shares. Standard library only, no I/O."""
