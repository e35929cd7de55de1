"""The one place of the version; the labextension is checked against it."""

__version__ = "0.1.0"
