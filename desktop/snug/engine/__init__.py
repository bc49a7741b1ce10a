"""llama.cpp: devices, loading, prompt rendering, decoding. The only room that imports it."""
