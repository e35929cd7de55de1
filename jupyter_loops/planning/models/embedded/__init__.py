"""Models that run inside the kernel, with llama.cpp: no account, no key, no cost."""
