"""Where a history is: a DuckDB file, a server that speaks quack, or a lake.

    /path/history.duckdb
    quack:host:port[?ssl=off]                      jupyter loops serve-history; the token is in the environment
    ducklake:sqlite:/path/catalogue.sqlite         the rows are in catalogue.sqlite.files beside it, or in ?data=…
    ducklake:postgres:host=db dbname=loops?data=/shared/loops

Secrets are no part of an address, because addresses are shown, logged and stored.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from jupyter_loops.errors import HistoryError

from .spares import temporary

VARIABLE = "JUPYTER_LOOPS_HISTORY"
UNKNOWN = {"?", "\\"} if os.name == "posix" else {"?"}  # in paths, to DuckDB
PORT = 9494  # quack's own
_SECRET = re.compile(r"passw|pwd=|token=|secret=|//[^/@]*:[^/@]*@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """One history; `text` is as a person writes it."""

    kind: str  # file, quack, ducklake
    text: str
    home: Path  # the file; of a server or a lake the path beside which this machine keeps journals and artifacts
    data: str = ""  # of a lake: where its rows are

    @classmethod
    def of(cls, place: str | Path | None) -> Address:
        """The history at that place; None: $JUPYTER_LOOPS_HISTORY, or the user's data folder."""
        place = place or os.environ.get(VARIABLE) or data_folder() / "history.duckdb"
        kind, colon, location = str(place).partition(":")
        if isinstance(place, Path) or not colon or kind not in {"quack", "ducklake"}:
            path = _file(place)
            return cls("file", str(path), path)
        if _SECRET.search(location):
            variables = "JUPYTER_LOOPS_TOKEN, or PGPASSWORD" if kind == "quack" else "PGPASSWORD or ~/.pgpass"
            raise HistoryError(f"a secret in the address of a history would be stored and shown: use {variables}")
        return _server(location) if kind == "quack" else _lake(location)


def data_folder() -> Path:
    """The user's, where nothing else was chosen; a temporary one where there is no home."""
    import platformdirs

    folder = platformdirs.user_data_path("jupyter-loops", appauthor=False)
    return folder if folder.is_absolute() else temporary() / "data"


def _file(place: str | Path) -> Path:
    """The file itself where a link of the user's points to it: journals are kept beside it under one name."""
    try:
        path = Path(place).expanduser().absolute()
        str(path).encode()
    except RuntimeError as error:
        raise HistoryError(f"{place} is in no home folder that there is: {error}") from error
    except UnicodeEncodeError as error:
        raise HistoryError(f"{str(place)!r} is a path that is not UTF-8, which DuckDB cannot open") from error
    if unknown := UNKNOWN & {*str(path)}:
        raise HistoryError(f"{path} has a {min(unknown)} in it, and DuckDB opens no such file")
    if not path.is_symlink():
        return path
    try:
        target = path.resolve()
    except (RuntimeError, OSError) as error:
        raise HistoryError(f"{path} is a symbolic link that leads nowhere: {error}") from error
    if hasattr(os, "getuid") and target.exists() and target.stat().st_uid != os.getuid():
        raise HistoryError(f"{path} is a symbolic link to {target}, which belongs to another user")
    return target


def _server(location: str) -> Address:
    where, _, options = location.partition("?")
    host, _, port = where.strip("/").partition(":")
    if not re.fullmatch(r"[\w.-]+", host) or not (port or str(PORT)).isdecimal() or options not in {"", "ssl=off"}:
        raise HistoryError(
            f"quack:{location} is no address: quack:HOST:PORT, with ?ssl=off for plain HTTP in a safe network"
        )
    text = f"quack:{host}:{port or PORT}"
    return Address("quack", f"{text}?{options}" if options else text, _home(text))


def _lake(location: str) -> Address:
    catalogue, _, data = location.partition("?data=")
    kind, _, where = catalogue.partition(":")
    if kind not in {"sqlite", "postgres"} or not where or (kind == "postgres" and not data):
        raise HistoryError(
            f"ducklake:{location} is no address: ducklake:sqlite:FILE, or ducklake:postgres:CONNECTION?data=FOLDER"
        )
    if kind == "sqlite":
        where = str(Path(where).expanduser().absolute())
    if "://" not in data:
        data = str(Path(data or f"{where}.files").expanduser().absolute())
    text = f"ducklake:{kind}:{where}"
    return Address("ducklake", f"{text}?data={data}", _home(text), data)


def _home(text: str) -> Path:
    """Below the user's data folder, under a name that says which history it is."""
    name = re.sub(r"[^\w.-]+", "-", text)[:60]
    return data_folder() / "team" / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
