"""A history on a server: a DuckDB that serves a file by quack, DuckDB's own protocol.

Statements run there, in a session that ends with the lease, and only rows travel. Events go in one request that holds
its whole transaction, so a client that vanishes leaves either all of it or nothing, and never an open transaction.
What a person asks for (pruning, forgetting, --write) is a transaction of several requests: who vanishes in the middle
of it leaves it open, and what it changed locked, until the server is restarted.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_loops.errors import HistoryError

from . import extensions
from .address import Address
from .lease import Lease, first_line, quoted, run, seal

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, Statement

TOKEN = "JUPYTER_LOOPS_TOKEN"  # noqa: S105 - the name of an environment variable
CONFLICT = ("conflict", "duplicate key", "constraint")
CONNECTION_ERRORS = ("could not connect", "failed to send", "connection")
HURRY = 3.0  # seconds to wait for a server that does not answer at all
ASK = "FROM history.query($q)"
_WRAPPER = re.compile(r"\n*LINE 1: FROM history\.query.*", re.DOTALL)
_CLASS = re.compile(r"^Invalid Input Error: ")


class QuackLease(Lease):
    """A session on the server, for one transaction or one query."""

    BATCH = 2_000
    SINGLE_REQUEST = True

    def __init__(self, address: Address, turnstile: Path | None, *, also: Sequence[Path] = ()) -> None:
        super().__init__(address.home, turnstile, also=also)
        self.name, self._ssl = address.text.partition("?")[0], not address.text.endswith("?ssl=off")

    def _open(self, folders: Sequence[Path | str]) -> DuckDBPyConnection:
        token = os.environ.get(TOKEN)
        if not token:
            raise HistoryError(
                f"{self.name} wants a token: set the environment variable {TOKEN} before the kernel starts"
            )
        scope = quoted(self.name)

        def prepare(memory: DuckDBPyConnection) -> None:
            extensions.load(memory, "httpfs", "quack")
            run(memory, f"CREATE SECRET team (TYPE quack, TOKEN {quoted(token)}, SCOPE {scope})")

        return seal([], folders, prepare)

    def _statement(self, *, write: bool) -> str:  # noqa: ARG002  # whoever has the token may write
        return f"ATTACH {quoted(self.name)} AS history{'' if self._ssl else ' (DISABLE_SSL true)'}"

    def _patience(self, seconds: float) -> float:
        return min(seconds, HURRY)

    def _wrap(self, cursor: DuckDBPyConnection) -> RemoteCursor:
        return RemoteCursor(cursor)

    @contextlib.contextmanager
    def _private_log(self) -> Iterator[None]:
        yield

    def _waits(self, error: Exception) -> bool:
        return any(word in str(error).lower() for word in CONNECTION_ERRORS)

    def conflicts(self, error: Exception) -> bool:
        """Whether another writer committed first, so that the transaction may be tried again."""
        return any(word in str(error).lower() for word in CONFLICT)

    def compact(self, folder: Path, patience: float) -> None:  # noqa: ARG002
        """Let the server's file reuse the room; it shrinks when the server is restarted."""
        with self.attached(write=True, patience=patience) as cursor:
            run(cursor, "FORCE CHECKPOINT")

    def _busy(self, error: Exception) -> str:
        return f"{self.name} does not answer: {first_line(error)}"

    def _refusal(self, error: Exception) -> HistoryError:
        if "authentication" in str(error).lower():
            return HistoryError(f"{self.name} refuses the token in {TOKEN}")
        return HistoryError(f"{self.name} cannot be used: {first_line(error)}")


class RemoteCursor:
    """A cursor whose statements run on the server. It answers like DuckDB's own."""

    def __init__(self, local: DuckDBPyConnection) -> None:
        self.local = local
        self._rows: list[tuple[Any, ...]] = []
        self.description: list[tuple[Any, ...]] = []

    def execute(self, statement: str | Statement, parameters: Mapping[str, Any] | None = None) -> RemoteCursor:
        """Run one statement, or several that take no parameters; of several only the first gives rows."""
        self._ask(lambda text: self.local.execute(ASK, {"q": text}), statement, parameters)
        self.description, self._rows = list(self.local.description or ()), self.local.fetchall()
        return self

    def keep(self, table: str, statement: str | Statement, parameters: Mapping[str, Any] | None = None) -> None:
        """Put the rows into a temporary table on this side."""
        make = f"CREATE OR REPLACE TEMP TABLE {table} AS {ASK}"
        self._ask(lambda text: run(self.local, make, {"q": text}), statement, parameters)

    def rows_of(self, table: str) -> str:
        """A query on this side for all rows of a table there."""
        return f"(FROM history.query({quoted(f'FROM {table}')}))"

    def send(self, name: str, frame: object) -> None:
        """Make a temporary table there of a DataFrame here."""
        self.local.register("sent", frame)
        try:
            columns = run(self.local, "SELECT column_name, column_type FROM (DESCRIBE sent)")
            ((rows,),) = run(self.local, "SELECT to_json(list(sent))::VARCHAR FROM sent")
        finally:
            self.local.unregister("sent")
        shape = _literal_text(json.dumps([dict(columns)]))
        select = f"SELECT unnest(from_json({_literal_text(rows or '[]')}, {shape}), max_depth := 2)"
        self.execute(f'CREATE OR REPLACE TEMP TABLE "{name.replace(chr(34), chr(34) * 2)}" AS {select}')

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows of the last statement."""
        return self._rows

    def extract_statements(self, text: str) -> list[Statement]:
        """The statements of a text."""
        return self.local.extract_statements(text)

    def _ask(self, ask: Any, statement: str | Statement, parameters: Mapping[str, Any] | None) -> None:
        import duckdb

        text = (statement if isinstance(statement, str) else statement.query).strip().rstrip(";")
        try:
            if parameters:
                run(self.local, ASK, {"q": f"PREPARE asked AS\n{text}"})
                arguments = ", ".join(f"{name} := {self._literal(value)}" for name, value in parameters.items())
                text = f"EXECUTE asked({arguments})"
            ask(text)
        except duckdb.Error as error:
            raise type(error)(_as_written(str(error), prepared=bool(parameters))) from None

    def _literal(self, value: Any) -> str:
        """A value as an SQL expression of nothing but hexadecimal digits: no text can end it."""
        if value is None:
            return "NULL"
        if isinstance(value, str):
            return _literal_text(value)
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return f"from_json({_literal_text(json.dumps(value))}, '[\"VARCHAR\"]')"
        ((kind, text),) = run(self.local, "SELECT typeof($v), $v::VARCHAR", {"v": value})
        return f"CAST({_literal_text(text)} AS {kind})"


def _literal_text(text: str) -> str:
    return f"decode(unhex('{text.encode('utf-8', 'replace').hex()}'))" if text else "''"


def _as_written(text: str, *, prepared: bool) -> str:
    """The server's words about the statement as it was asked."""
    text = _CLASS.sub("", _WRAPPER.sub("", text))
    return re.sub(r"LINE (\d+):", lambda match: f"LINE {int(match[1]) - prepared}:", text)
