"""The libraries whose values cross: none is imported before a value of its arrives."""

from __future__ import annotations

import sys
from typing import Any

from . import arrays, arrow, estimators, frames, images, networks, plotly_figures, polar, sparse, symbols

_MODULES = (arrays, arrow, estimators, plotly_figures, frames, images, networks, polar, sparse, symbols)
LIBRARIES: dict[str, Any] = {module.NAME: module for module in _MODULES}


def library_of(kind: type) -> str | None:
    """The library in LIBRARIES, if any, that a class or a base of it is from."""
    names = (str(base.__module__).partition(".")[0] for base in kind.__mro__)
    return next((name for name in names if name in LIBRARIES and name in sys.modules), None)
