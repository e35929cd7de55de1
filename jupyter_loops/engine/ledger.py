"""Reserve before a call, settle after it: this is why a limit holds.

Before a call its worst case is reserved; if that does not fit, the call is not made. Afterwards the
true usage is settled and the rest is given back. Failed and cancelled calls settle what they used.

A ledger may be cut from another one. Whatever it reserves and spends is reserved and spent there as
well, so a nested loop, a judge or a parallel attempt can never break the limits that surround it.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal

from jupyter_loops.core.budget import Budget, Price, Usage
from jupyter_loops.core.ports import Allowance
from jupyter_loops.errors import BudgetError, PreflightError

from .account import NOTHING, Account, Slice, SpendingListener, ignore_spending
from .stopwatch import Stopwatch

_ROUND = Usage(iterations=1)
LEAST_ANSWER = 32  # tokens; a shorter answer is not worth asking for


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money set aside for one call."""

    worst: Usage
    max_tokens: int  # what the answer may take, cut to what is left
    price: Price | None = None  # of the model that is asked

    def cost(
        self, prompt_tokens: int, completion_tokens: int, cached_tokens: int = 0, reasoning_tokens: int = 0
    ) -> float | None:
        """US dollars for what the call used, or None when the price is not known."""
        if self.price is None:
            return None
        return self.price.cost(prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens)


@dataclass(frozen=True, slots=True)
class LedgerTree:
    """What the ledgers of nested runs have in common."""

    lock: threading.Lock
    allowance: Allowance | None = None
    around: tuple[Account, ...] = ()  # from the inside out
    settlements: list[asyncio.Future[None]] = field(default_factory=list)  # that somebody waits for
    priced: bool = False  # a price has to be known, whatever other limits there are


class Ledger:
    """What a run has spent and set aside, against its budget and those around it. Thread-safe."""

    def __init__(
        self,
        budget: Budget,
        price: Price | None = None,
        listener: SpendingListener = ignore_spending,
        *,
        scope: str = "",
        family: LedgerTree | None = None,
    ) -> None:
        self.price = price
        self.account = Account(budget=budget, scope=scope, listener=listener)
        self._family = family or LedgerTree(threading.Lock())
        self._accounts = (self.account, *self._family.around)
        self._lock = self._family.lock  # one for all: every account moves, or none

    @classmethod
    def within(
        cls,
        allowance: Allowance | None,
        budget: Budget,
        listener: SpendingListener = ignore_spending,
        *,
        priced: bool = False,
    ) -> Ledger:
        """A ledger whose dollars come out of an allowance as well."""
        return cls(budget, listener=listener, family=LedgerTree(threading.Lock(), allowance, priced=priced))

    def child(
        self, budget: Budget, listener: SpendingListener = ignore_spending, *, scope: str = "the loop around it"
    ) -> Ledger:
        """A ledger with limits of its own inside this one's; `scope` is how its messages call this one.

        Rounds and time are its own; dollars, tokens and calls count in both, and the time limit of both holds.
        """
        self.account.scope = scope
        return Ledger(budget, self.price, listener, family=replace(self._family, around=self._accounts))

    @property
    def budget(self) -> Budget:
        """The limits of this run."""
        return self.account.budget

    @property
    def watch(self) -> Stopwatch:
        """The run's clock."""
        return self.account.watch

    @property
    def usage(self) -> Usage:
        """What is settled, and the seconds so far."""
        return self.account.usage

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds until the first time limit, here or around; None when there is none."""
        limits = (account.remaining_seconds for account in self._accounts)
        return min((seconds for seconds in limits if seconds is not None), default=None)

    def quote(self, price: Price | None, model: str) -> None:
        """Learn the model's price. Raises PreflightError as `vet` does."""
        self.vet(price, model)
        self.price = price

    def vet(self, price: Price | None, model: str) -> None:
        """Raise PreflightError where a dollar limit alone cannot hold, because a model's price is not known."""
        if price is not None:
            return
        if self._family.priced:
            raise PreflightError(
                f"the price of {model} is not known, and this hub limits dollars: ask its administrator for a price"
            )
        if any(account.budget.tokens is not None for account in self._accounts):
            return
        limits = [f"--usd {account.budget.usd:g}" for account in self._accounts if account.budget.usd is not None]
        limits += [self._family.allowance.scope] if self._family.allowance and self._family.allowance.scope else []
        if limits:
            raise PreflightError(
                f"the price of {model} is not known, so {limits[0]} cannot hold: set a token limit as well, e.g. "
                "--tokens 50000, or say the price in dollars for a million tokens, in and out, e.g. --price 3,15"
            )

    def restore(self, usage: Usage) -> None:
        """Start with what was spent before, time included."""
        with self._lock:
            self.account.spent = self.account.spent + replace(usage, seconds=0.0)
            self.watch.add(usage.seconds)
        self._tell()

    def exhausted(self) -> tuple[str, Account] | None:
        """The first limit that is reached and the account that has it, or None."""
        for account in self._accounts:
            limit = account.budget.exhausted(account.usage)
            if limit is not None:
                return limit, account
        return None

    def keep(self, final_slice: Slice) -> None:
        """Set aside what only a final answer may use."""
        with self._lock:
            self.account.slice = final_slice

    def reserve(
        self,
        prompt_tokens: int,
        max_tokens: int,
        price: Price | Literal["quoted"] | None = "quoted",
        *,
        last: bool = False,
        whole: bool = False,
    ) -> Reservation:
        """Set the worst case of one call aside, its answer cut to what is left. Raises BudgetError.

        `price` is for a call to another model than the one that was quoted. `last` may use the slice that is
        reserved for a final answer. `whole`: an answer that would have to be cut does not fit.
        """
        price = self.price if price == "quoted" else price
        shortest = LEAST_ANSWER if last else max(LEAST_ANSWER, self.account.slice.answer)
        least = max_tokens if whole else min(shortest, max_tokens)
        with self._lock:
            slices = [NOTHING if last and account is self.account else account.slice for account in self._accounts]
            rooms = [
                account.room(prompt_tokens, price, account_slice)
                for account, account_slice in zip(self._accounts, slices, strict=True)
            ]
            answer = min(max_tokens, *rooms)
            if answer < least:
                raise self._refusal(_worst(prompt_tokens, least, price), slices)
            answer = self._allowed(prompt_tokens, least, answer, price)
            worst = _worst(prompt_tokens, answer, price)
            for account in self._accounts:
                account.reserved = account.reserved + worst
            self.account.in_flight += 1
        self._tell()
        return Reservation(worst, answer, price)

    def settle(self, reservation: Reservation, usage: Usage) -> None:
        """Replace a reservation by what was used; an allowance of all notebooks is never charged beyond it."""
        with self._lock:
            for account in self._accounts:
                account.reserved = account.reserved - reservation.worst
                account.spent = account.spent + usage
            self.account.in_flight -= 1
            if self._family.allowance is not None and (reservation.worst.usd or usage.usd):
                self._family.allowance.settle(reservation.worst.usd, min(usage.usd, reservation.worst.usd))
            settlements = self._family.settlements[:]
            self._family.settlements.clear()
        for settlement in settlements:
            with suppress(RuntimeError):  # its event loop is closed
                settlement.get_loop().call_soon_threadsafe(_resolve, settlement)
        self._tell()

    async def freed(self) -> bool:
        """Wait until a call of another run settles, which may free what it reserved. False: there is no such call.

        A run around this one may be waiting for this one, so its own calls are not waited for.
        """
        with self._lock:
            ours = sum(account.in_flight for account in self._accounts)
            if max(account.reserved.calls for account in self._accounts) <= ours:
                return False
            settlement: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._family.settlements.append(settlement)
        await settlement
        return True

    def count_iteration(self) -> None:
        """One more round is over."""
        with self._lock:
            self.account.spent = self.account.spent + _ROUND
        self._tell()

    def amend(self, **limits: float | None) -> None:
        """Change limits while the run goes on."""
        with self._lock:
            self.account.budget = replace(self.budget, **limits)  # type: ignore[arg-type]  # one name a field
        self._tell()

    def _allowed(self, prompt_tokens: int, least: int, answer: int, price: Price | None) -> int:
        """The answer cut to what an allowance still has, and that much taken of it."""
        allowance = self._family.allowance
        if price is None or allowance is None or not (worst_usd := price.worst(prompt_tokens, answer)):
            return answer
        granted = allowance.take(price.worst(prompt_tokens, least), worst_usd)
        answer = min(answer, max(least, price.answer(granted, prompt_tokens)))
        if excess := granted - price.worst(prompt_tokens, answer):
            allowance.settle(excess, 0.0)
        return answer

    def _refusal(self, worst: Usage, slices: list[Slice]) -> BudgetError:
        for account, account_slice in zip(self._accounts, slices, strict=True):
            lacking = account.lacks(worst, account_slice)
            if lacking is not None:
                limit, free = lacking
                return BudgetError(limit, getattr(worst, limit), free, "" if account is self.account else account.scope)
        return BudgetError("tokens", worst.tokens, 0)

    def _tell(self) -> None:
        for account in self._accounts:
            account.tell()


def _resolve(settlement: asyncio.Future[None]) -> None:
    if not settlement.done():
        settlement.set_result(None)


def _worst(prompt_tokens: int, answer: int, price: Price | None) -> Usage:
    usd = 0.0 if price is None else price.worst(prompt_tokens, answer)
    return Usage(usd=usd, tokens=prompt_tokens + answer, calls=1)
