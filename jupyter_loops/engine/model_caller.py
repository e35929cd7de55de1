"""One call of the model: reserved before it is sent, durable before its answer is used, and always settled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from itertools import count
from typing import Literal

from jupyter_loops.core.budget import Price, Usage
from jupyter_loops.core.events import BreakerChanged, CallFinished, CallStarted, RequestAdapted
from jupyter_loops.core.message import Completion, Counting, Prompt, Sampling
from jupyter_loops.core.plain import plain
from jupyter_loops.core.ports import Model
from jupyter_loops.core.redaction import MARK
from jupyter_loops.errors import BreakerError, BudgetError, ErrorClass, FeatureError, ModelError

from .answers import PLANS, Answers
from .breaker import Breakers, Pass, Phase, Step
from .call_account import LOST, CallAccount
from .event_recorder import EventRecorder
from .ledger import LEAST_ANSWER, Ledger, Reservation
from .recovery import POLICIES, Action, Patience
from .restored_state import RestoredState

DROPPED, REGAINED = "left out", "taken again"  # what became of a part of the request
REFUSALS = frozenset({"content_filter", "refusal"})  # finish reasons
_ANY = 2**31  # tokens of a window that is not known
_LOOK = 0.05  # seconds between two looks at another run's probe

Wait = Callable[[float, str], Awaitable[None]]  # seconds, why
PromptMaker = Callable[[Model, int | None], Awaitable[Prompt]]  # takes the model and the tokens of its window


class ModelCaller:
    """Asks one model on behalf of one run, and tries again, or asks another one, where the fault's policy says so."""

    def __init__(
        self,
        model: Model,
        ledger: Ledger,
        recorder: EventRecorder,
        wait: Wait,
        *,
        breakers: Breakers | None = None,
        fallbacks: Sequence[Model] = (),
    ) -> None:
        self._model, self._ledger, self._recorder, self._wait = model, ledger, recorder, wait
        self._breakers = Breakers() if breakers is None else breakers
        self._fallbacks = tuple(fallbacks)
        self._numbers = count(1)
        self._answers = Answers()
        self._notified = list[str]()  # notices that a person has had
        self._price: Callable[[], Price | Literal["quoted"] | None] = lambda: "quoted"

    def for_model(self, model: Model) -> ModelCaller:
        """Asks another model on the same ledger, at that model's own price; the run's calls are counted as one."""
        other = ModelCaller(model, self._ledger, self._recorder, self._wait, breakers=self._breakers)
        other._numbers, other._price, other._answers = self._numbers, model.price, self._answers
        other._notified = self._notified
        return other

    @property
    def model(self) -> Model:
        """The one that is asked first."""
        return self._model

    def switch_model(self, model: Model) -> None:
        """Ask this model from now on; the ledger has its price."""
        self._model = model

    def restore(self, restored: RestoredState) -> None:
        """Go on after earlier calls: use answers that are paid for, and charge calls in flight at their worst case."""
        self._numbers, self._answers = count(restored.calls + 1), Answers(restored.answers)
        for call in restored.lost:
            usd = call.reserved_usd if self._ledger.price is not None else None
            self._ledger.restore(Usage(usd=usd or 0.0, tokens=call.reserved_tokens, calls=1))
            self._recorder.say(
                CallFinished(
                    call=call.call,
                    iteration=call.iteration,
                    prompt_tokens=call.reserved_tokens,
                    usd=usd,
                    estimated=True,
                    error=LOST,
                    message="the kernel died before the answer came; charged at its worst case",
                )
            )

    async def ask(
        self,
        prompt_for: PromptMaker,
        sampling: Sampling,
        iteration: int,
        purpose: str = "plan",
    ) -> Completion:
        """Ask until there is an answer. Raises ModelError when the policy is used up, BudgetError before spending.

        `prompt_for` makes the prompt for a model and a context window of so many tokens; when the provider says that
        the context is too long, it gets half of what was sent.
        """
        if self._answers:
            prompt = await prompt_for(self._model, self._model.window())
            stored = self._answers.take(iteration, purpose, lambda: prompt)
            if stored is not None:
                return stored
        caller, name = self, self._model.name
        for fallback in self._fallbacks:
            try:
                return await caller.call_with_retries(prompt_for, sampling, iteration, purpose, patient=False)
            except ModelError as fault:
                self._adapted(iteration, "fallback", name, fallback.name, str(fault))
            caller, name = self.for_model(fallback), fallback.name
        return await caller.call_with_retries(prompt_for, sampling, iteration, purpose, patient=True)

    async def call_with_retries(
        self,
        prompt_for: PromptMaker,
        sampling: Sampling,
        iteration: int,
        purpose: str,
        *,
        patient: bool,
    ) -> Completion:
        """Ask this one model. `patient`: there is no other, so that a breaker's pause is waited for if it is short."""
        window, patience, refused = self._model.window(), Patience(self._ledger, last=patient), set[str]()
        while True:
            prompt = self._sendable(await prompt_for(self._model, window))
            try:
                return await self._once(prompt, sampling, iteration, purpose, patient=patient)
            except FeatureError as fault:
                if fault.feature in refused:
                    raise
                refused.add(fault.feature)
                self._feature(iteration, fault.feature, DROPPED, str(fault), lasts=fault.lasts)
            except BreakerError as shut:
                await self._wait(*patience.before_probe(shut))
            except ModelError as fault:
                seconds, why = patience.after(fault)
                if POLICIES[fault.kind].action is Action.SHRINK:
                    window = min(window or _ANY, self._model.count(prompt.messages, prompt.tools)) // 2
                    sampling = replace(sampling, max_tokens=min(sampling.max_tokens, max(window, LEAST_ANSWER)))
                await self._wait(seconds, why)

    async def _measured(self, prompt: Prompt) -> Prompt:
        """The prompt with the exact tokens of its parts, where the model's own tokenizer is at hand."""
        shown = [part for part in prompt.parts if part.tokens]
        texts = [part.text for part in shown]
        tokens = await self._model.tokenized(texts) if all(texts) else None
        if tokens is None:
            return prompt
        exact = dict(zip(map(id, shown), tokens, strict=True))
        parts = tuple(replace(part, tokens=exact.get(id(part), part.tokens)) for part in prompt.parts)
        return replace(prompt, parts=parts, counting=Counting.TOKENIZER)

    def _sendable(self, prompt: Prompt) -> Prompt:
        """The prompt without secrets; the first one that is removed gives a note."""
        prompt = prompt.redacted
        if MARK not in self._notified and any(MARK in message.content for message in prompt.messages):
            self._notified.append(MARK)
            self._recorder.note(f"what looks like a secret is kept out of the prompt: the model reads {MARK}")
        return prompt

    async def _once(
        self, prompt: Prompt, sampling: Sampling, iteration: int, purpose: str, *, patient: bool
    ) -> Completion:
        """One call that the breakers admit; they count its outcome."""
        leave = await self._admitted(iteration, patient=patient)
        try:
            completion = await self._call(prompt, sampling, iteration, purpose)
        except ModelError as fault:
            self._moved(self._breakers.failed(leave, fault.kind), iteration)
            raise
        except BaseException:
            self._moved(self._breakers.abandoned(leave), iteration)
            raise
        self._moved(self._breakers.answered(leave), iteration)
        return completion

    async def _admitted(self, iteration: int, *, patient: bool) -> Pass:
        """Permission from the breakers. Raises BreakerError; if `patient`, waits while another run probes."""
        while True:
            try:
                leave, steps = self._breakers.admit(self._model.name, self._model.endpoint)
            except BreakerError as shut:
                if shut.seconds or not patient:
                    raise
                await asyncio.sleep(_LOOK)
                continue
            self._moved(steps, iteration)
            return leave

    def _moved(self, steps: Iterable[Step], iteration: int) -> None:
        for step in steps:
            breaker = step.breaker
            self._recorder.say(
                BreakerChanged(
                    iteration=iteration,
                    model=breaker.model,
                    fault=breaker.fault,
                    source=step.before,
                    to=breaker.phase,
                    failures=breaker.failures,
                    pause=breaker.pause if breaker.phase is Phase.OPEN else 0.0,
                )
            )

    def _adapted(self, iteration: int, what: str, before: str, after: str, reason: str) -> None:
        self._recorder.say(RequestAdapted(iteration=iteration, what=what, before=before, after=after, reason=reason))

    def _feature(self, iteration: int, feature: str, became: str, reason: str, *, lasts: bool = True) -> None:
        """Record what an endpoint accepts; if that `lasts`, the next kernel starts with it."""
        where = {"model": self._model.name, "endpoint": self._model.endpoint} if lasts else {}
        self._recorder.say(
            RequestAdapted(iteration=iteration, what="feature", before=feature, after=became, reason=reason, **where)
        )

    async def _reserved(self, prompt_tokens: int, max_tokens: int) -> Reservation:
        """A reservation; where other runs have reserved what is missing, once they have settled. Raises BudgetError."""
        while True:
            try:
                return self._ledger.reserve(prompt_tokens, max_tokens, self._price(), whole=True)
            except BudgetError:
                if not await self._ledger.freed():
                    return self._ledger.reserve(prompt_tokens, max_tokens, self._price())

    async def _call(self, prompt: Prompt, sampling: Sampling, iteration: int, purpose: str) -> Completion:
        prompt = await self._measured(prompt)
        counted = self._model.count(prompt.messages, prompt.tools)
        reservation = await self._reserved(counted, sampling.max_tokens)
        if reservation.max_tokens != sampling.max_tokens:
            sampling = replace(sampling, max_tokens=reservation.max_tokens)
        number = next(self._numbers)
        self._recorder.say(
            CallStarted(
                call=number,
                iteration=iteration,
                purpose=purpose,
                model=self._model.name,
                messages=[message.said for message in prompt.messages],
                parts=[part.counted for part in prompt.parts],
                counting=prompt.counting,
                sampling=plain(sampling),
                reserved_usd=reservation.worst.usd,
                reserved_tokens=reservation.worst.tokens,
                price=_flat(reservation.price, counted),
            )
        )
        call = CallAccount(self._ledger, self._recorder, reservation, number, iteration, counted)
        try:
            completion = await self._model.complete(
                prompt, sampling, call.hear if self._recorder.listeners and purpose in PLANS else None
            )
        except ModelError as fault:
            call.refused(fault)
            raise
        except asyncio.CancelledError as stopped:
            call.cancelled(next((tokens for tokens in stopped.args if isinstance(tokens, int)), 0))
            raise
        call.finished(completion)
        for feature in completion.regained:
            if (notice := f"{self._model.name} takes {feature} again") not in self._notified:
                self._notified.append(notice)
                self._feature(iteration, feature, REGAINED, notice)
        if completion.finish_reason in REFUSALS:
            raise ModelError(f"{self._model.name} refused to answer", ErrorClass.REFUSED)
        return completion


def _flat(price: Price | None, prompt_tokens: int) -> dict[str, object] | None:
    """The price of this prompt, without the tiers of others: JSON values only."""
    if price is None:
        return None
    return {name: value for name, value in plain(price.of_prompt(prompt_tokens)).items() if name != "tiers"}
