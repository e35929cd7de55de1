"""Decides how the model is asked in each round, and records the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from jupyter_loops.core.amount import counted
from jupyter_loops.core.approach import TEMPERATURES, Approach, Mode, Worth
from jupyter_loops.core.budget import Usage
from jupyter_loops.core.events import NoteAdded, RequestAdapted
from jupyter_loops.core.memory import Memory
from jupyter_loops.core.message import Completion, Sampling
from jupyter_loops.core.ports import Model
from jupyter_loops.errors import LoopError

from .bandit import LEAST, Bandit
from .event_recorder import EventRecorder
from .ledger import Ledger
from .model_caller import ModelCaller
from .nudge_ladder import NudgeLadder

MOST_TOKENS = 16384  # of an answer, however often it was cut
RUNG = 2  # rounds without progress on one model before the next one of the ladder is asked
Find = Callable[[str], Model]  # a model by the name that a person chose it by
Plan = Callable[[Memory], Sampling]  # the planner's schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationRequest:
    """What is asked in a round."""

    memory: Memory
    sampling: Sampling
    purpose: str  # plan, repair
    approach: Approach


@dataclass(slots=True, kw_only=True)
class RequestTuning:
    """Decides how each round asks. Every change is an event with its reason."""

    caller: ModelCaller
    ledger: Ledger
    recorder: EventRecorder
    find: Find | None = None
    adaptive: bool = True
    fixed: frozenset[str] = frozenset()  # temperature, max_tokens: what the first line set
    ladder: NudgeLadder  # how stuck the run is
    models: Sequence[Model] = ()  # the model, then those to escalate to
    bandit: Bandit = field(default_factory=Bandit)
    _max_tokens: int | None = field(init=False, default=None)  # raised after an answer that was cut
    _last: Approach | None = field(init=False, default=None)
    _request: IterationRequest | None = field(init=False, default=None)

    def question(self, memory: Memory, plan: Plan, model: Model, wishes: Mapping[str, Any]) -> IterationRequest:
        """How this round asks.

        A person's wishes come first, then the nudge ladder, then the measured best, then the planner's schedule.
        """
        bold = replace(memory, bold=1) if self.ladder.bolder else memory
        planned = self._wished(plan(bold), wishes)
        fixed_temperature = "temperature" in self.fixed or wishes.get("temperature") is not None
        approach, why = self._way(model, memory, planned, fixed_temperature=fixed_temperature)
        if why.startswith(_MEASURED) and not fixed_temperature:
            planned = replace(planned, temperature=approach.temperature)
        if approach.mode is Mode.RESAMPLE and memory.last is not None:
            memory = memory.fresh()
        if self.ladder.rung:
            note = _OTHERWISE if memory.last is None else _NO_REPEAT.format(self.ladder.reason)
            memory = replace(memory, notes=(*memory.notes, note))
        self._changed(memory.iteration, approach, why)
        purpose = "repair" if approach.mode is Mode.REPAIR else "plan"
        self._request = IterationRequest(memory=memory, sampling=planned, purpose=purpose, approach=approach)
        return self._request

    def _wished(self, planned: Sampling, wishes: Mapping[str, Any]) -> Sampling:
        if self._max_tokens is not None:
            planned = replace(planned, max_tokens=self._max_tokens)
        chosen = {name: wishes[name] for name in ("temperature", "max_tokens") if wishes.get(name) is not None}
        return replace(planned, **chosen) if chosen else planned

    def _way(self, model: Model, memory: Memory, planned: Sampling, *, fixed_temperature: bool) -> tuple[Approach, str]:
        """The approach, and the reason for it."""
        mode = Mode.REPAIR if memory.last is not None else Mode.RESAMPLE
        approach = Approach.near(model.name, mode, planned.temperature)
        if memory.last is None:
            return approach, "there is nothing to repair"
        if self.ladder.starts_afresh():
            return approach._replace(mode=Mode.RESAMPLE), f"{_STUCK}{self.ladder.reason}"
        if not self.adaptive:
            return approach, "as planned"
        return self._choose(approach, memory, fixed_temperature=fixed_temperature)

    def model(self, approach: Approach, now: Model) -> Model:
        """The model of an approach, priced and ready to be called."""
        if approach.model == now.name:
            return now
        chosen = next(model for model in self.models if model.name == approach.model)
        self.ledger.quote(chosen.price(), chosen.name)
        self.caller.switch_model(chosen)
        return chosen

    def answered(self, answer: Completion, iteration: int) -> None:
        """An answer that was cut at the length that was asked for may be longer the next time."""
        if self._request is None or not self.adaptive or "max_tokens" in self.fixed:
            return
        limit = self._request.sampling.max_tokens
        if answer.finish_reason == "length" and answer.completion_tokens >= limit and limit < MOST_TOKENS:
            self._max_tokens = min(limit * 2, MOST_TOKENS)
            reason = f"the answer of round {iteration} was cut at {limit} tokens"
            self._say(iteration, "max_tokens", str(limit), str(self._max_tokens), reason)

    def repeated(self, iteration: int, tried: int) -> None:
        """The answer is a candidate that round `tried` has tried: it costs its tokens, and no round."""
        self._say(iteration, "answer", f"the candidate of round {tried}", "asked again", "it was tried already")

    def misfit(self, iteration: int, problem: str, *, whole: bool) -> None:
        """The answer's edits could not be applied: they cost their tokens, and no round."""
        self._say(iteration, "answer", "edits", "asked for whole" if whole else "asked again", problem)

    def measure(self, gain: float, spent: Usage) -> None:
        """Record what a finished round gained and cost."""
        if self._request is not None and self._request.memory.iteration > 1:
            worth = Worth(rounds=1, gain=max(gain, 0.0), usd=spent.usd, tokens=spent.tokens)
            self.bandit.learn({self._request.approach: worth})
        self._request = None

    async def switch_model(self, name: str, model: Model, iteration: int) -> Model:
        """The model that is asked from now on: the one of that name, or the same as before where it cannot be."""
        if name == model.name or self.find is None:
            return model
        try:
            chosen = self.find(name)
            await chosen.open()
            self.ledger.quote(chosen.price(), chosen.name)
        except LoopError as error:
            self.recorder.say(NoteAdded(iteration=iteration, message=f"still on {model.name}: {error}"))
            return model
        self.caller.switch_model(chosen)
        self.models = (chosen,)
        reason = f"a person chose it; {chosen.price() or 'price unknown'}"
        self._say(iteration, "model", model.name, chosen.name, reason)
        return chosen

    def _choose(self, planned: Approach, memory: Memory, *, fixed_temperature: bool) -> tuple[Approach, str]:
        """The measured best; while little is measured the schedule, and the next model for a run that is stuck."""
        names = tuple(model.name for model in self.models)
        names = names if planned.model in names else (planned.model,)
        least = planned.temperature if fixed_temperature or self.ladder.bolder else min(TEMPERATURES)
        bolder = tuple(temperature for temperature in TEMPERATURES if temperature >= least)
        arms = _arms(names, (planned.temperature,) if fixed_temperature else bolder)
        measured = self.bandit.measured(arms)
        if measured >= LEAST:
            arm = self.bandit.choose(arms)
            return arm, f"{_MEASURED}{self.bandit.why(arm, measured)}"
        rung = min(memory.stuck // RUNG, len(names) - 1) if planned.model == names[0] else names.index(planned.model)
        stuck = f"{counted(memory.stuck, 'round')} without progress" if memory.stuck else "the last round made progress"
        reason = f"{stuck}; {measured:.0f} of {LEAST} rounds measured, so the schedule decides"
        return planned._replace(model=names[max(rung, names.index(planned.model))]), reason

    def _changed(self, iteration: int, approach: Approach, why: str) -> None:
        afresh = why.startswith(_STUCK)
        before, self._last = self._last, approach
        if before is None:
            return
        if before.model != approach.model:
            self._say(iteration, "model", before.model, approach.model, why)
        old, new = (f"{a.mode} at {a.temperature:g}" for a in (before, approach))
        if old != new or afresh:
            self._say(iteration, "approach", old, f"{new}, afresh" if afresh else new, why)

    def _say(self, iteration: int, what: str, before: str, after: str, reason: str) -> None:
        self.recorder.with_next(
            RequestAdapted(iteration=iteration, what=what, before=before, after=after, reason=reason)
        )


@lru_cache(maxsize=64)  # the same ones, round for round
def _arms(names: tuple[str, ...], temperatures: tuple[float, ...]) -> tuple[Approach, ...]:
    return tuple(Approach(name, mode, degree) for name in names for mode in Mode for degree in temperatures)


_MEASURED, _STUCK = "measured: ", "stuck: "
_OTHERWISE = "earlier attempts led nowhere; solve the task in another way than the obvious one"
_NO_REPEAT = "{}: do not answer the same again, find out what is wrong with it"
