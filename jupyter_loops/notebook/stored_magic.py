"""The `%loops` subcommands for stored runs: resume, fork, replay, verify, export, forget."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_loops.errors import OptionError
from jupyter_loops.options import Option, units
from jupyter_loops.view.table import Table

from . import map_words, run_table
from .line import read_options

if TYPE_CHECKING:
    from jupyter_loops.assemble import Adapters
    from jupyter_loops.continuation import Continuation, StoredRun
    from jupyter_loops.core.ports import Listener
    from jupyter_loops.delivery import RecheckOutcome
    from jupyter_loops.history import History
    from jupyter_loops.mapping.map_run import MapRun
    from jupyter_loops.run import Run

    from .cell_execution import CellExecution
    from .loop_magic import LoopMagics

WORDS = ("fork", "replay", "lineage", "verify", "verify-delivery", "export", "forget", "note")
CHANGES = (
    Option(name="model", short="-m", help="", shape="NAME", read=str),
    Option(name="usd", help="", shape="DOLLARS", read=units.or_none(units.dollars)),
    Option(name="tokens", help="", shape="COUNT", read=units.or_none(units.count)),
    Option(name="time", help="", shape="TIME", read=units.or_none(units.seconds)),
    Option(name="iterations", short="-n", help="", shape="COUNT", read=units.or_none(units.count)),
    Option(name="calls", help="", shape="COUNT", read=units.or_none(units.count)),
)
FORK = (
    Option(name="at", help="", shape="ROUND", read=units.count),
    Option(name="hint", help="", shape="TEXT", read=str),
    *CHANGES,
)
REPLAY_OPTIONS = (
    Option(name="patience", help="", shape="COUNT", read=units.or_none(units.count)),
    Option(name="until", help="", shape="WHEN", read=units.until),
    Option(name="stop_if", help="", shape="RULE", read=str),
    Option(name="iterations", short="-n", help="", shape="COUNT", read=units.or_none(units.count)),
)
VERIFY = (Option(name="mend", help=""), Option(name="sign", help=""), Option(name="signed", help=""))
FORGET = (
    *(Option(name="text", help=""), Option(name="refusals", help="")),
    *(Option(name="notes", help=""), Option(name="lessons", help=""), Option(name="failures", help="")),
)
LONGEST_NOTE = 2000  # characters
_REMEMBERED = "SELECT kind, number, text, dropped FROM loop_memory WHERE loop = $loop ORDER BY ALL"
_FINDINGS = 20  # shown at most


class StoredMagic:
    """The subcommands of LoopsMagic for stored runs."""

    _ipython: Any
    _loops: LoopMagics

    def _fork(self, words: list[str]) -> Run:
        """[NAME|RUN] [--at 3] [--model M] [--hint "TEXT"] [--usd 2 …]: a new run from the end of a round."""
        options = read_options(words, FORK, self._ipython.user_ns)
        stored = self._stored(options.pop("", []))
        continuation = stored.forked(options.pop("at", None), options.pop("hint", ""))
        return self._begin(continuation, options).leave()

    def _replay(self, words: list[str]) -> Table:
        """[NAME|RUN] [--patience 2 --until … -n 4]: its stored answers again, at 0 tokens, under today's rules."""
        options = read_options(words, REPLAY_OPTIONS, self._ipython.user_ns)
        stored = self._stored(self._ended(options.pop("", [])))
        run = self._begin(stored.replayed(), options).see_out()
        return _compared(stored.history, stored.run_id, run.id)

    def _lineage(self, words: list[str]) -> Any:
        """[NAME|RUN]: the tree of runs it belongs to; `%loops chart lineage` draws it."""
        from jupyter_loops.view.lineage_text import LineageText

        run_id = self._row(words)["run_id"]
        return LineageText(self._history.family(run_id), run_id)

    def _verify(self, words: list[str]) -> Table | str:
        """[NAME|RUN] [--mend] [--sign] [--signed]: prove that nothing was edited or deleted; mend rows; sign it."""
        options = read_options(words, VERIFY, {})
        named, signed = options.get("", []), bool(options.get("signed"))
        run_id = self._row(named)["run_id"] if named else None
        mended = self._history.mend(run_id) if options.get("mend") else []
        mended_note = f"computed anew from their events: the rows of {', '.join(mended)}; " if mended else ""
        findings = self._history.verify(run_id, signed=signed)
        if not findings:
            what = f"run {run_id} is as it was written" if run_id else f"every run is as it was written{self._since()}"
            signs = [self._history.sign()] if options.get("sign") else [self._history.signed()] if signed else []
            return f"{mended_note}{'; '.join([what, *signs])}"
        rows = [
            (finding.run_id, "" if finding.seq is None else str(finding.seq), finding.what)
            for finding in findings[:_FINDINGS]
        ]
        more = f"and {len(findings) - _FINDINGS} more" if len(findings) > _FINDINGS else ""
        return Table(("run", "event", "what is not as it was written"), rows, f"{mended_note}{more}")

    def _since(self) -> str:
        since = self._history.whole_since()
        return f", and none was deleted but by prune since {since:%Y-%m-%d %H:%M} UTC" if since else ""

    def _verify_delivery(self, words: list[str]) -> Table:
        """[NAME]: run the cell's checks, hidden ones too, on what the notebook has now."""
        if len(words) > 1:
            raise OptionError(f"unexpected {words[1]!r}")
        run = run_table.find(words[0]) if words else run_table.newest()
        if run is None:
            raise OptionError(f"no run of this kernel is called {words[0]}" if words else "no loop has run here yet")
        outcomes = run.verify_delivery(self._ipython.user_ns)
        table = Table(
            ("check", "in the notebook", "why"),
            [(outcome.check, _outcome_word(outcome), outcome.message) for outcome in outcomes],
            "",
        )
        if failed := sum(outcome.passed is False for outcome in outcomes):
            print(table)  # noqa: T201  # the error that follows is one line
            raise OptionError(f"{failed} of {len(outcomes)} checks of {run.name} fail on what the notebook has")
        return table

    def _export(self, words: list[str]) -> str:
        """NAME|RUN FILE: write a run as JSON lines that prove themselves anywhere; `%loops import FILE` takes it in."""
        if len(words) != 2:  # noqa: PLR2004  # as many as it takes
            raise OptionError("say which run, and where to: %loops export NAME run.jsonl")
        target = self._history.export(self._row(words[:1])["run_id"], Path(words[1]).expanduser())
        return f"written to {target}"

    def _forget(self, words: list[str]) -> str:
        """NAME|RUN --text: its texts; NAME --notes|--lessons|--failures; MODEL --refusals: what its servers refused."""
        options = read_options(words, FORGET, {})
        if options.keys() & {"notes", "lessons", "failures"}:
            return self._forget_memory(options)
        if options.get("refusals"):
            return self._retry_refused(options.get("", []))
        if not options.get("text") or len(options.get("", [])) != 1:
            raise OptionError("say which run, and that its texts may go for good: %loops forget NAME --text")
        row = self._row(options[""])
        count = self._history.forget(row["run_id"])
        return f"{count} texts of run {row['run_id']} are gone; what other runs use too is kept"

    def _forget_memory(self, options: dict[str, Any]) -> str:
        """What the later runs of a loop are not told any more."""
        from jupyter_loops.history.loop_memories import Remembered

        kinds = {"notes": Remembered.NOTE, "lessons": Remembered.LESSON, "failures": Remembered.FORGOTTEN}
        chosen, names = [name for name in kinds if options.get(name)], options.get("", [])
        if len(names) != 1:
            raise OptionError(f"say which loop: %loops forget NAME --{chosen[0]}")
        gone = [f"{self._history.forget_memory(names[0], kinds[name])} {name}" for name in chosen]
        return f"later runs of {names[0]} are not told {' and '.join(gone)}"

    def _note(self, words: list[str]) -> Any:
        """NAME ["TEXT"]: tell all later runs of a loop something; without a text, what they are told."""
        if not words:
            raise OptionError('say which loop, and what to tell it: %loops note NAME "dates are DD.MM.YYYY"')
        loop, text = words[0], " ".join(words[1:]).strip()
        if not loop.isidentifier():
            raise OptionError(f"{loop!r} is no name of a loop")
        if not text:
            return self._history.sql(_REMEMBERED, {"loop": loop})
        if len(text) > LONGEST_NOTE:
            raise OptionError(f"the note has {len(text):,} characters, and at most {LONGEST_NOTE:,} are taken")
        self._history.add_note(loop, text)
        known = self._history.sql("SELECT 1 FROM runs WHERE loop = $loop LIMIT 1", {"loop": loop}).fetchall()
        return f"later runs of {loop} are told so{'' if known else '; no loop of that name has run yet'}"

    def _retry_refused(self, words: list[str]) -> str:
        from jupyter_loops.planning.models import features

        if len(words) != 1:
            raise OptionError("say which model: %loops forget MODEL --refusals")
        features.remember(self._history.refusals())
        retried = features.retry(words[0])
        if not retried:
            raise OptionError(f"no server is known to have refused anything to {words[0]}")
        return f"{words[0]} is sent {', '.join(retried)} again, and the history keeps what its server says"

    def _go_on(self, words: list[str]) -> Run | MapRun:
        """Resume a run that is not live in this kernel."""
        options = read_options(words, CHANGES, self._ipython.user_ns)
        row = self._row(options.pop("", []))
        if map_words.is_map(row):
            source = self._history.records(row["run_id"])[0]["source"]
            return map_words.resume(self._ipython, row, source, options, self._loops.history)
        return self._begin(self._stored([row["run_id"]]).resumed(), options).leave()

    @property
    def _history(self) -> History:
        from jupyter_loops.history import open_history

        return open_history(self._loops.history)

    def _row(self, words: list[str]) -> dict[str, Any]:
        """The row of the run that is named, else of the newest of this kernel, else of the history."""
        if len(words) > 1:
            raise OptionError(f"unexpected {words[1]!r}")
        here = run_table.find(words[0]) if words else run_table.newest()
        by_id = here is not None and (not words or here.id.startswith(words[0]))
        name = here.id if here is not None and by_id else words[0] if words else None
        row = self._history.run(name) if name else next(iter(self._history.sql(NEWEST).dicts()), None)
        if row is None:
            raise OptionError(f"no run is called {name}" if name else "there are no runs yet")
        return row

    def _ended(self, words: list[str]) -> list[str]:
        """The newest run of a loop that has ended and is no replay, by its id; the words where there is none."""
        rows = self._history.sql(_ENDED, {"loop": words[0] if words else None}).fetchall()
        return [rows[0][0], *words[1:]] if rows else words

    def _stored(self, words: list[str]) -> StoredRun:
        from jupyter_loops.assemble import stored

        row = self._row(words)
        map_words.refuse_group(row, f"%loops resume {row['loop']} goes on with its rows")
        map_words.refuse_row(row)
        return stored(row["run_id"], self._loops.history)

    def _begin(self, continuation: Continuation, changes: dict[str, Any]) -> CellExecution:
        """A run below this line, with its view; it goes on in the background."""
        from .cell_execution import CellExecution

        names = self._ipython.user_ns
        mine = {name: names[name] for name in sorted(continuation.recipe.uses) if name in names}

        def begin(listener: Listener, adapters: Adapters | None = None) -> Run:
            from jupyter_loops.assemble import pursue

            return pursue(continuation, mine, [listener], adapters, **changes)

        execution = CellExecution(
            shell=self._ipython, recipe=continuation.recipe, begin=begin, story=continuation.story, raises=False
        )
        execution.start(clicks=True)
        self._loops.shown.add(execution.run.id)
        return execution


_ENDED = """
SELECT run_id FROM runs
WHERE stop_reason IS NOT NULL AND calls > 0 AND relation IS DISTINCT FROM 'replay'
  AND CASE WHEN $loop IS NULL THEN NOT ends_with(loop, ']') ELSE loop = $loop END
ORDER BY started_at DESC, run_id DESC LIMIT 1
"""
_OTHER_PROMPT = """  -- what is left of a limit is another with every second
WITH asked AS (
    SELECT run_id, call, iteration, unnest(messages) AS message, generate_subscripts(messages, 1) AS position
    FROM calls WHERE run_id IN ($then_run, $now_run)
), prompts AS (
    SELECT run_id, call, iteration, list(
        message.role || regexp_replace(coalesce(text, message.sha), $left, '', 'g') ORDER BY position
    ) AS prompt FROM asked LEFT JOIN texts ON sha = message.sha GROUP BY ALL
)
SELECT was.iteration FROM prompts AS was JOIN prompts AS is_now USING (call)
WHERE was.run_id = $then_run AND is_now.run_id = $now_run AND was.prompt <> is_now.prompt
ORDER BY call LIMIT 1
"""
NEWEST = """
SELECT * FROM runs WHERE relation IS DISTINCT FROM 'replay' AND NOT ends_with(loop, ']')
ORDER BY started_at DESC, run_id DESC LIMIT 1
"""


def _compared(history: History, then: str, now: str) -> Table:
    """Each round as it was, and as it is; how both runs ended, and from where the stored answers are uncertain."""
    rounds = [{row["iteration"]: row for row in history.rounds(run)} for run in (then, now)]
    rows = []
    for n in sorted(set().union(*rounds) - {0}):
        was, is_ = (by_round.get(n, {}) for by_round in rounds)
        same = (was.get("passed"), was.get("why")) == (is_.get("passed"), is_.get("why"))
        rows.append((str(n), _checks(was), _checks(is_), "the same" if same else str(is_.get("why") or "not reached")))
    notes = [f"run {now} replayed {then}, 0 tokens", _ends(history, then, now), _uncertain(history, then, now)]
    return Table(("round", "then", "now", "what came of it"), rows, "\n".join(filter(None, notes)))


def _ends(history: History, then: str, now: str) -> str:
    """How the run ended, and ends now, with what the rounds cost that are not reached."""
    from jupyter_loops.core.amount import counted

    was, is_ = history.run(then) or {}, history.run(now) or {}
    ends = f"then: {was['message'] or 'it did not end'}\nnow: {is_['message']}"
    saved = (was["iterations"] or 0) - (is_["iterations"] or 0)
    if saved <= 0:
        return ends
    calls = [call for call in history.calls(then) if (call["iteration"] or 0) > (is_["iterations"] or 0)]
    tokens = sum((call["prompt_tokens"] or 0) + (call["completion_tokens"] or 0) for call in calls)
    return (
        f"{ends}\nsaved: {counted(saved, 'round')}, {tokens:,} tokens, ${sum(call['usd'] or 0 for call in calls):.4f}"
    )


def _uncertain(history: History, then: str, now: str) -> str:
    """The first call whose prompt differs: from there the model might have answered otherwise."""
    from jupyter_loops.engine.final_answer_reserve import LAST, LITTLE

    values = {"then_run": then, "now_run": now, "left": rf"\n*({LAST}|{LITTLE})[^\n]*"}
    found = history.sql(_OTHER_PROMPT, values).fetchall()
    if not found:
        return ""
    return f"uncertain from round {found[0][0]} on: its prompt is another than then, and so might the answer be"


def _outcome_word(outcome: RecheckOutcome) -> str:
    return "skipped" if outcome.passed is None else "pass" if outcome.passed else "FAIL"


def _checks(row: dict[str, Any]) -> str:
    return f"{row['passed']} of {row['total']}" if row.get("total") is not None else "-"
