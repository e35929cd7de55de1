"""The account of one call: what was reserved, what it used, and which part of that is an estimate."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from jupyter_loops.core.budget import Usage
from jupyter_loops.core.events import CallFinished, NoteAdded
from jupyter_loops.core.message import Completion
from jupyter_loops.core.plain import plain
from jupyter_loops.errors import ModelError

from .event_recorder import EventRecorder
from .ledger import Ledger, Reservation

_BEYOND = 100  # times what was sent or allowed: no bill is so far beyond it
_SLACK = 1000  # tokens of a prompt, whatever was counted
_BELOW = 4  # times less than was counted: no prompt is so short
CANCELLED, LOST = "cancelled", "lost"  # beside the ErrorClass values in a call's `error`


@dataclass(slots=True)
class CallAccount:
    """What one call reserved, used and must settle."""

    ledger: Ledger
    recorder: EventRecorder
    reservation: Reservation
    number: int
    iteration: int
    counted: int  # prompt tokens
    pieces: list[str] = field(default_factory=list)

    def hear(self, piece: str) -> None:
        """Keep a piece of the answer, and pass it on."""
        self.pieces.append(piece)
        self.recorder.text(piece)

    def finished(self, answer: Completion) -> None:
        """Charge what the provider billed; where it said nothing, no more than it was allowed to use."""
        billed, answer = answer, self._sane(answer)
        usd = self.reservation.cost(
            answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens, answer.reasoning_tokens
        )
        self._settle(answer.prompt_tokens, answer.completion_tokens, usd)
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
                calls=[plain(call) for call in answer.calls],
            )
        )
        if billed.tokens > self.reservation.worst.tokens and not billed.estimated:
            self._note_excess(billed, answer, usd)

    def refused(self, fault: ModelError) -> None:
        """Charge nothing for a request that was not taken up, and the prompt and all that arrived for one that was."""
        self._failed(fault.kind, fault.message, fault.arrived, taken_up=fault.taken_up)

    def cancelled(self, arrived: int = 0) -> None:
        """Charge the prompt and all that arrived: what a provider bills for the rest is not known."""
        self._failed(CANCELLED, "stopped while the model was answering", arrived, taken_up=True)

    def _failed(self, kind: str, message: str, arrived: int, *, taken_up: bool) -> None:
        used = taken_up or bool(self.pieces)
        answer = min(max(arrived, len(self.pieces)), self.reservation.max_tokens) if used else 0
        prompt = self.counted if used else 0
        usd = self.reservation.cost(prompt, answer)
        self._settle(prompt, answer, usd)
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

    def _settle(self, prompt: int, answer: int, usd: float | None) -> None:
        self.ledger.settle(self.reservation, Usage(usd=usd or 0.0, tokens=prompt + answer, calls=1))

    def _sane(self, answer: Completion) -> Completion:
        """The answer with plausible numbers of tokens. Numbers that differ from the bill are marked as estimated."""
        prompt, completion = max(answer.prompt_tokens, 0), max(answer.completion_tokens, 0)
        allowed = self.reservation.max_tokens
        if answer.estimated or completion > _BEYOND * allowed:
            completion = min(completion, allowed)
        if prompt * _BELOW < self.counted or prompt > _BEYOND * self.counted + _SLACK:
            prompt = self.counted
        elif answer.estimated:
            prompt = min(prompt, self.counted)
        same = (prompt, completion) == (answer.prompt_tokens, answer.completion_tokens)
        if same and prompt + completion <= self.reservation.worst.tokens:
            return answer
        return replace(answer, prompt_tokens=prompt, completion_tokens=completion, estimated=True)

    def _note_excess(self, billed: Completion, charged: Completion, usd: float | None) -> None:
        excess = "" if usd is None else f", ${max(usd - self.reservation.worst.usd, 0):.4g} more than was set aside"
        how = "charged as billed" if charged.tokens == billed.tokens else f"charged as {charged.tokens:,}"
        message = (
            f"{billed.model or 'the provider'} billed {billed.prompt_tokens:,} + {billed.completion_tokens:,} tokens, "
            f"where {self.counted:,} were sent and {self.reservation.max_tokens:,} allowed{excess}; {how}"
        )
        self.recorder.say(NoteAdded(iteration=self.iteration, message=message))
