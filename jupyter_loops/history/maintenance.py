"""What is done with a history as a whole: proof, prices, deletion, and runs that come and go."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jupyter_loops.core.budget import Price
from jupyter_loops.errors import HistoryError

from . import audit, catalogue, heads, journal_frame, mending, missing, retention, run_bundle, signing, spares
from .audit import AuditFinding
from .day import DayBook, midnight
from .exchange import ends, hashes, later, same, write_tables
from .loop_memories import LoopMemories
from .repair import Repaired, rebuild
from .result import Result

PRICED = ("prompt", "completion", "cached", "reasoning")
# What a provider bills beyond what was set aside is on its run, and closes nobody's day; least() passes NULL over.
BOOKED = """
SELECT coalesce(sum(CASE WHEN corrected THEN costs.usd ELSE least(costs.usd, reserved_usd) END), 0)
FROM costs JOIN calls USING (run_id, call) WHERE costs.ended_at >= $since
"""


class HistoryMaintenance(LoopMemories):
    """Maintenance of a history: verify, sign, mend, repair, prune, export, merge."""

    def total_usd(self, since: datetime | None = None) -> float:
        """US dollars spent on calls that ended since then (UTC), or ever; calls without a price are not in it."""
        moment = None if since is None else (since.astimezone(UTC).replace(tzinfo=None) if since.tzinfo else since)
        ((total,),) = self.sql(
            "SELECT coalesce(sum(usd), 0) FROM costs WHERE ended_at >= coalesce($since::TIMESTAMP, '-infinity')",
            {"since": moment},
        ).fetchall()
        return float(total)

    def correct_price(self, model: str, price: Price | None, since: datetime | None = None) -> None:
        """Set what a model really cost from `since` (UTC) on, or always; None: the listed price is right.

        What the ledgers charged stays on the record; the view `costs` and all sums over it follow the correction.
        """
        moment = None if since is None else (since.astimezone(UTC).replace(tzinfo=None) if since.tzinfo else since)
        prices = {} if price is None else {name: getattr(price, name) for name in PRICED}
        with self._opened().store.writing(self.journal) as cursor:
            key = {"model": model, "since": moment or datetime(1970, 1, 1)}  # noqa: DTZ001  # UTC, as all of the file
            cursor.execute("DELETE FROM corrections WHERE model = $model AND since = $since", key)
            cursor.execute(
                """INSERT INTO corrections (model, since, prompt, completion, cached, reasoning)
                   VALUES ($model, $since, $prompt, $completion, $cached, $reasoning)""",
                {**dict.fromkeys(PRICED), **prices, **key},
            )

    def day(self, limit: float | None = None) -> DayBook:
        """The dollars of today that all kernels share, with what the history already knows of them.

        A call counts at most what was reserved for it, as in the ledgers; `total_usd` has all that was billed.
        Raises HistoryError where there is a limit and it cannot be kept.
        """
        book = DayBook(self._opened().store.journals / "today.json", limit)
        if limit is not None:
            ((booked,),) = self.sql(BOOKED, {"since": midnight().replace(tzinfo=None)}).fetchall()
            book.learn(float(booked))
        return book

    def verify(self, run_id: str | None = None, *, signed: bool = False) -> list[AuditFinding]:
        """What is not as it was written, in one run or in all; empty when everything is.

        `signed`: what is wrong with the signatures of the chain of runs, too; see `sign`. Raises HistoryError where a
        table is gone.
        """
        live = self._opened()
        with live.store.reading(live.journal) as cursor:
            if shadows := catalogue.shadows(cursor):
                return shadows
            catalogue.complete(cursor)
            broken = audit.chains(cursor, run_id)
            deleted = missing.findings(cursor, run_id, {finding.run_id for finding in broken})
            wrong = signing.findings(cursor) if signed else []
            return [
                *wrong,
                *broken,
                *deleted,
                *audit.texts(cursor),
                *audit.lacking(cursor, run_id),
                *audit.rows(cursor, run_id),
            ]

    def sign(self) -> str:
        """Sign the chain of runs as it is now, with a key in the user's configuration; says which.

        Raises HistoryError where something is not as it was written, or `cryptography` is not installed.
        """
        for finding in self.verify():
            raise HistoryError(f"nothing was signed: {finding}")
        with self._opened().store.writing(self.journal) as cursor:
            return signing.sign(cursor)

    def signed(self) -> str:
        """Who signed how much of it, and when, in one line. Raises HistoryError where nobody has."""
        live = self._opened()
        with live.store.reading(live.journal) as cursor:
            return signing.describe(cursor)

    def whole_since(self) -> datetime | None:
        """Since when (UTC) `verify` names runs that were deleted as a whole; None where there never was a run."""
        live = self._opened()
        with live.store.reading(live.journal) as cursor:
            return heads.since(cursor)

    def mend(self, run_id: str | None = None) -> list[str]:
        """Compute the rows of a run, or of all, again where they differ from intact events; gives the runs' ids.

        What `verify` finds in the events themselves stays as it is: only the original can restore it.
        """
        live = self._opened()
        with live.store.reading(live.journal) as cursor:
            wrong = mending.mendable(cursor, run_id)
        if wrong:
            with live.store.writing(live.journal) as cursor:
                mending.mend(cursor, wrong)
        return wrong

    def repair(self) -> Repaired:
        """Rebuild a damaged, foreign or truncated file from the journals, its backups, and what can be read of it.

        The old file is kept beside the new one; what this gives says where, what was saved, and what is missing. Raises
        HistoryError where the file is sound, where nothing is left, and for a server or a lake.
        """
        if self.address.kind != "file":
            raise HistoryError(f"{self.address.text} is no file: whoever keeps the server or the lake repairs it there")
        journals = self.path.with_name(f"{self.path.name}.journal")
        done = rebuild(self.path, [journals, *filter(spares.private, spares.folders(self.path))])
        self.flush()
        return done

    def sizes(self) -> Result:
        """What each run takes, largest first; bytes before compression, shared texts counted at each run."""
        return self.sql(retention.SIZES)

    def prune(self, older: timedelta, *, keep_verified: bool = True, dry_run: bool = False) -> list[str]:
        """Delete the runs whose last event is older, and the texts that nobody else uses; gives their ids.

        A run that goes on, waits, or has just been gone on with stays, and so do those it comes from.
        The file is rewritten afterwards, so that it really shrinks.
        """
        live = self._opened()
        with live.store.writing(live.journal) as cursor:
            old = retention.old(cursor, older, keep_verified=keep_verified)
            retained = retention.with_forefathers(cursor, live.store.living(cursor))
            pruned = [run_id for run_id in old if run_id not in retained]
            if not dry_run:
                retention.delete(cursor, pruned)
        if pruned and not dry_run:
            live.store.compact()
            self._discard_artifacts(pruned)
        return pruned

    def forget(self, run_id: str) -> int:
        """Remove the texts that only this run uses, and keep their hashes, so that the audit still holds.

        Raises HistoryError while the run goes on.
        """
        live = self._opened()
        with live.store.writing(live.journal) as cursor:
            if run_id in live.store.living(cursor):
                raise HistoryError(f"run {run_id} goes on, and what it writes cannot be forgotten: stop it first")
            forgotten = retention.forget(cursor, run_id)
        live.store.compact()
        self._discard_artifacts([run_id])
        return forgotten

    def artifacts(self, run_id: str) -> Path:
        """The folder, beside the file, of what the run's candidates wrote; it is there once there is something."""
        return self.path.with_suffix(".artifacts") / run_id

    def _discard_artifacts(self, run_ids: Iterable[str]) -> None:
        for run_id in run_ids:
            if run_id == Path(run_id).name:  # an id may come from another's bundle
                shutil.rmtree(self.artifacts(run_id), ignore_errors=True)

    def export(self, run_id: str, target: str | Path) -> Path:
        """Write a run as JSON lines that prove themselves: events with their hashes, then the texts."""
        live = self._opened()
        with live.store.reading(live.journal) as cursor:
            return run_bundle.write(cursor, run_id, Path(target))

    def load(self, source: str | Path) -> str:
        """Take a run in that `export` wrote, once; gives its id. Raises HistoryError when its chain is broken."""
        live = self._opened()
        entries, missing = run_bundle.read(Path(source))
        live.store.take(entries)
        self.flush()
        for first, last in missing:
            self.notice(audit.describe_gap(entries[0].run, first, last))
        return entries[0].run

    def recover(self, source: str | Path) -> int:
        """Take in all that is sound in a journal's file, damaged or not; gives the new events."""
        try:
            entries = list(journal_frame.read(Path(source).read_bytes()))
        except OSError as error:
            raise HistoryError(f"{source} cannot be read: {error.strerror}") from error
        if not entries:
            raise HistoryError(f"there is no event in {source}")
        ((before,),) = self.sql("SELECT count(*) FROM events")
        self._opened().store.take(entries)
        self.flush()
        ((after,),) = self.sql("SELECT count(*) FROM events")
        return int(after - before)

    def export_tables(self, folder: str | Path, kind: str = "parquet") -> dict[str, int]:
        """Write every table as one Parquet or CSV file into a folder; gives the rows of each."""
        live, folder = self._opened(), Path(folder).expanduser().absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HistoryError(f"{folder} cannot be written: {error.strerror}") from error
        with live.store.beyond(live.journal, folder) as cursor:
            return write_tables(cursor, folder, kind)

    def merge(self, other: HistoryMaintenance) -> int:
        """Take in the runs of another history, and what is new of those that are here; gives the new events.

        A second time takes nothing. Raises HistoryError, and takes nothing, when a chain there is broken or a run of
        the same name is another one here.
        """
        live, source, imported = self._opened(), other._opened(), 0
        with source.store.reading(source.journal) as there:
            for finding in audit.altered(there):
                raise HistoryError(f"nothing was imported: {finding}")
            for gap in audit.gaps(there):
                self.notice(audit.describe_gap(*gap))
            with live.store.reading(live.journal) as here:
                local_ends, source_ends = ends(here), ends(there)
                both = {name: min(last, source_ends[name]) for name, last in local_ends.items() if name in source_ends}
                same(hashes(here, both), hashes(there, both))
            for portion in later(there, local_ends):
                live.store.take(portion)
                self.flush()
                imported += len(portion)
        return imported
