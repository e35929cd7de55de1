"""Runs whose kernel ended without a last event: no other place records that."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .alive import kernel_ended
from .lease import Cursor, run

OPEN = """
SELECT run_id, kernel, updated_at, journal FROM runs LEFT JOIN lost USING (run_id)
WHERE stop_reason IS NULL AND kernel IS NOT NULL AND updated_at > coalesce(noticed_at, '-infinity')
"""
GOING = "SELECT run_id, journal FROM runs WHERE stop_reason IS NULL AND journal IS NOT NULL"


def unnoticed(cursor: Cursor, owned: Callable[[str], bool]) -> list[str]:
    """The open runs whose kernel was on this machine and has ended.

    Times alone do not prove that a kernel has ended, because clocks are set back: one that has its journal is alive.
    """
    open_runs = run(cursor, OPEN)
    return [
        run_id
        for run_id, kernel, spoke, journal in open_runs
        if kernel_ended(kernel, spoke) and not owned(journal or "")
    ]


def notice(cursor: Cursor, run_ids: Sequence[str]) -> None:
    """Put down that their kernel has ended."""
    ids = {"ids": list(run_ids)}
    run(cursor, "DELETE FROM lost WHERE run_id IN (SELECT unnest($ids))", ids)
    run(cursor, "INSERT INTO lost (run_id, noticed_at) SELECT unnest($ids), now()::TIMESTAMP", ids)
