"""The command line: `jupyter loops …`, what belongs outside of a notebook."""

from .command_line import main

__all__ = ["main"]
