"""One account: what may be spent, what is spent, what is reserved. Nested ledgers share one lock for their accounts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from jupyter_loops.core.budget import Budget, Price, Usage

from .stopwatch import Stopwatch

UNLIMITED = 2**31

SpendingListener = Callable[[Usage, Usage], None]  # what is used, what is reserved


def ignore_spending(_used: Usage, _reserved: Usage) -> None:
    """The listener of an account that nobody watches."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What ordinary calls must not use, so that there is enough for one final answer."""

    usd: float = 0.0
    tokens: int = 0
    calls: int = 0
    seconds: float = 0.0
    answer: int = 0  # tokens that an ordinary answer needs; the run does not ask for a shorter one


NOTHING = Slice()


@dataclass(slots=True, kw_only=True)
class Account:
    """What one run may spend and has spent. Whoever changes it holds the lock of the ledger tree."""

    budget: Budget
    scope: str = ""  # how a message of another run calls it: "the loop that called this one"
    listener: SpendingListener = ignore_spending
    spent: Usage = field(default_factory=Usage)
    reserved: Usage = field(default_factory=Usage)
    in_flight: int = 0  # calls of this run itself, without its children's
    slice: Slice = NOTHING
    watch: Stopwatch = field(default_factory=Stopwatch)

    @property
    def usage(self) -> Usage:
        """What is settled, and the seconds so far."""
        spent = self.spent
        return Usage(
            usd=spent.usd,
            tokens=spent.tokens,
            seconds=self.watch.seconds,
            iterations=spent.iterations,
            calls=spent.calls,
        )

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds until the time limit, or None when there is none."""
        return None if self.budget.seconds is None else self.budget.seconds - self.watch.seconds

    def free(self) -> dict[str, float]:
        """What is neither spent nor reserved of each limit on calls."""
        return self.budget.remaining(self.spent + self.reserved)

    def room(self, prompt_tokens: int, price: Price | None, reserve: Slice) -> int:
        """Answer tokens that every limit still allows, the reserve left alone; may be negative."""
        remaining = self.free()
        if remaining.get("calls", UNLIMITED) - reserve.calls < 1:
            return -1
        rooms = [UNLIMITED]
        if "tokens" in remaining:
            rooms.append(int(remaining["tokens"]) - reserve.tokens - prompt_tokens)
        if "usd" in remaining and price is not None:
            rooms.append(price.answer(remaining["usd"] - reserve.usd, prompt_tokens))
        return min(rooms)

    def lacks(self, worst: Usage, reserve: Slice) -> tuple[str, float] | None:
        """The first limit that cannot take `worst`, and what is left of it; None when all can."""
        remaining = self.free()
        for limit in ("usd", "tokens", "calls"):
            free = remaining.get(limit, UNLIMITED) - getattr(reserve, limit)
            if getattr(worst, limit) > free:
                return limit, free
        return None

    def tell(self) -> None:
        """Pass what is spent and reserved to the listener."""
        if self.listener is not ignore_spending:
            self.listener(self.usage, self.reserved)
