"""How likely a run verifies, and at what cost: a beta-geometric model of the rounds until success.

A run verifies in each of its rounds with a probability q of its own; q differs from run to run as Beta(a, b).
Then P(no success in n rounds) = B(a, b + n) / B(a, b), and each failed round makes the next success less likely:
the beta-geometric distribution, C. R. Weinberg & B. C. Gladen, "The beta-geometric distribution applied to
comparative fecundability studies", Biometrics 42 (1986) 547-560. Runs that ended without success count as censored.

Runs of one loop are much alike, and loops differ: so a loop has a mean of its own, a / (a + b). Runs of other loops
say how such means are spread, the loop's own runs which it is, and how alike they are, a + b. Nothing is fitted; all
is averaged over grids, weighted by how likely the past is and by a prior that expects one round in four to verify.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from jupyter_loops.core.budget import Budget, Usage
from jupyter_loops.core.forecast import Forecast, RunOutcome

MOST_ROUNDS = 50  # that are looked ahead, where no limit says less
_MEANS = (0.005, *((k + 0.5) / 24 for k in range(24)), 0.995)
_STRENGTHS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0)  # a + b
_PRIOR = (1.0, 3.0)  # Beta of the mean; its strength weighs a quarter, half and twice of 2 about alike
_SPREAD = 1.5  # standard deviation of log(strength)
_ALIKE = {0.5: 1, 2.0: 2, 8.0: 4, 32.0: 4, 128.0: 4}  # a + b of the runs of one loop, and how likely that is before
SAME_LOOP = 0.5  # weight of an outcome from which on it is one of the loop's own


OutcomeCount = tuple[tuple[int, bool], float]  # an outcome, and how often


class Shape(NamedTuple):
    """One pair of the grid, and its share."""

    a: float
    b: float
    share: float


class Forecaster:
    """Forecasts of one run, from earlier runs and from its own rounds."""

    def __init__(self, outcomes: Iterable[RunOutcome] = ()) -> None:
        self.latest: Forecast | None = None
        self.learn(outcomes)

    def learn(self, outcomes: Iterable[RunOutcome]) -> None:
        """Fit the forecast to earlier runs."""
        self.outcomes = [outcome for outcome in outcomes if outcome.rounds > 0]
        shapes = _posterior(self.outcomes)
        self._odds = [(shape.b, shape.a + shape.b) for shape in shapes]
        self._weights = [shape.share for shape in shapes]
        self._survivors = [sum(self._weights)]

    def curve(self, failed: int, ahead: int) -> list[float]:
        """P(verified within 1, 2 … `ahead` more rounds), after so many that failed."""
        alive = self._alive(failed + ahead)
        total = alive[failed] or 1.0
        return [1.0 - share / total for share in alive[failed + 1 : failed + ahead + 1]]

    def _alive(self, rounds: int) -> list[float]:
        """P(no success in 0, 1 … rounds), at least that many; the same for every round of a run, so computed once."""
        while len(self._survivors) <= rounds:
            more = len(self._survivors) - 1
            self._weights = [
                weight * (b + more) / (both + more) for weight, (b, both) in zip(self._weights, self._odds, strict=True)
            ]
            self._survivors.append(sum(self._weights))
        return self._survivors

    def after(self, usage: Usage, budget: Budget, *, priced: bool = True) -> Forecast:
        """The forecast at the end of a round that did not verify, or before the first."""
        round_costs = self._round_costs(usage)
        ahead = _affordable_rounds(budget, usage, round_costs)
        curve = self.curve(usage.iterations, ahead)
        p, next_p = (curve[-1], curve[0]) if curve else (0.0, 0.0)
        rounds = ahead - sum(curve[:-1]) if curve else 0.0
        usd = rounds * round_costs.usd if priced else None
        few, many = _quantile(curve, 0.1), _quantile(curve, 0.9)
        self.latest = Forecast(
            round=usage.iterations,
            by_round=usage.iterations + ahead,
            p=p,
            next_p=next_p,
            curve=tuple(curve),
            expected_rounds=rounds,
            expected_usd=usd,
            expected_tokens=rounds * round_costs.tokens,
            usd_range=(few * round_costs.usd, many * round_costs.usd) if priced else None,
            tokens_range=(few * round_costs.tokens, many * round_costs.tokens),
            usd_to_goal=usd / p if usd is not None and p > 0 else None,
            gain_per_usd=next_p / round_costs.usd if priced and round_costs.usd > 0 else None,
            gain_per_1k_tokens=next_p / round_costs.tokens * 1000 if round_costs.tokens > 0 else None,
            runs=len(self.outcomes),
        )
        return self.latest

    def _round_costs(self, usage: Usage) -> Costs:
        """The cost of one round: the mean of this run's rounds, with the mean of earlier runs as one more."""
        history = mean_costs(self.outcomes)
        prior_rounds, rounds = history is not None, usage.iterations
        if not (prior_rounds or rounds):
            return Costs()
        history = history or Costs()
        if rounds and history.usd and not usage.usd:  # others were priced, this one is free
            history = replace(history, usd=0.0)

        def mean(spent: float, before: float) -> float:
            return (spent + prior_rounds * before) / (rounds + prior_rounds)

        return Costs(
            usd=mean(usage.usd, history.usd),
            tokens=mean(usage.tokens, history.tokens),
            seconds=mean(usage.seconds, history.seconds),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Of one round."""

    usd: float = 0.0
    tokens: float = 0.0
    seconds: float = 0.0


def mean_costs(outcomes: Sequence[RunOutcome]) -> Costs | None:
    """The mean cost of a round in earlier runs, weighted by likeness; None without any."""
    rounds = sum(outcome.weight * outcome.rounds for outcome in outcomes)
    if not rounds:
        return None
    return Costs(
        usd=sum(outcome.weight * outcome.usd for outcome in outcomes) / rounds,
        tokens=sum(outcome.weight * outcome.tokens for outcome in outcomes) / rounds,
        seconds=sum(outcome.weight * outcome.seconds for outcome in outcomes) / rounds,
    )


def _quantile(curve: Sequence[float], share: float) -> int:
    """Rounds that a run takes which is in this share of all: until it verifies, or all that there are."""
    return min(bisect_left(curve, share) + 1, len(curve))


def _affordable_rounds(budget: Budget, usage: Usage, round_costs: Costs) -> int:
    """How many more rounds the limits allow, at what one costs."""
    remaining = budget.remaining(usage)
    rooms = [float(MOST_ROUNDS)]
    rooms += [remaining[name] for name in ("iterations", "calls") if name in remaining]
    for name in ("usd", "tokens", "seconds"):
        cost = getattr(round_costs, name)
        if name in remaining and cost > 0:
            rooms.append(remaining[name] / cost)
    return max(math.floor(min(rooms) + 1e-9), 0)


def _posterior(outcomes: Sequence[RunOutcome]) -> list[Shape]:
    """The grid of one loop's mean and of how alike its runs are, weighted by its own runs and by other loops."""
    loop_counts = _outcome_counts(outcome for outcome in outcomes if outcome.weight >= SAME_LOOP)
    others = _outcome_counts(outcome for outcome in outcomes if outcome.weight < SAME_LOOP)
    return _grid(frozenset(loop_counts.items()), frozenset(others.items()))


@lru_cache(maxsize=16)  # the rows of a map all begin with the same knowledge
def _grid(loop_counts: frozenset[OutcomeCount], others: frozenset[OutcomeCount]) -> list[Shape]:
    return _weighed(
        (a, b, math.log(prior * likely) + _log_evidence(a, b, loop_counts))
        for mean, prior in zip(_MEANS, _before(others), strict=True)
        for alike, likely in _ALIKE.items()
        for a, b in [(mean * alike, (1 - mean) * alike)]
    )


@lru_cache(maxsize=16)
def _before(others: frozenset[OutcomeCount]) -> list[float]:
    """How likely each mean is for a loop of which nothing is known: loops differ as Beta(a, b)."""
    loops = _weighed(
        (a, b, _log_prior(mean, strength) + _log_evidence(a, b, others))
        for mean in _MEANS
        for strength in _STRENGTHS
        for a, b in [(mean * strength, (1 - mean) * strength)]
    )
    return [sum(share * _beta(mean, a, b) for a, b, share in loops) for mean in _MEANS]


def _weighed(scored: Iterable[tuple[float, float, float]]) -> list[Shape]:
    scored = list(scored)
    top = max(score for *_, score in scored)
    total = sum(math.exp(score - top) for *_, score in scored)
    return [Shape(a, b, math.exp(score - top) / total) for a, b, score in scored]


def _outcome_counts(outcomes: Iterable[RunOutcome]) -> dict[tuple[int, bool], float]:
    """How often each outcome was seen; a weight counts in parts."""
    counts = dict[tuple[int, bool], float]()
    for outcome in outcomes:
        counts[outcome.rounds, outcome.verified] = counts.get((outcome.rounds, outcome.verified), 0.0) + outcome.weight
    return counts


def _log_prior(mean: float, strength: float) -> float:
    a, b = _PRIOR
    return (a - 1) * math.log(mean) + (b - 1) * math.log(1 - mean) - (math.log(strength / 2) / _SPREAD) ** 2 / 2


def _beta(x: float, a: float, b: float) -> float:
    return math.exp((a - 1) * math.log(x) + (b - 1) * math.log(1 - x) - _log_beta(a, b))


def _log_evidence(a: float, b: float, counts: Iterable[OutcomeCount]) -> float:
    return sum(times * _log_likelihood(a, b, *how) for how, times in counts)


def _log_likelihood(a: float, b: float, rounds: int, verified: bool) -> float:
    """Of success in the last of the rounds, or of none in any."""
    if verified:
        return _log_beta(a + 1, b + rounds - 1) - _log_beta(a, b)
    return _log_beta(a, b + rounds) - _log_beta(a, b)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
