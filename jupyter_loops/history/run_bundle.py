"""A run as JSON lines that verify anywhere: its texts, each under its SHA-256, then its events, each with its hash."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from jupyter_loops.errors import HistoryError

from . import audit
from .body import chain, mentioned
from .journal_frame import Entry
from .lease import Cursor, run


def write(cursor: Cursor, run_id: str, target: Path) -> Path:
    """Write the bundle; forgotten texts are left out."""
    query = "SELECT seq, hash, body FROM events WHERE run_id = $run ORDER BY seq"
    events = run(cursor, query, {"run": run_id})
    if not events:
        raise HistoryError(f"there is no run {run_id}")
    shas = sorted({sha for _, _, body in events for sha in mentioned(json.loads(body))})
    query = "SELECT sha, text FROM texts WHERE text IS NOT NULL AND sha IN (SELECT unnest($shas)) ORDER BY sha"
    lines = [{"sha": sha, "text": text} for sha, text in run(cursor, query, {"shas": shas})]
    lines += [{"run": run_id, "missing": [first, last]} for _, first, last in audit.gaps(cursor, run_id)]
    lines += [{"run": run_id, "seq": seq, "hash": digest, "body": body} for seq, digest, body in events]
    target.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return target


def read(source: Path) -> tuple[list[Entry], list[tuple[int, int]]]:
    """The events of a bundle, the first with all texts, and the gaps that it lists.

    Raises HistoryError at the first line that does not verify.
    """
    texts: list[tuple[str, str]] = []
    entries: list[Entry] = []
    missing: list[tuple[int, int]] = []
    try:
        # not splitlines(): a text may hold any of the other line ends that Unicode has
        for number, line in enumerate(source.read_text(encoding="utf-8").split("\n"), start=1):
            if line:
                _take(json.loads(line), texts, entries, missing, f"{source}, line {number}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HistoryError(f"{source} is not a bundle of a run: {error!r}") from error
    if not entries:
        raise HistoryError(f"{source} holds no run")
    first = entries[0]
    return [Entry(first.run, first.seq, first.hash, first.body, tuple(texts)), *entries[1:]], missing


def _take(
    line: dict[str, Any],
    texts: list[tuple[str, str]],
    entries: list[Entry],
    missing: list[tuple[int, int]],
    place: str,
) -> None:
    if "sha" in line:
        if hashlib.sha256(line["text"].encode()).hexdigest() != line["sha"]:
            raise HistoryError(f"{place}: the text is not what its hash says")
        texts.append((line["sha"], line["text"]))
        return
    if "missing" in line:
        missing.append((int(line["missing"][0]), int(line["missing"][1])))
        return
    entry = Entry(line["run"], int(line["seq"]), line["hash"], line["body"])
    previous = entries[-1] if entries else None
    event = json.loads(entry.body)
    fits = (event["run"], event["seq"]) == (entry.run, entry.seq) and entry.run.isprintable()
    before = previous.seq if previous else 0
    same_run = previous is None or previous.run == entry.run
    linked = chain(previous.hash if previous else "", entry.body.encode()) == entry.hash
    follows = (before + 1, entry.seq - 1) in missing or (entry.seq == before + 1 and linked)
    if not (fits and same_run and follows):
        raise HistoryError(f"{place}: the chain of events is broken")
    entries.append(entry)
