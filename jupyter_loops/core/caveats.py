"""The levels of isolation, and what each does not hold."""

from __future__ import annotations

CAVEATS = {  # the one thing to know of each level
    "bubblewrap": "candidates see the system's own programs and libraries, and share this kernel",
    "landlock": "candidates share this machine's processes and memory, and may look at names and sizes of files",
    "container": "candidates see what the image holds",
    "process": "protects from accidents and not from malice: candidates may read your files and use the network",
}


def with_caveat(level: str) -> str:
    """The level with the one thing to know of it; the bare level where there is none."""
    return f"{level}: {CAVEATS[level]}" if level in CAVEATS else level
