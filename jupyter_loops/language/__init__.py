"""The cell language: plain Python in which four kinds of statements carry meaning."""

from .cell import parse
from .rules import unsupported

__all__ = ["parse", "unsupported"]
