"""The command line: `jupyter loops serve-history`, `jupyter loops repair`."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from jupyter_loops._version import __version__
from jupyter_loops.errors import LoopError

SERVE = """\
Serve a history file to a team. Whoever has the token reaches it as

    %%loop … --history quack:HOST:PORT        or JUPYTER_LOOPS_HISTORY=quack:HOST:PORT

The token is in JUPYTER_LOOPS_TOKEN, here and there, and nowhere else. While it is served nobody else on this machine
can open the file. Traffic is plain HTTP: beyond this machine put a proxy with TLS in front, or use an SSH tunnel.
"""
REPAIR = """\
Make a history anew that is damaged, half, or no history at all, from what can be read of it, from its backups, and from
the journals beside it. The old file is kept beside the new one, and both are named, with what was saved and what is
missing. `%loops repair` does the same in a notebook.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """`jupyter loops …`; gives the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.do(options))
    except LoopError as error:
        print(f"jupyter loops: {error}", file=sys.stderr)  # noqa: T201 - this is a command line
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jupyter loops", description="What jupyter-loops does outside of a notebook.")
    parser.add_argument("--version", action="version", version=__version__)
    words = parser.add_subparsers(required=True, metavar="COMMAND")
    form = argparse.RawDescriptionHelpFormatter
    serve = words.add_parser(
        "serve-history", help="serve a history file to a team", description=SERVE, formatter_class=form
    )
    serve.add_argument("file", nargs="?", help="the DuckDB file; default: the one that notebooks use here")
    serve.add_argument("--host", default="localhost", help="where to listen (default: %(default)s)")
    serve.add_argument("--port", type=int, default=9494, help="(default: %(default)s)")
    serve.set_defaults(do=_serve)
    repair = words.add_parser("repair", help="make a damaged history anew", description=REPAIR, formatter_class=form)
    repair.add_argument("file", nargs="?", help="the DuckDB file; default: the one that notebooks use here")
    repair.set_defaults(do=_repair)
    return parser


def _repair(options: argparse.Namespace) -> int:
    from jupyter_loops.history import History

    history = History(options.file)
    print(str(history.repair()).replace("; ", "\n"))  # noqa: T201 - this is a command line
    history.close()
    return 0


def _serve(options: argparse.Namespace) -> int:
    from jupyter_loops.history.serving import serving

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with serving(options.file, options.host, options.port) as address:
        print(f"{address} answers; Ctrl-C ends it", flush=True)  # noqa: T201 - this is a command line
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
