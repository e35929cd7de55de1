"""One question to the model: reserved before it leaves, durable before its answer is used, settled always."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Literal

from jupyter_loops.core.budget import Price, Usage
from jupyter_loops.core.events import CallFinished, CallStarted
from jupyter_loops.core.message import Completion, Prompt, Sampling
from jupyter_loops.core.plain import plain
from jupyter_loops.core.ports import Model
from jupyter_loops.errors import ErrorClass, ModelError

from .ledger import Ledger, Reservation
from .recorder import Recorder
from .recovery import POLICIES

CANCELLED = "cancelled"  # beside the ErrorClass values in a call's `error`

Wait = Callable[[float, str], Awaitable[None]]  # seconds, why


class Asking:
    """Asks one model on behalf of one run, and tries again where the fault's policy says so."""

    def __init__(self, model: Model, ledger: Ledger, recorder: Recorder, wait: Wait) -> None:
        self._model, self._ledger, self._recorder, self._wait = model, ledger, recorder, wait
        self._numbers = count(1)
        self._price: Callable[[], Price | Literal["quoted"] | None] = lambda: "quoted"

    def beside(self, model: Model) -> Asking:
        """Asks another model on the same ledger, at that model's own price; the run's calls are counted as one."""
        other = Asking(model, self._ledger, self._recorder, self._wait)
        other._numbers, other._price = self._numbers, model.price
        return other

    async def ask(
        self,
        prompt_for: Callable[[int | None], Prompt],
        sampling: Sampling,
        iteration: int,
        purpose: str = "plan",
    ) -> Completion:
        """Ask until there is an answer. Raises ModelError when the policy is used up, BudgetError before spending.

        `prompt_for` makes the prompt for a context window of so many tokens; the window is halved when the
        provider says that the context is too long.
        """
        window, tries = self._model.window(), 0
        while True:
            try:
                return await self._once(prompt_for(window), sampling, iteration, purpose)
            except ModelError as fault:
                policy = POLICIES[fault.kind]
                if tries >= policy.retries:
                    raise
                if fault.kind is ErrorClass.CONTEXT_OVERFLOW:
                    window = (window or 8192) // 2
                await self._wait(policy.wait(tries, fault), f"{fault.kind}: {fault.message}")
                tries += 1

    async def _once(self, prompt: Prompt, sampling: Sampling, iteration: int, purpose: str) -> Completion:
        counted = self._model.count(prompt.messages)
        reservation = self._ledger.reserve(counted, sampling.max_tokens, self._price())
        sampling = replace(sampling, max_tokens=reservation.max_tokens)
        number = next(self._numbers)
        self._recorder.say(
            CallStarted(
                call=number,
                iteration=iteration,
                purpose=purpose,
                model=self._model.name,
                messages=[plain(message) for message in prompt.messages],
                parts=[plain(part) for part in prompt.parts],
                sampling=plain(sampling),
                reserved_usd=reservation.worst.usd,
                reserved_tokens=reservation.worst.tokens,
            )
        )
        call = _Call(self._ledger, self._recorder, reservation, number, iteration, counted)
        try:
            completion = await self._model.complete(
                prompt, sampling, call.hear if self._recorder.listeners and purpose == "plan" else None
            )
        except ModelError as fault:
            call.failed(fault.kind, fault.message)
            raise
        except asyncio.CancelledError:
            call.failed(CANCELLED, "stopped while the model was answering")
            raise
        call.finished(completion)
        if completion.finish_reason == "content_filter":
            raise ModelError(f"{self._model.name} refused to answer", ErrorClass.REFUSED)
        return completion


@dataclass(slots=True)
class _Call:
    """The books of one call."""

    ledger: Ledger
    recorder: Recorder
    reservation: Reservation
    number: int
    iteration: int
    counted: int  # prompt tokens
    pieces: list[str] = field(default_factory=list)

    def hear(self, piece: str) -> None:
        self.pieces.append(piece)
        self.recorder.text(piece)

    def finished(self, answer: Completion) -> None:
        usd = self.reservation.cost(
            answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens, answer.reasoning_tokens
        )
        self.ledger.settle(self.reservation, Usage(usd=usd or 0.0, tokens=answer.tokens, calls=1))
        self.recorder.say(
            CallFinished(
                call=self.number,
                iteration=self.iteration,
                text=answer.text,
                prompt_tokens=answer.prompt_tokens,
                completion_tokens=answer.completion_tokens,
                cached_tokens=answer.cached_tokens,
                reasoning_tokens=answer.reasoning_tokens,
                usd=usd,
                estimated=answer.estimated,
                seconds=answer.seconds,
                first_token_seconds=answer.first_token_seconds,
                finish_reason=answer.finish_reason,
                answered_by=answer.model,
            )
        )

    def failed(self, kind: str, message: str) -> None:
        """Charge what was used: a refused request nothing, a cut answer its prompt and each piece that arrived."""
        cut = bool(self.pieces) or kind == CANCELLED
        prompt, answer = (self.counted, min(len(self.pieces), self.reservation.max_tokens)) if cut else (0, 0)
        usd = self.reservation.cost(prompt, answer)
        self.ledger.settle(self.reservation, Usage(usd=usd or 0.0, tokens=prompt + answer, calls=1))
        self.recorder.say(
            CallFinished(
                call=self.number,
                iteration=self.iteration,
                text="".join(self.pieces),
                prompt_tokens=prompt,
                completion_tokens=answer,
                usd=usd,
                estimated=True,
                error=kind,
                message=message,
            )
        )
