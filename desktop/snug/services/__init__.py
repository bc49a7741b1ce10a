"""Use-cases that join rooms. No Qt, no llama.cpp, no SQL."""
