"""Loop engineering in a notebook: a %%loop cell states a goal and its checks, and a bounded loop meets them.

Importing this package loads the standard library only; names are fetched when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from jupyter_loops._version import __version__

if TYPE_CHECKING:
    from jupyter_loops.assemble import resume
    from jupyter_loops.core.budget import Budget
    from jupyter_loops.core.stop_conditions import Calls, Iterations, Plateau, Score, Time, Tokens, Usd, Verified
    from jupyter_loops.core.termination import StopReason, Termination
    from jupyter_loops.errors import LoopError, NotVerified
    from jupyter_loops.language.words import approve, hidden, judge, maximize, minimize, prompt, pytest, seconds, tool
    from jupyter_loops.loop import Loop
    from jupyter_loops.mapping.map_run import MapRun
    from jupyter_loops.options import Options
    from jupyter_loops.run import Run

_HOMES = {
    "Budget": "core.budget",
    "Calls": "core.stop_conditions",
    "Iterations": "core.stop_conditions",
    "Loop": "loop",
    "LoopError": "errors",
    "MapRun": "mapping.map_run",
    "NotVerified": "errors",
    "Options": "options",
    "Plateau": "core.stop_conditions",
    "Run": "run",
    "Score": "core.stop_conditions",
    "StopReason": "core.termination",
    "Termination": "core.termination",
    "Time": "core.stop_conditions",
    "Tokens": "core.stop_conditions",
    "Usd": "core.stop_conditions",
    "Verified": "core.stop_conditions",
    "approve": "language.words",
    "hidden": "language.words",
    "judge": "language.words",
    "maximize": "language.words",
    "minimize": "language.words",
    "prompt": "language.words",
    "pytest": "language.words",
    "resume": "assemble",
    "seconds": "language.words",
    "tool": "language.words",
}

__all__ = [
    "Budget",
    "Calls",
    "Iterations",
    "Loop",
    "LoopError",
    "MapRun",
    "NotVerified",
    "Options",
    "Plateau",
    "Run",
    "Score",
    "StopReason",
    "Termination",
    "Time",
    "Tokens",
    "Usd",
    "Verified",
    "__version__",
    "approve",
    "hidden",
    "history",
    "judge",
    "load_ipython_extension",
    "maximize",
    "minimize",
    "prompt",
    "pytest",
    "resume",
    "seconds",
    "tool",
    "unload_ipython_extension",
]


def __getattr__(name: str) -> Any:
    if name == "history":
        return importlib.import_module("jupyter_loops.history")
    if name not in _HOMES:
        raise AttributeError(f"module 'jupyter_loops' has no attribute {name!r}")
    return getattr(importlib.import_module(f"jupyter_loops.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__


def load_ipython_extension(ipython: Any) -> None:
    """`%load_ext jupyter_loops`."""
    from jupyter_loops.notebook.extension import load

    load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """`%unload_ext jupyter_loops`."""
    from jupyter_loops.notebook.extension import unload

    unload(ipython)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """Where JupyterLab finds the front end of a development install."""
    return [{"src": "labextension", "dest": "jupyter-loops"}]
