"""What a history answers: SQL, and what its users ask of a run, a loop, a question."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_loops.core.events import QuestionAnswered
from jupyter_loops.errors import HistoryError, QueryError

from . import comments, experience, map_rows, recorded_prompt, run_lineage
from . import statement as sql_query
from .body import decode, mentioned
from .history_file import HistoryFile
from .leftovers import CLAIM
from .lock import FileLock
from .map_rows import KnownRow
from .parameter_binding import bound
from .recorded_prompt import RecordedPrompt
from .result import LIMIT, Result
from .run_lineage import BrokenOff
from .segment import SUFFIX, peek
from .store import PATIENCE

SETTLE = 10.0  # seconds that another kernel has to bring a run's events into the database
REFUSED = timedelta(days=30)  # for which a server's refusal is remembered
QUIET = 300.0  # seconds that a model may take to answer, while a run on another machine writes no event


class HistoryQueries(HistoryFile):
    """A history that is asked."""

    def sql(
        self,
        query: str,
        params: Mapping[str, Any] | None = None,
        *,
        frames: Mapping[str, object] | None = None,
        write: bool = False,
        limit: int = LIMIT,
    ) -> Result:
        """Ask in SQL. `$name` in the query stands for params["name"]; what is in `frames` is a table.

        The history's own tables go before frames of their names.
        Only reads, unless `write`; reaches no other file, ever. `limit` is for display: the result has all rows.
        Raises QueryError with DuckDB's own words.
        """
        values = {name: bound(name, value) for name, value in (params or {}).items()}
        statements = sql_query.check(query, values, write=write)
        if self._glances is not None and not write:
            return self._glances.ask(statements, values, frames or {}, limit)
        live = self._opened()
        session = live.store.lease.session()
        try:
            opened = live.store.writing if write else live.store.reading
            with opened(live.journal, session) as cursor:
                hidden = sql_query.execute(cursor, statements, values, frames or {})
            return Result(session, limit, "; ".join(filter(None, (live.store.note, hidden))))
        except BaseException:
            session.close()
            raise

    def schema(self, table: str | None = None) -> Result:
        """What there is: the tables and views, or the columns of one, each with its description.

        Raises QueryError for a table that there is not.
        """
        if table is None:
            return self.sql(comments.TABLES_OF_THE_FILE)
        columns = self.sql(comments.COLUMNS_OF_A_TABLE, {"name": table})
        if not len(columns):
            raise QueryError(f"there is no table {table}: %loops schema lists them")
        return columns

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

    def prompts(self, run_id: str, iteration: int | None = None) -> list[RecordedPrompt]:
        """What a run asked its models, call by call, as it was sent; of one round where it is named."""
        rows = self.sql(recorded_prompt.QUERY, {"run": run_id, "iteration": iteration}).dicts()
        shas = sorted({message["sha"] for row in rows for message in row["messages"] or () if message["sha"]})
        texts = dict(self.sql(recorded_prompt.TEXTS, {"shas": shas}).fetchall()) if shas else {}
        return [recorded_prompt.of(row, texts) for row in rows]

    def verdicts(self, run_id: str) -> list[dict[str, Any]]:
        """What each check said of each candidate of a run, oldest first: the columns of `verdicts`."""
        return self._rows("SELECT * FROM verdicts WHERE run_id = $run ORDER BY iteration, seq, position", run_id)

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
            raise HistoryError(f"there is no run {run_id} in {self.address.text}")
        first = records[0]
        at = first.get("forked_at")
        before = [] if at is None else self.story(first["parent"], at)
        return [*before, *(records if upto is None else run_lineage.upto(records, upto))]

    def family(self, run_id: str) -> list[dict[str, Any]]:
        """The rows of a run's ancestors and descendants, and of their other descendants, oldest first."""
        return self.sql(run_lineage.FAMILY, {"run": run_id}).dicts()

    def broken_off(self, loop: str, *, fingerprint: str | None = None, source: str | None = None) -> BrokenOff | None:
        """The newest run of a loop, where it was interrupted or its kernel died; None where it ended or goes on.

        An equal `fingerprint` (recipe and inputs) or an equal `source` (text of the cell) is asked for where given.
        """
        rows = self.sql(run_lineage.BROKEN_OFF, {"loop": loop}).dicts()
        row = rows[0] if rows else None
        if row is None or row["stop_reason"] not in {None, "interrupted"}:
            return None
        same = fingerprint in {None, row["fingerprint"]} and source in {None, row["source"]}
        if not same or (row["stop_reason"] is None and self.goes_on(row["journal"])):
            return None
        return BrokenOff(*(row[name] for name in ("run_id", "current_iteration", "usd", "tokens")))

    def goes_on(self, journal: str | None) -> bool:
        """Whether the process that wrote the journal with this token lives; it may be this one.

        In a team the journals of other machines are not in sight: a run there is taken to go on for some minutes after
        its last event.
        """
        if not journal or self._opened().store.owned(journal):
            return bool(journal)
        if self.address.kind == "file":
            return False
        last = self.sql(run_lineage.SPOKE, {"journal": journal, "here": f"%@{platform.node()}"}).fetchall()
        return bool(last) and (datetime.now(UTC) - last[0][0].replace(tzinfo=UTC)).total_seconds() < QUIET

    def claim(self, run_id: str) -> FileLock:
        """The right to go on with a run, until it is closed. Raises HistoryError while somebody has it."""
        lock = FileLock.wait(self._opened().store.journals / f"{run_id}{CLAIM}", 0.0)
        if lock is None:
            raise HistoryError(f"run {run_id} is going on in another kernel; stop it there first")
        return lock

    def settle(self, run_id: str) -> None:
        """Have all that was ever written of a run in the database. Raises HistoryError where that cannot be had.

        Who goes on with a run needs this: a reader puts up with what is on its way, a second event 18 would be lost.
        """
        deadline = time.monotonic() + SETTLE
        self.flush(PATIENCE)
        while self._written(run_id) > (self.run(run_id) or {"events": 0})["events"]:
            if time.monotonic() > deadline:
                raise HistoryError(f"the last events of run {run_id} are in another kernel's journal; try again later")
            time.sleep(0.1)

    def _written(self, run_id: str) -> int:
        """The number of the run's last event in any journal, whoever writes it; 0 where there is none."""
        paths = [path for folder in self._opened().store.folders for path in folder.glob(f"*{SUFFIX}")]
        return max((entry.seq for path in paths for entry in peek(path) if entry.run == run_id), default=0)

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

    def known_rows(self, fingerprints: list[str]) -> dict[str, KnownRow]:
        """The best earlier run of each of these questions: a verified one, or else the newest."""
        rows = self.sql(map_rows.KNOWN, {"fingerprints": fingerprints}).dicts()
        return {row["fingerprint"]: KnownRow(**row) for row in rows}

    def knows_rows(self, loop: str) -> bool:
        """Whether there are runs of rows of this loop."""
        return bool(self.sql(map_rows.ANY, {"prefix": map_rows.label(loop, 0).partition("0")[0]}).fetchall()[0][0])

    def outcomes(self, loop: str, model: str) -> list[dict[str, Any]]:
        """Results of the runs of this loop, and of this model: rounds, verified, weight, usd, tokens, seconds."""
        return self.sql(experience.OUTCOMES, {"loop": loop, "model": model}).dicts()

    def refusals(self, now: datetime | None = None) -> list[dict[str, str]]:
        """What servers refused in the last 30 days and have not taken since: model, endpoint, feature."""
        since = (now or datetime.now(UTC)).astimezone(UTC).replace(tzinfo=None) - REFUSED
        return self.sql(experience.REFUSALS, {"since": since}).dicts()

    def corrections(self) -> list[dict[str, Any]]:
        """What models really cost, by the corrections that are valid now: US dollars for each kind of token."""
        return self.sql(experience.CORRECTIONS, {"now": datetime.now(UTC).replace(tzinfo=None)}).dicts()

    def answers(self, run_id: str) -> list[QuestionAnswered]:
        """What judges and people have answered in a run, so that equal questions cost nothing."""
        names = {field.name for field in fields(QuestionAnswered)}
        records = (record for record in self.records(run_id) if record["kind"] == QuestionAnswered.kind)
        return [
            QuestionAnswered(**{name: value for name, value in record.items() if name in names}) for record in records
        ]

    def approaches(self, loop: str, models: list[str]) -> list[dict[str, Any]]:
        """What ways to ask these models were worth in this loop: model, mode, degree, rounds, gain, usd, tokens."""
        return self.sql(experience.APPROACHES, {"loop": loop, "models": models}).dicts()
