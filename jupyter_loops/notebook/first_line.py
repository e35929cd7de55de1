"""The first lines of a cell as people write them: remarks above `%%loop`, and options over several lines.

IPython takes a cell for a magic's only when the magic is its first line, and takes that line as it is. A transformer
of the input puts remarks below the line and joins what a backslash continues. The lines below keep their numbers.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Any

_MAGIC = re.compile(r"\s*%%loop(_sql)?(\s|$)")


class FirstLine:
    """The input transformer of one shell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def install(self) -> None:
        """Start to look at cells."""
        self._shell.input_transformers_cleanup.append(arranged)

    def remove(self) -> None:
        """Undo `install`."""
        self._shell.input_transformers_cleanup.remove(arranged)


def arranged(lines: list[str]) -> list[str]:
    """The lines of a cell, the whole first line of a magic of ours first; any other cell as it is."""
    remarks = list(takewhile(_is_remark, lines))
    if len(remarks) == len(lines) or not _MAGIC.match(lines[len(remarks)]):
        return lines
    if len(lines) == 1:
        return [*lines, "\n"]  # IPython refuses a magic without a body before it is heard
    first, *body = lines[len(remarks) :]
    first, joined = first.lstrip(), 0
    while body and first.rstrip().endswith("\\"):
        first, joined = f"{first.rstrip()[:-1].rstrip()} {body.pop(0).lstrip()}", joined + 1
    return [first, *remarks, *["\n"] * joined, *body] if remarks or joined else lines


def _is_remark(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")
