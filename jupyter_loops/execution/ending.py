"""Describes how an attempt ended that did not finish by itself."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from jupyter_loops.core.candidate import Exit, Fault, Limits

_CPU_SIGNALS = frozenset({getattr(signal, "SIGXCPU", 0)})


@dataclass(frozen=True, slots=True)
class Ending:
    """An exit that the child did not report itself."""

    exit: Exit
    message: str
    kill_seconds: float | None = None

    @property
    def fault(self) -> Fault:
        """The ending as a fault, for the feedback to the model."""
        return Fault(type=self.exit.value, message=self.message)


def ending_of_status(status: int, limits: Limits) -> tuple[Exit, str]:
    """The meaning of a wait status."""
    code = os.waitstatus_to_exitcode(status)
    if -code in _CPU_SIGNALS:
        return Exit.CPU, explain(Exit.CPU, limits)
    if code < 0:
        return Exit.DIED, f"the process was killed by {_signal_name(-code)}"
    return Exit.DIED, f"the process ended itself with exit status {code}"


def explain(exit_: Exit, limits: Limits) -> str:
    """Which limit was reached, with its number."""
    cpu = limits.seconds if limits.cpu_seconds is None else limits.cpu_seconds
    return {
        Exit.WALL: f"stopped after {limits.seconds:g} s (wall-clock limit)",
        Exit.CPU: f"stopped after {cpu:g} s of CPU time (limit)",
        Exit.MEMORY: f"used more than {(limits.memory_bytes or 0) / 1024**2:g} MiB of memory (limit)",
        Exit.PROCESSES: f"started more than {limits.processes} processes (limit)",
        Exit.OUTPUT: "printed, returned or wrote too much (limits: "
        f"10 x {limits.output_bytes} bytes of output, {limits.files} files of "
        f"{limits.disk_bytes / 1024**2:g} MiB or half of the free disk)",
        Exit.GARBAGE: "the child process broke the protocol of the sandbox",
    }[exit_]


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
