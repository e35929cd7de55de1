"""Chooses how to ask next: the approach that probably gains most for its cost.

Budgeted Thompson sampling, Y. Xia, H. Li, T. Qin, N. Yu & T.-Y. Liu, "Thompson Sampling for Budgeted Multi-armed
Bandits", IJCAI 2015, algorithm 1: for each arm draw a reward from Beta(1 + sum of rewards, 1 + sum of what they
lacked to 1), a cost likewise, and take the arm with the largest ratio. The reward of a round is how far it carried
the best progress, in [0, 1]; its cost is in dollars, or in tokens where nothing has a price, as a share of the
dearest round that was measured.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence

from jupyter_loops.core.approach import Approach, Worth

_UNTRIED = Worth()
LEAST = 6  # measured rounds; with fewer, the planner's schedule decides


class Bandit:
    """The arms, and what each has been worth so far."""

    def __init__(self, seed: int | None = None) -> None:
        self.worth: dict[Approach, Worth] = {}
        self._random = random.Random(seed)  # noqa: S311  # no secret depends on it

    def learn(self, measured: Mapping[Approach, Worth]) -> None:
        """Add what rounds have gained and cost."""
        for approach, worth in measured.items():
            self.worth[approach] = self.worth.get(approach, Worth()) + worth

    def measured(self, arms: Sequence[Approach]) -> float:
        """How many rounds of these arms were measured."""
        return sum(self.worth[arm].rounds for arm in arms if arm in self.worth)

    def choose(self, arms: Sequence[Approach]) -> Approach:
        """The arm with the best draw."""
        priced = self._priced
        costs = [self._cost(arm, priced=priced) for arm in arms]
        dearest = max(costs) or 1.0
        drawn = [
            self._draw(self.worth.get(arm, _UNTRIED), cost / dearest) for arm, cost in zip(arms, costs, strict=True)
        ]
        return arms[drawn.index(max(drawn))]

    def why(self, arm: Approach, total: float) -> str:
        """The reason for an arm, in numbers; `total` counts the measured rounds of all arms."""
        worth = self.worth.get(arm, _UNTRIED)
        if not worth.rounds:
            return f"not tried yet, among {total:.0f} measured rounds"
        cost = f"${worth.usd / worth.rounds:.2g}" if self._priced else f"{worth.tokens / worth.rounds:,.0f} tokens"
        gained = f"gained {worth.gain / worth.rounds:.0%} a round for {cost}"
        return f"{gained} in {worth.rounds:.0f} of {total:.0f} measured rounds"

    @property
    def _priced(self) -> bool:
        return any(worth.usd > 0 for worth in self.worth.values())

    def _cost(self, arm: Approach, *, priced: bool) -> float:
        """The cost of one round. An arm without measurements costs the mean of its model, or of all arms."""
        measured = self.worth.get(arm, _UNTRIED)
        if measured.rounds:
            return (measured.usd if priced else measured.tokens) / measured.rounds
        comparable = [worth for other, worth in self.worth.items() if other.model == arm.model]
        comparable = comparable or [*self.worth.values()]
        rounds = sum(worth.rounds for worth in comparable)
        spent = sum(worth.usd if priced else worth.tokens for worth in comparable)
        return spent / rounds if rounds else 0.0

    def _draw(self, worth: Worth, cost: float) -> float:
        lacked = max(worth.rounds - worth.gain, 0.0)
        reward = self._beta(1 + worth.gain, 1 + lacked)
        cost = self._beta(1 + worth.rounds * cost, 1 + worth.rounds * (1 - cost))
        return reward / max(cost, 1e-9)

    def _beta(self, a: float, b: float) -> float:
        if a == 1.0:  # as while nothing was gained; its distribution function, turned round
            return 1.0 - math.pow(self._random.random(), 1.0 / b)
        return self._random.betavariate(a, b)
