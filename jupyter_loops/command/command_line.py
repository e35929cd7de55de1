"""The words of `jupyter loops`, and what each does. The words of the history are those of `%loops`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from jupyter_loops._version import __version__
from jupyter_loops.errors import LoopError

from .history_words import WORDS, HistoryWords
from .outside import OUTSIDE

_FORM = argparse.RawDescriptionHelpFormatter
_SERVE = """\
Serve a history file to a team. Whoever has the token reaches it as

    %%loop … --history quack:HOST:PORT        or JUPYTER_LOOPS_HISTORY=quack:HOST:PORT

The token is in JUPYTER_LOOPS_TOKEN, here and there, and nowhere else. While it is served nobody else on this machine
can open the file. Traffic is plain HTTP: beyond this machine put a proxy with TLS in front, or use an SSH tunnel.
"""
_REPAIR = """\
Make a history anew that is damaged, half, or no history at all, from what can be read of it, from its backups, and from
the journals beside it. The old file is kept beside the new one, and both are named, with what was saved and what is
missing. `%loops repair` does the same in a notebook.
"""
_RUN = """\
Run a notebook from top to bottom, and write what it put out after each cell, so that a notebook that fails in the
middle keeps what was done. Cells that were verified before cost nothing; interrupted runs go on. The exit status is 0,
or 1 where a cell failed.
"""
_DOCTOR = """\
Provoke each fault of the production checklist on a scripted model in a temporary history, and look at the environment.
No model is asked and nothing is spent. The exit status is 1 where an item fails.
"""
_SKILL = """\
Write SKILL.md, which teaches a coding agent to write %%loop cells and to read a run that failed, into a folder
jupyter-loops of FOLDER: .agents/skills of a project, or ~/.claude/skills.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """`jupyter loops …`; gives the exit status."""
    options, rest = _parser().parse_known_args(arguments)
    if rest and not hasattr(options, "rest"):
        _parser().error(f"unrecognized arguments: {' '.join(rest)}")
    if hasattr(options, "rest"):
        options.rest = rest
    if options.history:
        os.environ["JUPYTER_LOOPS_HISTORY"] = options.history
    try:
        return int(options.do(options) or 0)
    except LoopError as error:
        print(f"jupyter loops: {str(error).replace('%loops', 'jupyter loops')}", file=sys.stderr)  # noqa: T201 - this is a command line
        return 1
    except KeyboardInterrupt:
        print("jupyter loops: interrupted", file=sys.stderr)  # noqa: T201 - this is a command line
        return 128 + signal.SIGINT
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jupyter loops", description="What jupyter-loops does outside of a notebook.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--history", metavar="PLACE", help="file or address; default: the one that notebooks use here")
    words = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(words.add_parser("run", help="run a notebook", description=_RUN, formatter_class=_FORM))
    for word in WORDS:
        one = words.add_parser(word, help=_first_sentence(word), description=HistoryWords.doc(word), allow_abbrev=False)
        one.set_defaults(do=_history_word(word), rest=[])
    doctor = words.add_parser("doctor", help="provoke the faults", description=_DOCTOR, formatter_class=_FORM)
    doctor.add_argument("--json", action="store_true", help="as a JSON list")
    doctor.add_argument("--table", action="store_true", help="as a table")
    doctor.add_argument("--environment", action="store_true", help="look at the environment only")
    doctor.add_argument("--checklist", action="store_true", help="provoke the faults only")
    doctor.set_defaults(do=OUTSIDE["doctor"])
    metrics = words.add_parser("metrics", help="the history as Prometheus text")
    metrics.set_defaults(do=OUTSIDE["metrics"])
    skill = words.add_parser("install-skill", help="teach a coding agent", description=_SKILL, formatter_class=_FORM)
    skill.add_argument("folder", nargs="?", type=Path, default=Path(".agents/skills"), help="(default: %(default)s)")
    skill.set_defaults(do=OUTSIDE["install-skill"])
    serve = words.add_parser(
        "serve-history", help="serve a history to a team", description=_SERVE, formatter_class=_FORM
    )
    serve.add_argument("file", nargs="?", help="the DuckDB file; default: the one that notebooks use here")
    serve.add_argument("--host", default="localhost", help="where to listen (default: %(default)s)")
    serve.add_argument("--port", type=int, default=9494, help="(default: %(default)s)")
    serve.set_defaults(do=OUTSIDE["serve-history"])
    repair = words.add_parser("repair", help="make a damaged history anew", description=_REPAIR, formatter_class=_FORM)
    repair.add_argument("file", nargs="?", help="the DuckDB file; default: the one that notebooks use here")
    repair.set_defaults(do=OUTSIDE["repair"])
    return parser


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("notebook", type=Path)
    run.add_argument("-o", "--output", type=Path, help="where to write it (default: NAME.executed.ipynb beside it)")
    run.add_argument("--usd", type=float, help="most US dollars of all its runs together")
    run.add_argument("--time", type=float, help="longest time of one cell, in seconds")
    run.add_argument("--kernel", default="", help="name of the kernel; default: the notebook's own")
    run.add_argument("--keep-going", action="store_true", help="go on behind a cell that failed")
    run.set_defaults(do=OUTSIDE["run"])


def _history_word(word: str) -> Callable[[argparse.Namespace], int]:
    def do(options: argparse.Namespace) -> int:
        if text := HistoryWords().do(word, options.rest):
            print(text.replace("%loops", "jupyter loops"))  # noqa: T201 - this is a command line
        return 0

    return do


def _first_sentence(word: str) -> str:
    return HistoryWords.doc(word).partition(": ")[2].rstrip(".").replace("%", "%%")
