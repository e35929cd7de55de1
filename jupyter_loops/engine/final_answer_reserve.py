"""The last part of a budget: the model is told what remains, and the run reserves enough for one final answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from jupyter_loops.core.amount import amount
from jupyter_loops.core.message import Completion
from jupyter_loops.errors import BudgetError

from .account import NOTHING, Slice
from .ledger import Ledger

SHARE = 0.8  # of the limit that is nearest its end
LAST, LITTLE = "This is the last answer that can be paid for", "Little is left"  # sentences with amounts behind
_SHOWN = ("iterations", "calls", "usd", "tokens", "seconds")


@dataclass(slots=True)
class FinalAnswerReserve:
    """What one run reserves for its final answer. A `share` of 1 reserves nothing, and the model is told nothing.

    The slice is as large as the largest call so far, in time as the longest round, and never larger than what lies
    beyond the share. When an ordinary call does not fit any more, or time is up for ordinary ones, the slice is opened
    once, for a call that is told to be the last.
    """

    ledger: Ledger
    share: float = SHARE
    refused: BudgetError | None = field(init=False, default=None)  # why the slice was opened
    _prompt: int = field(init=False, default=0)  # tokens of the largest call
    _answer: int = field(init=False, default=0)
    _seconds: float = field(init=False, default=0.0)  # of the longest round
    _computed_from: tuple[object, ...] = field(init=False, default=())  # what the slice was worked out from

    def answered(self, answer: Completion) -> None:
        """Reserve as much as this answer took, or one before it."""
        self._prompt = max(self._prompt, answer.prompt_tokens)
        self._answer = max(self._answer, answer.completion_tokens)
        self._keep()

    def round_over(self, seconds: float) -> None:
        """Reserve as much time as this round took, or one before it."""
        self._seconds = max(self._seconds, seconds)
        self._keep()

    @property
    def seconds(self) -> float:
        """The seconds that are reserved."""
        return self.ledger.account.slice.seconds

    def out_of_time(self) -> BudgetError | None:
        """Why an ordinary round cannot begin any more; None while it can."""
        remaining, reserve = self.ledger.remaining_seconds, self.seconds
        if not reserve or remaining is None or remaining > reserve:
            return None
        return BudgetError("seconds", reserve, remaining)

    def _keep(self) -> None:
        if self.share >= 1 or self.refused is not None:
            return
        budget, price, beyond = self.ledger.budget, self.ledger.price, 1 - self.share
        inputs = (budget, price, self._prompt, self._answer, self._seconds)
        if inputs == self._computed_from:
            return
        self._computed_from = inputs
        usd = 0.0 if price is None else price.worst(self._prompt, self._answer)
        self.ledger.keep(
            Slice(
                usd=min(usd, beyond * (budget.usd or 0.0)),
                tokens=min(self._prompt + self._answer, int(beyond * (budget.tokens or 0))),
                calls=1 if budget.calls and beyond * budget.calls >= 1 else 0,
                seconds=min(self._seconds, beyond * (budget.seconds or 0.0)),
                answer=self._answer,
            )
        )

    def open(self, error: BudgetError) -> bool:
        """Whether one last call may use the slice, where an ordinary one did not fit; not after a fault."""
        reserve = self.ledger.account.slice
        if self.refused is not None or error.scope or error.cause or not getattr(reserve, error.limit, 0):
            return False
        self.refused = error
        self.ledger.keep(NOTHING)
        return True

    def notice(self) -> str:
        """What the model is told; empty as long as there is enough of everything."""
        budget, usage = self.ledger.budget, self.ledger.usage
        last = self.refused is not None or usage.iterations == (budget.iterations or 0) - 1 > 0
        if self.share >= 1 or (not last and budget.share(usage)[0] < self.share):
            return ""
        remaining = budget.remaining(usage)
        amounts = ", ".join(amount(name, max(remaining[name], 0)) for name in _SHOWN if name in remaining)
        if last:
            return f"{LAST} ({amounts} left). Give the best complete one you have."
        return f"{LITTLE}: {amounts}. Prefer a small, sure step from the best attempt to a new approach."
