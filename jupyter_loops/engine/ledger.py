"""Reserve before, settle after: the reason why a cap is a cap.

Before a call its worst case is reserved; if that does not fit, the call is not made. Afterwards the
true usage is settled and the rest is given back. Failed and cancelled calls settle what they used.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from jupyter_loops.core.budget import Budget, Price, Usage
from jupyter_loops.core.plain import plain
from jupyter_loops.errors import BudgetError, PreflightError

from .stopwatch import Stopwatch

LEAST_ANSWER = 32  # tokens; a shorter answer is not worth asking for


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money set aside for one call."""

    worst: Usage
    max_tokens: int  # what the answer may take, cut to what is left
    price: Price | None = None  # of the model that is asked

    def cost(self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> float | None:
        """US dollars for what the call used, or None when the price is not known."""
        return _cost(self.price, prompt_tokens, completion_tokens, cached_tokens)


class Ledger:
    """What a run has spent and set aside, against its budget. Thread-safe."""

    def __init__(
        self,
        budget: Budget,
        price: Price | None = None,
        told: Callable[[dict[str, float], dict[str, float]], None] = lambda *_: None,
    ) -> None:
        self.budget, self.price = budget, price
        self.watch = Stopwatch()
        self._spent = Usage()
        self._reserved = Usage()
        self._told = told
        self._lock = threading.Lock()

    @property
    def usage(self) -> Usage:
        """What is settled, and the seconds so far."""
        return replace(self._spent, seconds=self.watch.seconds)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the time limit, or None when there is none."""
        return None if self.budget.seconds is None else self.budget.seconds - self.watch.seconds

    def quote(self, price: Price | None, model: str) -> None:
        """Learn the model's price. Raises PreflightError as `vet` does."""
        self.vet(price, model)
        self.price = price

    def vet(self, price: Price | None, model: str) -> None:
        """Raise PreflightError where a dollar limit alone cannot hold, because a model's price is not known."""
        if price is None and self.budget.usd is not None and self.budget.tokens is None:
            raise PreflightError(
                f"the price of {model} is not known, so --usd {self.budget.usd:g} cannot hold: "
                "set a token limit as well, e.g. --tokens 50000"
            )

    def exhausted(self) -> str | None:
        """Name the first limit that is reached, or None."""
        return self.budget.exhausted(self.usage)

    def reserve(
        self, prompt_tokens: int, max_tokens: int, price: Price | Literal["quoted"] | None = "quoted"
    ) -> Reservation:
        """Set the worst case of one call aside, its answer cut to what is left. Raises BudgetError.

        `price` is for a call to another model than the one that was quoted.
        """
        price = self.price if price == "quoted" else price
        with self._lock:
            answer = min(max_tokens, self._affordable(prompt_tokens, price))
            if answer < min(LEAST_ANSWER, max_tokens):
                raise self._refusal(prompt_tokens, min(LEAST_ANSWER, max_tokens), price)
            worst = _worst(prompt_tokens, answer, price)
            self._reserved = self._reserved + worst
        self._tell()
        return Reservation(worst, answer, price)

    def settle(self, reservation: Reservation, usage: Usage) -> None:
        """Replace a reservation by what was used."""
        with self._lock:
            self._reserved = self._reserved - reservation.worst
            self._spent = self._spent + usage
        self._tell()

    def count_iteration(self) -> None:
        """One more round is over."""
        with self._lock:
            self._spent = self._spent + Usage(iterations=1)
        self._tell()

    def amend(self, **limits: float | None) -> None:
        """Change limits while the run goes on."""
        with self._lock:
            self.budget = replace(self.budget, **limits)  # type: ignore[arg-type]  # one name a field
        self._tell()

    def cost(self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> float | None:
        """US dollars of a call, or None when the price is not known."""
        return _cost(self.price, prompt_tokens, completion_tokens, cached_tokens)

    def _affordable(self, prompt_tokens: int, price: Price | None) -> int:
        """Answer tokens that every limit still allows; may be negative."""
        left = self.budget.left(self._spent + self._reserved)
        rooms = [2**31]
        if "tokens" in left:
            rooms.append(int(left["tokens"]) - prompt_tokens)
        if "usd" in left and price is not None:
            after_prompt = left["usd"] - price.cost(prompt_tokens, 0)
            if after_prompt < 0:
                return -1
            if price.completion > 0:
                rooms.append(int(after_prompt / price.completion))
        return min(rooms)

    def _refusal(self, prompt_tokens: int, answer: int, price: Price | None) -> BudgetError:
        worst = _worst(prompt_tokens, answer, price)
        left = self.budget.left(self._spent + self._reserved)
        for limit in ("usd", "tokens"):
            if limit in left and getattr(worst, limit) > left[limit]:
                return BudgetError(limit, getattr(worst, limit), left[limit])
        return BudgetError("tokens", worst.tokens, left.get("tokens", 0))

    def _tell(self) -> None:
        self._told(plain(self.usage), plain(self._reserved))


def _cost(price: Price | None, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0) -> float | None:
    return None if price is None else price.cost(prompt_tokens, completion_tokens, cached_tokens)


def _worst(prompt_tokens: int, answer: int, price: Price | None) -> Usage:
    return Usage(usd=_cost(price, prompt_tokens, answer) or 0.0, tokens=prompt_tokens + answer, calls=1)
