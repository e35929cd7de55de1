"""Serves a history file to a team: other kernels reach it as quack:HOST:PORT, with the same token."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from jupyter_loops.errors import HistoryError

from . import extensions
from .address import PORT, Address
from .history import History
from .lease import ENDS, first_line, quoted, run, seal
from .quack import TOKEN

SHORTEST = 16  # characters of a token
HERE = ("localhost", "127.0.0.1")


@contextlib.contextmanager
def serving(path: str | Path | None = None, host: str = HERE[0], port: int = PORT) -> Iterator[str]:
    """Hold the file and answer, until the context is left; gives the address. Raises HistoryError.

    The file is made or brought up to date first, and what this machine's journals hold goes in. A client can reach the
    history and no other file. Traffic is plain HTTP: beyond this machine put a proxy with TLS in front of it.
    """
    import duckdb

    address, token = Address.of(path), os.environ.get(TOKEN, "")
    if address.kind != "file":
        raise HistoryError(f"a history file is served, and {address.text} is none")
    if len(token) < SHORTEST:
        raise HistoryError(
            f"set {TOKEN} to a secret of {SHORTEST} characters or more, here and where the history is used: "
            "python -c 'import secrets; print(secrets.token_hex(16))' makes one"
        )
    history = History(address.home)
    history.flush()
    history.close()
    files = [Path(f"{address.home}{end}") for end in ENDS]
    try:
        database = seal(files, (), lambda database: extensions.load(database, "httpfs", "quack"), str(address.home))
    except duckdb.Error as error:
        raise HistoryError(f"{address.text} cannot be served: {first_line(error)}") from error
    try:
        url = quoted(f"quack:{host}:{port}")
        elsewhere = "" if host in HERE else ", allow_other_hostname = true"
        run(database, f"CALL quack_serve({url}, token = {quoted(token)}{elsewhere})")
        yield f"quack:{host}:{port}"
        run(database, f"CALL quack_stop({url})")
        run(database, "CHECKPOINT")
    except duckdb.Error as error:
        message = str(error).replace(token, "…").partition("\n")[0]
        raise HistoryError(f"{address.text} cannot be served at {host}:{port}: {message}") from None
    finally:
        database.close()
