"""How the model is asked in a round: the one place that decides it, and says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from jupyter_loops.core.amount import counted
from jupyter_loops.core.approach import TEMPERATURES, Approach, Mode, Worth
from jupyter_loops.core.budget import Usage
from jupyter_loops.core.events import Adapted, Noted
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
    _asked: IterationRequest | None = field(init=False, default=None)

    def question(self, memory: Memory, plan: Plan, model: Model, wishes: Mapping[str, Any]) -> IterationRequest:
        """How this round asks.

        What a person wished goes before the way out of being stuck, that before what was measured, and that before
        the planner's schedule.
        """
        bold = replace(memory, bold=1) if self.ladder.bolder else memory
        planned = self._wished(plan(bold), wishes)
        held = "temperature" in self.fixed or wishes.get("temperature") is not None
        approach, why = self._way(model, memory, planned, held=held)
        if why.startswith(_MEASURED) and not held:
            planned = replace(planned, temperature=approach.temperature)
        if approach.mode is Mode.RESAMPLE and memory.last is not None:
            memory = replace(memory, best=None, last=None, beaten=None, failures=(), rejected=())
        if self.ladder.rung:
            note = _OTHERWISE if memory.last is None else _NOT_AGAIN.format(self.ladder.reason)
            memory = replace(memory, notes=(*memory.notes, note))
        self._changed(memory.iteration, approach, why)
        purpose = "repair" if approach.mode is Mode.REPAIR else "plan"
        self._asked = IterationRequest(memory=memory, sampling=planned, purpose=purpose, approach=approach)
        return self._asked

    def _wished(self, planned: Sampling, wishes: Mapping[str, Any]) -> Sampling:
        if self._max_tokens is not None:
            planned = replace(planned, max_tokens=self._max_tokens)
        chosen = {name: wishes[name] for name in ("temperature", "max_tokens") if wishes.get(name) is not None}
        return replace(planned, **chosen) if chosen else planned

    def _way(self, model: Model, memory: Memory, planned: Sampling, *, held: bool) -> tuple[Approach, str]:
        """The approach, and the reason for it."""
        mode = Mode.REPAIR if memory.last is not None else Mode.RESAMPLE
        approach = Approach.near(model.name, mode, planned.temperature)
        if memory.last is None:
            return approach, "there is nothing to repair"
        if self.ladder.starts_afresh():
            return approach._replace(mode=Mode.RESAMPLE), f"{_STUCK}{self.ladder.reason}"
        return self._choose(approach, memory, held=held) if self.adaptive else (approach, "as planned")

    def model(self, approach: Approach, now: Model) -> Model:
        """The model that an approach wants."""
        if approach.model == now.name:
            return now
        found = next(model for model in self.models if model.name == approach.model)
        self.ledger.quote(found.price(), found.name)
        self.caller.switch_model(found)
        return found

    def answered(self, answer: Completion, iteration: int) -> None:
        """An answer that was cut at the length that was asked for may be longer the next time."""
        if self._asked is None or not self.adaptive or "max_tokens" in self.fixed:
            return
        asked = self._asked.sampling.max_tokens
        if answer.finish_reason == "length" and answer.completion_tokens >= asked and asked < MOST_TOKENS:
            self._max_tokens = min(asked * 2, MOST_TOKENS)
            reason = f"the answer of round {iteration} was cut at {asked} tokens"
            self._say(iteration, "max_tokens", str(asked), str(self._max_tokens), reason)

    def repeated(self, iteration: int, tried: int) -> None:
        """The answer is a candidate that round `tried` has tried: it costs its tokens, and no round."""
        self._say(iteration, "answer", f"the candidate of round {tried}", "asked again", "it was tried already")

    def measure(self, gain: float, spent: Usage) -> None:
        """A round is over: what it gained, and what it cost."""
        if self._asked is not None and self._asked.memory.iteration > 1:
            worth = Worth(rounds=1, gain=max(gain, 0.0), usd=spent.usd, tokens=spent.tokens)
            self.bandit.learn({self._asked.approach: worth})
        self._asked = None

    async def switch_model(self, name: str, model: Model, iteration: int) -> Model:
        """The model that is asked from now on: the one of that name, or the same as before where it cannot be."""
        if name == model.name or self.find is None:
            return model
        try:
            found = self.find(name)
            await found.open()
            self.ledger.quote(found.price(), found.name)
        except LoopError as error:
            self.recorder.say(Noted(iteration=iteration, message=f"still on {model.name}: {error}"))
            return model
        self.caller.switch_model(found)
        self.models = (found,)
        self._say(iteration, "model", model.name, found.name, f"a person chose it; {found.price() or 'price unknown'}")
        return found

    def _choose(self, planned: Approach, memory: Memory, *, held: bool) -> tuple[Approach, str]:
        """The measured best; while little is measured the schedule, and the next model for a run that is stuck."""
        names = tuple(model.name for model in self.models)
        names = names if planned.model in names else (planned.model,)
        least = planned.temperature if held or self.ladder.bolder else min(TEMPERATURES)
        arms = _arms(names, (planned.temperature,) if held else tuple(one for one in TEMPERATURES if one >= least))
        known = self.bandit.measured(arms)
        if known >= LEAST:
            arm = self.bandit.choose(arms)
            return arm, f"{_MEASURED}{self.bandit.why(arm, known)}"
        rung = min(memory.stuck // RUNG, len(names) - 1) if planned.model == names[0] else names.index(planned.model)
        stuck = f"{counted(memory.stuck, 'round')} without progress" if memory.stuck else "the last round made progress"
        reason = f"{stuck}; {known:.0f} of {LEAST} rounds measured, so the schedule decides"
        return planned._replace(model=names[max(rung, names.index(planned.model))]), reason

    def _changed(self, iteration: int, approach: Approach, why: str) -> None:
        afresh = why.startswith(_STUCK)
        before, self._last = self._last, approach
        if before is None:
            return
        if before.model != approach.model:
            self._say(iteration, "model", before.model, approach.model, why)
        one, other = (f"{a.mode} at {a.temperature:g}" for a in (before, approach))
        if one != other or afresh:
            self._say(iteration, "approach", one, f"{other}, afresh" if afresh else other, why)

    def _say(self, iteration: int, what: str, before: str, after: str, reason: str) -> None:
        self.recorder.with_next(Adapted(iteration=iteration, what=what, before=before, after=after, reason=reason))


@lru_cache(maxsize=64)  # the same ones, round for round
def _arms(names: tuple[str, ...], temperatures: tuple[float, ...]) -> tuple[Approach, ...]:
    return tuple(Approach(name, mode, degree) for name in names for mode in Mode for degree in temperatures)


_MEASURED, _STUCK = "measured: ", "stuck: "
_OTHERWISE = "earlier attempts led nowhere; solve the task in another way than the obvious one"
_NOT_AGAIN = "{}: do not answer the same again, find out what is wrong with it"
