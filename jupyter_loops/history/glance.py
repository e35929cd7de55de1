"""Read-only access to a history: no folder, journal or migration; for newer files, and for files of other users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_loops.errors import HistoryError

from .address import Address
from .leases import lease
from .result import Result
from .statement import execute

if TYPE_CHECKING:
    from duckdb import Statement

PATIENCE = 1.0  # seconds that a query waits for another program


class Glances:
    """Queries on one history, which is leased for reading and for nothing else."""

    def __init__(self, address: Address) -> None:
        self._address, self._lease = address, lease(address, None)

    def ask(
        self, statements: Sequence[Statement], values: Mapping[str, Any], frames: Mapping[str, object], limit: int
    ) -> Result:
        """The rows. Raises HistoryError when there is no file, QueryError."""
        if self._address.kind == "file" and not self._address.home.exists():
            raise HistoryError(f"there is no history at {self._address.text}")
        session = self._lease.session()
        try:
            with self._lease.attached(write=False, patience=PATIENCE, session=session) as cursor:
                hidden = execute(cursor, statements, values, frames)
            return Result(session, limit, hidden)
        except BaseException:
            session.close()
            raise
