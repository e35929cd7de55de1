"""What a stored run can continue as: the same run resumed, a fork, or a replay of its answers."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_loops.core.events import Record, RunSteered
from jupyter_loops.core.ports import Verifier
from jupyter_loops.core.recipe import Recipe
from jupyter_loops.core.syntax_tree import parse_module
from jupyter_loops.core.termination import StopReason
from jupyter_loops.engine.origin import Origin
from jupyter_loops.engine.restored_state import RestoredState, fold
from jupyter_loops.errors import PreflightError
from jupyter_loops.language import parse
from jupyter_loops.nearest import nearest

if TYPE_CHECKING:
    from jupyter_loops.history import History

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """All that `assemble.pursue` needs besides the notebook's names."""

    recipe: Recipe
    options: dict[str, Any]  # as the run had them
    origin: Origin
    story: Sequence[Json] = ()  # the events that a view gets first
    answers: Sequence[str] | None = None  # of a replay: what the model said, in order

    def missing(self, names: Mapping[str, object]) -> list[str]:
        """The names that its set-up and checks read, and the notebook does not have."""
        tree = parse_module(self.recipe.setup)
        starred = any(isinstance(node, ast.ImportFrom) and node.names[0].name == "*" for node in ast.walk(tree))
        return [] if starred else sorted(self.recipe.uses - names.keys())


@dataclass(frozen=True, slots=True)
class StoredRun:
    """One run of a history, read."""

    history: History
    verifier: Verifier
    run_id: str
    records: list[dict[str, Any]] = field(repr=False)

    @classmethod
    def find(cls, history: History, verifier: Verifier, name: str) -> StoredRun:
        """The run with this id, or the newest of the loop with this name. Raises PreflightError."""
        row = history.run(name)
        if row is None:
            loops = [loop for (loop,) in history.sql("SELECT DISTINCT loop FROM runs").fetchall()]
            raise PreflightError(f"no run is called {name} in {history.address.text}{nearest(name, loops)}")
        records = history.records(row["run_id"])
        if not records or not records[0].get("source"):
            raise PreflightError(f"run {row['run_id']} cannot go on: the text of its cell is not in the history")
        return cls(history, verifier, row["run_id"], records)

    @property
    def recipe(self) -> Recipe:
        """Its cell, read again. Raises CellError."""
        return parse(self.records[0]["source"], self.records[0]["loop"])

    @property
    def options(self) -> dict[str, Any]:
        """What it was started with; the model is the one it had, whatever the default is now."""
        options = dict(self.records[0]["options"])
        model = options.get("model") or self.records[0]["model"]
        return options | {"model": model, "history": self.history.address.text}

    def restore(self, upto: int | None = None) -> RestoredState:
        """Its state now, or at the end of a round, the rounds of the runs that it was forked from included."""
        first, start = self.records[0], None
        if first.get("forked_at") is not None:
            start = self._parent().restore(first["forked_at"]).forked()
        events = [record for row in self.records if (record := Record.of(row)) is not None]
        return fold(events, self.recipe, self.verifier, start=start, upto=upto)

    def at(self, iteration: int) -> StoredRun:
        """The run that the round belongs to: this one, or one that it was forked from."""
        forked_at = self.records[0].get("forked_at")
        return self if forked_at is None or iteration > forked_at else self._parent().at(iteration)

    def _parent(self) -> StoredRun:
        return StoredRun.find(self.history, self.verifier, self.records[0]["parent"])

    def resumed(self) -> Continuation:
        """The same run, from where it stopped. Raises PreflightError, HistoryError while it cannot."""
        claim = self.history.claim(self.run_id)
        try:
            self.history.settle(self.run_id)  # what was written before the claim was ours
            run = StoredRun.find(self.history, self.verifier, self.run_id)
            restored = run.restore()
            run.check(restored)
        except BaseException:
            claim.close()
            raise
        origin = Origin(restored=restored, run_id=self.run_id, let_go=claim.remove)
        story = self.history.story(self.run_id)
        return Continuation(recipe=run.recipe, options=run.options, origin=origin, story=story)

    def check(self, restored: RestoredState) -> None:
        """Raise PreflightError unless the run can go on."""
        if restored.ended is not None and restored.ended.reason == StopReason.VERIFIED:
            raise PreflightError(f"run {self.run_id} is verified already; %loops fork starts another from its rounds")
        journal = [record["journal"] for record in self.records if record.get("journal")][-1:]
        if restored.ended is None and journal and self.history.goes_on(journal[0]):
            raise PreflightError(f"run {self.run_id} is going on in another kernel; stop it there first")

    def forked(self, at: int | None, hint: str = "") -> Continuation:
        """A new run from the end of one of its rounds, the last by default. Raises PreflightError."""
        run = self if at is None else self.at(at)
        restored = run.restore(at)
        done = len(restored.run_state.rounds)
        if (at is not None and done != at) or not done:
            raise PreflightError(
                f"run {self.run_id} cannot be forked at round {at or 1}: {_there_are(done)}; "
                "a verified round and one that was cut short leave nothing to go on from"
            )
        start = restored.forked()
        if hint:
            start.steers.append(RunSteered(iteration=done, action="hint", value=hint))
        origin = Origin(restored=start, parent=run.run_id, relation="fork", forked_at=done)
        story = self.history.story(run.run_id, done)
        return Continuation(recipe=self.recipe, options=self.options, origin=origin, story=story)

    def replayed(self) -> Continuation:
        """A new run whose model repeats the stored answers, at no cost. Raises PreflightError."""
        origin = Origin(parent=self.run_id, relation="replay")
        return Continuation(recipe=self.recipe, options=self.options, origin=origin, answers=self.answers())

    def answers(self) -> list[str]:
        """What the model answered, in order, without calls of tools. Raises PreflightError where there is nothing."""
        answers = [record["text"] for record in self.records if _is_answer(record)]
        if not any(answers):
            raise PreflightError(f"run {self.run_id} has no answers to replay: none were given, or they were forgotten")
        return answers


def _is_answer(record: Mapping[str, Any]) -> bool:
    """Whether the record is a final answer of a model, and not a call of a tool."""
    return record["kind"] == "call_finished" and not record["error"] and not record.get("calls")


def _there_are(rounds: int) -> str:
    return f"rounds 1 to {rounds} are finished" if rounds > 1 else f"{rounds or 'no'} round is finished"
