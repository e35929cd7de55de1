"""What `jupyter loops` does besides the words of the history."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable
from importlib.resources import files

OUTSIDE: dict[str, Callable[[argparse.Namespace], int]] = {}


def _word(name: str) -> Callable[[Callable[[argparse.Namespace], int]], Callable[[argparse.Namespace], int]]:
    def register(do: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
        OUTSIDE[name] = do
        return do

    return register


@_word("run")
def run(options: argparse.Namespace) -> int:
    """Run a notebook."""
    from .notebook_runner import NotebookRunner

    runner = NotebookRunner(
        options.notebook,
        options.output,
        usd=options.usd,
        seconds=options.time,
        kernel=options.kernel,
        keep_going=options.keep_going,
        progress=_say,
    )
    return runner.run()


@_word("doctor")
def doctor(options: argparse.Namespace) -> int:
    """Look at the environment, and provoke the faults; a line as soon as it is known, where it is text."""
    from jupyter_loops.doctor import DoctorReport, environment, examine

    findings = []
    for look in ([] if options.checklist else [environment()]) + ([] if options.environment else [examine()]):
        for finding in look:
            findings.append(finding)
            if not (options.json or options.table):
                _say(repr(DoctorReport([finding])).partition("\n\n")[0])
    report = DoctorReport(findings)
    _say(report.json() if options.json else str(report.table) if options.table else f"\n{report.summary}")
    return report.status


@_word("metrics")
def metrics(_: argparse.Namespace) -> int:
    """The history as Prometheus text."""
    from jupyter_loops.history import open_history

    from .prometheus import exposition

    _say(exposition(open_history()))
    open_history().close()
    return 0


@_word("install-skill")
def install_skill(options: argparse.Namespace) -> int:
    """Write SKILL.md."""
    target = options.folder.expanduser() / "jupyter-loops" / "SKILL.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(
        files("jupyter_loops").joinpath("skill", "SKILL.md").read_text(encoding="utf-8"), encoding="utf-8"
    )
    _say(f"written to {target}")
    return 0


@_word("repair")
def repair(options: argparse.Namespace) -> int:
    """Make a damaged history anew."""
    from jupyter_loops.history import History

    history = History(options.file)
    _say(str(history.repair()).replace("; ", "\n"))
    history.close()
    return 0


@_word("serve-history")
def serve(options: argparse.Namespace) -> int:
    """Serve a history until a signal."""
    from jupyter_loops.history.serving import serving

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with serving(options.file, options.host, options.port) as address:
        _say(f"{address} answers; Ctrl-C ends it")
        ended.wait()
    return 0


def _say(text: str) -> None:
    print(text, flush=True, file=sys.stdout)  # noqa: T201 - this is a command line
