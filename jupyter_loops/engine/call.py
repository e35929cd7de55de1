"""The books of one call: settled once, whether it was answered, failed or cancelled."""

from __future__ import annotations

from dataclasses import dataclass, field

from jupyter_loops.core.budget import Usage
from jupyter_loops.core.events import CallFinished
from jupyter_loops.core.message import Completion

from .ledger import Ledger, Reservation
from .recorder import Recorder

CANCELLED, LOST = "cancelled", "lost"  # beside the ErrorClass values in a call's `error`


@dataclass(slots=True)
class Call:
    """The books of one call."""

    ledger: Ledger
    recorder: Recorder
    reservation: Reservation
    number: int
    iteration: int
    counted: int  # prompt tokens
    pieces: list[str] = field(default_factory=list)

    def hear(self, piece: str) -> None:
        """A piece of the answer arrived."""
        self.pieces.append(piece)
        self.recorder.text(piece)

    def finished(self, answer: Completion) -> None:
        """Charge what the provider says was used."""
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
