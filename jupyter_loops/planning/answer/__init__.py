"""How an answer is read: thoughts, fences, code, JSON, text."""
