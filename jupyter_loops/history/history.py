"""The history: every run, made durable as it happens, and a database of all of them."""

from __future__ import annotations

import atexit
import json
import logging
import os
import shutil
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jupyter_loops.core.budget import Price
from jupyter_loops.core.events import Answered, Record
from jupyter_loops.errors import HistoryError, QueryError

from . import audit, bundle, comments, experience, lineage, retention, spares
from . import query as sql_query
from .audit import Finding
from .body import decode, mentioned
from .day import DayBook, midnight
from .exchange import ends, hashes, later, same, write_tables
from .glance import Glances
from .journal import Journal
from .lineage import BrokenOff
from .live import Live
from .lock import FileLock
from .result import LIMIT, Result
from .segment import Segment

PRICED = ("prompt", "completion", "cached", "reasoning")
log = logging.getLogger(__name__)
ELSEWHERE = "instead-of-"


def default_path() -> Path:
    """Where the history is: $JUPYTER_LOOPS_HISTORY, or the user's data folder."""
    chosen = os.environ.get("JUPYTER_LOOPS_HISTORY")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return platformdirs.user_data_path("jupyter-loops", appauthor=False) / "history.duckdb"


class History:
    """One history file and this process's journal for it. Thread-safe; costs nothing until it is used."""

    def __init__(self, path: str | Path | None = None, *, read_only: bool = False) -> None:
        """With `read_only` nothing is created, migrated or drained: the file is asked as it is, a newer one too."""
        self._glances = Glances((Path(path).expanduser() if path else default_path()).absolute()) if read_only else None
        self.path = (Path(path).expanduser() if path else default_path()).absolute()
        self.notices: list[str] = []  # what a person should know of the file: each once
        self.told: list[Callable[[str], None]] = []  # who hears of new ones, on any thread
        self._lock = threading.RLock()
        self._live: Live | None = None
        _OPENED.add(self)

    # ---- writing

    @property
    def journal(self) -> Journal:
        """Where events go. Raises HistoryError when this history cannot be written, NewerHistoryError."""
        return self._opened().journal

    def append(self, record: Record) -> None:
        """Make an event durable."""
        self.journal.append(record)

    def flush(self, patience: float = 30.0) -> None:
        """Move everything into the database now. Raises HistoryError when another program keeps it locked."""
        live = self._opened()
        live.store.drain(live.journal, patience)

    def close(self) -> None:
        """Drain for some seconds at most, and let go; what is left is drained by whoever opens next."""
        with self._lock:
            live, self._live = self._live, None
        if live is not None:
            live.close()

    # ---- reading

    def sql(
        self,
        query: str,
        params: Mapping[str, Any] | None = None,
        *,
        frames: Mapping[str, object] | None = None,
        write: bool = False,
        limit: int = LIMIT,
    ) -> Result:
        """Ask in SQL. `$name` in the query stands for params["name"]; DataFrames in `frames` are tables.

        Only reads, unless `write`; reaches no other file, ever. `limit` is for display: the result has all rows.
        Raises QueryError with DuckDB's own words.
        """
        given = dict(params or {})
        found = sql_query.check(query, given, write=write)
        if self._glances is not None and not write:
            return self._glances.ask(found, given, frames or {}, limit)
        live = self._opened()
        session = live.store.lease.session()
        try:
            opened = live.store.writing if write else live.store.reading
            with opened(live.journal, session) as cursor:
                sql_query.execute(cursor, found, given, frames or {})
            return Result(session, limit)
        except BaseException:
            session.close()
            raise

    def schema(self, table: str | None = None) -> Result:
        """What there is: the tables and views, or the columns of one, each with its description.

        Raises QueryError for a table that there is not.
        """
        if table is None:
            return self.sql(comments.TABLES_OF_THE_FILE)
        found = self.sql(comments.COLUMNS_OF_A_TABLE, {"name": table})
        if not len(found):
            raise QueryError(f"there is no table {table}: %loops schema lists them")
        return found

    def run(self, name_or_id: str) -> dict[str, Any] | None:
        """The row of a run, or of the newest run of a loop that is no replay; None when there is none."""
        rows = self.sql(
            """SELECT * FROM runs WHERE run_id = $it OR (loop = $it AND relation IS DISTINCT FROM 'replay')
               ORDER BY run_id = $it DESC, started_at DESC, run_id DESC LIMIT 1""",
            {"it": name_or_id},
        ).dicts()
        return rows[0] if rows else None

    def rounds(self, run_id: str) -> list[dict[str, Any]]:
        """The rounds of a run, oldest first: the columns of `iterations`, phases as a list, and the candidate."""
        return self._rows(
            """SELECT iterations.*, text AS candidate FROM iterations LEFT JOIN texts ON sha = candidate_sha
               WHERE run_id = $run ORDER BY iteration""",
            run_id,
        )

    def calls(self, run_id: str) -> list[dict[str, Any]]:
        """The model calls of a run, oldest first: the columns of `calls`."""
        return self._rows("SELECT * FROM calls WHERE run_id = $run ORDER BY call", run_id)

    def _rows(self, query: str, run_id: str) -> list[dict[str, Any]]:
        result = self.sql(query, {"run": run_id})
        json_columns = [name for name, kind in zip(result.columns, result.types, strict=True) if kind == "JSON"]
        rows = result.dicts()
        for row in rows:
            row.update({name: json.loads(row[name]) for name in json_columns if row[name] is not None})
        return rows

    def records(self, run_id: str) -> list[dict[str, Any]]:
        """The events of a run in order, as `Record.to_json()` gave them."""
        live = self._opened()
        with live.store.reading(live.journal) as cursor:
            bodies = cursor.execute(
                "SELECT body FROM events WHERE run_id = $run ORDER BY seq", {"run": run_id}
            ).fetchall()
            shas = sorted({sha for (body,) in bodies for sha in mentioned(json.loads(body))})
            texts = dict(
                cursor.execute(
                    "SELECT sha, text FROM texts WHERE sha IN (SELECT unnest($shas))", {"shas": shas}
                ).fetchall()
            )
        return [decode(body, texts) for (body,) in bodies]

    def story(self, run_id: str, upto: int | None = None) -> list[dict[str, Any]]:
        """The events of a run, to the end of a round, after those of the rounds that it was forked from."""
        records = self.records(run_id)
        if not records:
            raise HistoryError(f"there is no run {run_id} in {self.path}")
        first = records[0]
        at = first.get("forked_at")
        before = [] if at is None else self.story(first["parent"], at)
        return [*before, *(records if upto is None else lineage.upto(records, upto))]

    def family(self, run_id: str) -> list[dict[str, Any]]:
        """The rows of a run's ancestors and descendants, and of their other descendants, oldest first."""
        return self.sql(lineage.FAMILY, {"run": run_id}).dicts()

    def broken_off(self, loop: str, *, fingerprint: str | None = None, source: str | None = None) -> BrokenOff | None:
        """The newest run of a loop, where it was interrupted or its kernel died; None where it ended or goes on.

        An equal `fingerprint` (recipe and inputs) or an equal `source` (text of the cell) is asked for where given.
        """
        rows = self.sql(lineage.BROKEN_OFF, {"loop": loop}).dicts()
        found = rows[0] if rows else None
        if found is None or found["stop_reason"] not in {None, "interrupted"}:
            return None
        same = fingerprint in {None, found["fingerprint"]} and source in {None, found["source"]}
        if not same or (found["stop_reason"] is None and self.goes_on(found["journal"])):
            return None
        return BrokenOff(*(found[name] for name in ("run_id", "current_iteration", "usd", "tokens")))

    def goes_on(self, journal: str | None) -> bool:
        """Whether the process that wrote the journal with this token lives; it may be this one."""
        folders = self._opened().store.folders
        return bool(journal) and any(Segment.owned(folder, str(journal)) for folder in folders)

    def claim(self, run_id: str) -> FileLock:
        """The right to go on with a run, until it is closed. Raises HistoryError while somebody has it."""
        lock = FileLock.wait(self._opened().store.journals / f"{run_id}.claim", 0.0)
        if lock is None:
            raise HistoryError(f"run {run_id} is going on in another kernel; stop it there first")
        return lock

    def verified(self, fingerprint: str) -> dict[str, Any] | None:
        """The newest verified candidate of an equal question, and its run; None when there is none."""
        rows = self.sql(
            """SELECT candidate_kind AS kind, text, digest, run_id, iteration, model,
                      runs.usd, runs.tokens, runs.ended_at
               FROM runs JOIN iterations USING (run_id) JOIN texts ON sha = candidate_sha
               WHERE fingerprint = $fingerprint AND stop_reason = 'verified' AND text IS NOT NULL
                 AND iterations.iteration = runs.best_iteration
               ORDER BY runs.ended_at DESC LIMIT 1""",
            {"fingerprint": fingerprint},
        ).dicts()
        return rows[0] if rows else None

    def outcomes(self, loop: str, model: str) -> list[dict[str, Any]]:
        """How runs of this loop, and of this model, went: rounds, verified, weight, usd, tokens, seconds."""
        return self.sql(experience.OUTCOMES, {"loop": loop, "model": model}).dicts()

    def answers(self, run_id: str) -> list[Answered]:
        """What judges and people have answered in a run, so that equal questions cost nothing."""
        names = {field.name for field in fields(Answered)}
        told = (record for record in self.records(run_id) if record["kind"] == Answered.kind)
        return [Answered(**{name: value for name, value in record.items() if name in names}) for record in told]

    def approaches(self, loop: str, models: list[str]) -> list[dict[str, Any]]:
        """What ways to ask these models were worth in this loop: model, mode, degree, rounds, gain, usd, tokens."""
        return self.sql(experience.APPROACHES, {"loop": loop, "models": models}).dicts()

    def total_usd(self, since: datetime | None = None) -> float:
        """US dollars spent on calls that ended since then (UTC), or ever; calls without a price are not in it."""
        moment = None if since is None else (since.astimezone(UTC).replace(tzinfo=None) if since.tzinfo else since)
        ((total,),) = self.sql(
            "SELECT coalesce(sum(usd), 0) FROM costs WHERE ended_at >= coalesce($since::TIMESTAMP, '-infinity')",
            {"since": moment},
        ).fetchall()
        return float(total)

    def correct_price(self, model: str, price: Price | None, since: datetime | None = None) -> None:
        """Say what a model really cost from `since` (UTC) on, or ever; None: what was listed is right.

        What the ledgers charged stays on the record; the view `costs` and all sums over it follow the correction.
        """
        moment = None if since is None else (since.astimezone(UTC).replace(tzinfo=None) if since.tzinfo else since)
        known = {} if price is None else {name: getattr(price, name) for name in PRICED}
        with self._opened().store.writing(self.journal) as cursor:
            given = {"model": model, "since": moment or datetime(1970, 1, 1)}  # noqa: DTZ001  # UTC, as all of the file
            cursor.execute("DELETE FROM corrections WHERE model = $model AND since = $since", given)
            cursor.execute(
                "INSERT INTO corrections VALUES ($model, $since, $prompt, $completion, $cached, $reasoning)",
                {**dict.fromkeys(PRICED), **known, **given},
            )

    def day(self, limit: float | None = None) -> DayBook:
        """The dollars of today that all kernels share, with what the history already knows of them.

        Raises HistoryError where there is a limit and it cannot be kept.
        """
        book = DayBook(self._opened().store.journals / "today.json", limit)
        if limit is not None:
            book.learn(self.total_usd(midnight()))
        return book

    def verify(self, run_id: str | None = None) -> list[Finding]:
        """What is not as it was written, in one run or in all; empty when everything is."""
        live = self._opened()
        with live.store.reading(live.journal) as cursor:
            return [*audit.chains(cursor, run_id), *audit.texts(cursor), *audit.rows(cursor, run_id)]

    # ---- keeping

    def sizes(self) -> Result:
        """What each run takes, largest first; bytes before compression, shared texts counted at each run."""
        return self.sql(retention.SIZES)

    def prune(self, older: timedelta, *, keep_verified: bool = True, dry_run: bool = False) -> list[str]:
        """Delete the runs whose last event is older, and the texts that nobody else uses; gives their ids.

        The file is written anew afterwards, so that it really shrinks.
        """
        live = self._opened()
        with live.store.writing(live.journal) as cursor:
            gone = retention.old(cursor, older, keep_verified=keep_verified)
            if not dry_run:
                retention.delete(cursor, gone)
        if gone and not dry_run:
            live.store.compact()
            self._discard_artifacts(gone)
        return gone

    def forget(self, run_id: str) -> int:
        """Remove the texts that only this run uses, and keep their hashes, so that the audit still holds."""
        live = self._opened()
        with live.store.writing(live.journal) as cursor:
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
            return bundle.write(cursor, run_id, Path(target))

    def load(self, source: str | Path) -> str:
        """Take a run in that `export` wrote, once; gives its id. Raises HistoryError when its chain is broken."""
        live = self._opened()
        entries = bundle.read(Path(source))
        live.store.take(entries)
        self.flush()
        return entries[0].run

    def export_tables(self, folder: str | Path, kind: str = "parquet") -> dict[str, int]:
        """Write every table as one Parquet or CSV file into a folder; gives the rows of each."""
        live, folder = self._opened(), Path(folder).expanduser().absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HistoryError(f"{folder} cannot be written: {error.strerror}") from error
        with live.store.beyond(live.journal, folder) as cursor:
            return write_tables(cursor, folder, kind)

    def merge(self, other: History) -> int:
        """Take in the runs of another history, and what is new of those that are here; gives the new events.

        A second time takes nothing. Raises HistoryError, and takes nothing, when a chain there is broken or a run of
        the same name is another one here.
        """
        live, theirs, taken = self._opened(), other._opened(), 0
        with theirs.store.reading(theirs.journal) as there:
            for finding in audit.chains(there):
                raise HistoryError(f"nothing was imported: {finding}")
            with live.store.reading(live.journal) as here:
                known, told = ends(here), ends(there)
                both = {name: min(last, told[name]) for name, last in known.items() if name in told}
                same(hashes(here, both), hashes(there, both))
            for portion in later(there, known):
                live.store.take(portion)
                self.flush()
                taken += len(portion)
        return taken

    # ---- life

    def notice(self, text: str) -> None:
        """Tell a person, once, what they should know."""
        if text not in self.notices:
            self.notices.append(text)
            for tell in list(self.told):
                tell(text)
            log.warning("%s", text)

    def tell(self, listener: Callable[[str], None]) -> Callable[[object], None]:
        """Let `listener` hear of new notices, on any thread, until the function that this gives is called."""
        self.told.append(listener)
        return lambda _: self.told.remove(listener)

    def _opened(self) -> Live:
        import duckdb

        if self._glances is not None:
            raise HistoryError(f"{self.path} is open for reading only")
        with self._lock:
            if self._live is None:
                try:
                    self._live = Live(self.path, self.notice)
                except (OSError, duckdb.Error) as error:
                    cause = getattr(error, "strerror", None) or str(error).partition("\n")[0]
                    if spares.refused(error) and self._elsewhere(cause):
                        return self._opened()
                    raise HistoryError(
                        f"no history can be kept in {self.path.parent}: {cause}; "
                        "choose another file with --history or JUPYTER_LOOPS_HISTORY"
                    ) from error
            return self._live

    def _elsewhere(self, cause: str) -> bool:
        """Whether the history could be put elsewhere, because its folder is there and takes nothing."""
        if not self.path.parent.is_dir() or self.path.name.startswith(ELSEWHERE):
            return False
        for folder in spares.folders(self.path):
            if spares.make(folder):
                wanted, self.path = self.path, folder / f"{ELSEWHERE}{self.path.name}"
                self.notice(
                    f"no history can be kept in {wanted.parent}: {cause}. What happens now is kept in "
                    f"{self.path}; choose another file with --history or JUPYTER_LOOPS_HISTORY"
                )
                return True
        return False

    def after_fork(self) -> None:
        """In a forked child: start over, with a journal of its own."""
        self._lock = threading.RLock()
        if self._live is not None:
            self._live.journal.abandon()
            self._live = None


_OPENED: weakref.WeakSet[History] = weakref.WeakSet()
_SHARED: dict[Path, History] = {}
_SHARING = threading.Lock()


def open_history(path: str | Path | None = None) -> History:
    """The history at that path, or the default one; the same object everywhere in this process."""
    wanted = History(path)
    with _SHARING:
        return _SHARED.setdefault(wanted.path.resolve(), wanted)


def _close_all() -> None:
    for history in list(_OPENED):
        history.close()


def _after_fork() -> None:
    for history in list(_OPENED):
        history.after_fork()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
