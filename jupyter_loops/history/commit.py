"""Events into the attached database: staged first, then rows and texts in one transaction."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator, Sequence

from .journal_frame import BEFORE, Fields, pairs
from .lease import Cursor, Lease, roll_back, run
from .projection import BATCH, project, script

STAGES = f"{BATCH}; CREATE OR REPLACE TEMP TABLE new_texts (sha VARCHAR, text VARCHAR)"
# One long text is taken over much quicker than lists, and while it is taken apart other threads of Python go on.
# The separators occur in no JSON, so in nothing that we write; they are dropped from what a stranger wrote.
EVENT, FIELD = b"\x1e", b"\x1f"
STAGE = """
INSERT INTO batch SELECT part[1], part[2]::INTEGER, part[3], part[4]
FROM (SELECT string_split(unnest(string_split($events, chr(30))), chr(31)) AS part)
"""
STAGE_TEXTS = "INSERT INTO new_texts SELECT unnest($shas), unnest($texts)"
RETRY_PAUSES = 0.02, 0.4  # seconds between tries of a transaction that came second: the first pause, the longest


def insert(cursor: Cursor, events: Sequence[Fields], into: Lease, patience: float) -> None:
    """One transaction with all of these events, or none; tried again while others were quicker."""
    import duckdb

    _stage(cursor, events)
    deadline, (pause, longest) = time.monotonic() + patience, RETRY_PAUSES
    while True:
        try:
            return _commit(cursor, into)
        except duckdb.Error as error:
            if not into.conflicts(error) or time.monotonic() > deadline:
                raise
        time.sleep(random.uniform(0, pause))  # noqa: S311 - jitter, not a secret
        pause = min(pause * 1.5, longest)


def _stage(cursor: Cursor, events: Sequence[Fields]) -> None:
    """Put events and texts where the transaction finds them."""
    encoded = EVENT.join([FIELD.join(fields[:BEFORE]) for fields in events])
    if (encoded.count(EVENT), encoded.count(FIELD)) != (len(events) - 1, len(events) * (BEFORE - 1)):
        encoded = EVENT.join([FIELD.join(field.translate(None, EVENT + FIELD) for field in e[:BEFORE]) for e in events])
    texts = dict(pair for fields in events if len(fields) > BEFORE for pair in pairs(fields))
    run(cursor, STAGES)
    run(cursor, STAGE, {"events": encoded.decode()})
    run(cursor, STAGE_TEXTS, {"shas": list(texts), "texts": list(texts.values())})


def _commit(cursor: Cursor, into: Lease) -> None:
    """All of what is staged, with its rows, or nothing."""
    if into.SINGLE_REQUEST:
        with undone(cursor):
            run(cursor, script(into.TEXTS))
        return
    run(cursor, "BEGIN")
    with undone(cursor):
        if into.FIRST:
            run(cursor, into.FIRST)
        project(cursor)
        run(cursor, into.TEXTS)
        run(cursor, "COMMIT")


@contextlib.contextmanager
def undone(cursor: Cursor) -> Iterator[None]:
    """Roll the transaction back on an error."""
    try:
        yield
    except BaseException:
        roll_back(cursor)
        raise
