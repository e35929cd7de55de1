"""The cell language: plain Python, in which four kinds of statements have a meaning."""

from .cell import parse
from .read_until import read_until

__all__ = ["parse", "read_until"]
