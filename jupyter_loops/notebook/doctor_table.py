"""`%loops doctor`: the environment of this kernel, and the checklist in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from jupyter_loops.errors import LoopError

if TYPE_CHECKING:
    from jupyter_loops.doctor import DoctorReport

_PATIENCE = 600.0  # seconds for the whole checklist


def report(shell: Any, options: Any, *, checklist: bool = True) -> DoctorReport:
    """What the doctor finds. Another process provokes the faults: this kernel's runs and breakers stay as they are."""
    from jupyter_loops.doctor import DoctorReport, environment

    findings = [*environment(options, kernel=_control(shell))]
    return DoctorReport([*findings, *(_checklist().findings if checklist else ())])


def _checklist() -> DoctorReport:
    from jupyter_loops.doctor import DoctorReport

    words = [sys.executable, "-m", "jupyter_loops.command", "doctor", "--checklist", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE, check=False, env=_environment())  # noqa: S603 - this very Python
    try:
        return DoctorReport.of_json(done.stdout)
    except ValueError:
        raise LoopError(f"the checklist did not come to its end: {done.stderr.strip()[-300:]}") from None


def _environment() -> dict[str, str]:
    """The environment of this kernel, with its way to the package."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _control(shell: Any) -> str:
    """What this shell lets a person do while a loop runs; empty where there is no kernel."""
    if not hasattr(shell, "kernel"):
        return "" if shell is None else "a terminal: the cell waits, and Ctrl-C stops the loop"
    if not shell.autoawait:
        return "%autoawait is off: the cell blocks, and buttons are heard when it has ended"
    return "awaits"
