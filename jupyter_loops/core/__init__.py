"""The nouns: frozen values, and the ports through which the layers above meet each other.

Standard library only. Nothing in here does anything; it says what there is.
"""
