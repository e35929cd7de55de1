"""One account: what may be spent, what is spent, what is set aside. Ledgers of one family share a lock around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from jupyter_loops.core.budget import Budget, Price, Usage

from .stopwatch import Stopwatch

UNLIMITED = 2**31

Told = Callable[[Usage, Usage], None]  # what is used, what is reserved


def nobody(_used: Usage, _reserved: Usage) -> None:
    """Told, and does nothing."""


@dataclass(frozen=True, slots=True)
class Slice:
    """What ordinary calls leave alone, so that there is enough for one last answer."""

    usd: float = 0.0
    tokens: int = 0
    calls: int = 0
    seconds: float = 0.0
    answer: int = 0  # tokens that an ordinary answer needs; a shorter one is not worth asking for any more


NOTHING = Slice()


@dataclass(slots=True, kw_only=True)
class Account:
    """The books of one run. Whoever changes it holds the family's lock."""

    budget: Budget
    scope: str = ""  # how a message of another run calls it: "the loop that called this one"
    told: Told = nobody
    spent: Usage = field(default_factory=Usage)
    reserved: Usage = field(default_factory=Usage)
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
    def seconds_left(self) -> float | None:
        """Seconds until the time limit, or None when there is none."""
        return None if self.budget.seconds is None else self.budget.seconds - self.watch.seconds

    def free(self) -> dict[str, float]:
        """What is neither spent nor reserved of each limit on calls."""
        return self.budget.left(self.spent + self.reserved)

    def room(self, prompt_tokens: int, price: Price | None, kept: Slice) -> int:
        """Answer tokens that every limit still allows, `kept` left alone; may be negative."""
        left = self.free()
        if left.get("calls", UNLIMITED) - kept.calls < 1:
            return -1
        rooms = [UNLIMITED]
        if "tokens" in left:
            rooms.append(int(left["tokens"]) - kept.tokens - prompt_tokens)
        if "usd" in left and price is not None:
            rooms.append(price.answer(left["usd"] - kept.usd, prompt_tokens))
        return min(rooms)

    def lacks(self, worst: Usage, kept: Slice) -> tuple[str, float] | None:
        """The first limit that cannot take `worst`, and what is left of it; None when all can."""
        left = self.free()
        for limit in ("usd", "tokens", "calls"):
            free = left.get(limit, UNLIMITED) - getattr(kept, limit)
            if getattr(worst, limit) > free:
                return limit, free
        return None

    def tell(self) -> None:
        """Say where it stands."""
        if self.told is not nobody:
            self.told(self.usage, self.reserved)
