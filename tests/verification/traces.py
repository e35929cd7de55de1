"""Made-up runs, round by round, each with what a detector should make of it. Shared by tests and a benchmark.

A run that is stuck has to be ended within its rounds; one that makes progress, however slow and noisy, must not be.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from jupyter_loops.core.candidate import Candidate, CandidateKind
from jupyter_loops.core.ports import IterationSummary, StuckFinding
from jupyter_loops.core.termination import StopReason
from jupyter_loops.verification.stuck import LAST, Detectors
from jupyter_loops.verification.verifier import LayeredVerifier

PATIENCE = 8


@dataclass(frozen=True, kw_only=True)
class Trace:
    """One run, and the reason for which it should be ended; None where it should go on."""

    kind: str
    rounds: list[IterationSummary]
    reason: StopReason | None


def a_round(
    n: int, digest: str, outcome: str = "", progress: float = 0.0, score: float | None = None
) -> IterationSummary:
    return IterationSummary(
        iteration=n, digest=digest, outcome=outcome or f"of {digest}", progress=progress, score=score
    )


def ended(trace: Trace, patience: int | None = PATIENCE) -> StuckFinding | None:
    """The finding that ends the run, if any does."""
    detectors = Detectors(patience)
    found = map(detectors.take, trace.rounds)
    return next((each for each in found if each is not None and each.rung >= LAST), None)


def _number(rounds: Iterable[tuple[str, str, float, float | None]]) -> list[IterationSummary]:
    return [a_round(n, *each) for n, each in enumerate(rounds, 1)]


def _beginning(rng: random.Random) -> list[tuple[str, str, float, float | None]]:
    """A few different attempts."""
    return [(f"start{n}", "", rng.uniform(0, 0.3), None) for n in range(rng.randrange(5))]


def repeats(rng: random.Random) -> list[IterationSummary]:
    return _number([*_beginning(rng), *[("a", "", 0.3, None)] * rng.randrange(6, 12)])


def repeats_under_other_names(rng: random.Random) -> list[IterationSummary]:
    texts = [
        f"def f({a}):\n    '''{a}'''\n    {b} = {a} + 1  # {n}\n    return {b}"
        for n in range(rng.randrange(6, 12))
        for a, b in [rng.sample(["x", "y", "n", "value", "total", "item"], 2)]
    ]
    digests = [LayeredVerifier().digest(Candidate(kind=CandidateKind.CODE, text=text)) for text in texts]
    return _number([*_beginning(rng), *((digest, "same", 0.3, None) for digest in digests)])


def oscillates(rng: random.Random) -> list[IterationSummary]:
    period = rng.choice([2, 3, 4])
    cycle = [(f"c{n}", "", rng.uniform(0, 0.5), None) for n in range(period)]
    return _number([*_beginning(rng), *(cycle * 8)[: 2 * period + 4]])


def is_flat(rng: random.Random) -> list[IterationSummary]:
    head = [(f"h{n}", "", 0.1 * n, None) for n in range(rng.randrange(1, 6))]
    level = head[-1][2]
    return _number([*head, *((f"f{n}", "", level * rng.random(), None) for n in range(3 * PATIENCE))])


def is_flat_with_noise(rng: random.Random) -> list[IterationSummary]:
    noise = rng.uniform(0.005, 0.1)
    return _number((f"n{n}", "", 1.0, 0.7 + rng.gauss(0, noise)) for n in range(6 * PATIENCE))


def says_nothing(rng: random.Random) -> list[IterationSummary]:
    return _number([*_beginning(rng), *[("", "no code in the answer", 0.0, None)] * rng.randrange(6, 10)])


def rises(rng: random.Random) -> list[IterationSummary]:
    values = sorted(rng.random() for _ in range(30))
    return _number((f"r{n}", "", value, None) for n, value in enumerate(values))


def rises_in_steps(rng: random.Random) -> list[IterationSummary]:
    """Flat for almost as long as the patience allows, again and again."""
    values: list[float] = []
    while len(values) < 40:
        values += [min(1.0, 0.02 * len(values))] * rng.randrange(1, PATIENCE)
    return _number((f"s{n}", f"{n}", value, None) for n, value in enumerate(values))


def score_creeps_up(rng: random.Random) -> list[IterationSummary]:
    step = rng.uniform(1e-6, 1e-2)
    return _number((f"k{n}", "", 1.0, 0.5 + step * n) for n in range(40))


def score_creeps_up_in_noise(rng: random.Random) -> list[IterationSummary]:
    """Each round gains a fifth to a third of the noise: neighbours tell nothing, the window does."""
    noise = rng.uniform(0.01, 0.1)
    step = noise * rng.uniform(0.2, 0.34)
    return _number((f"z{n}", "", 1.0, 0.5 + step * n + rng.gauss(0, noise)) for n in range(40))


def same_with_new_results(rng: random.Random) -> list[IterationSummary]:
    values = sorted(rng.random() for _ in range(20))
    return _number(("a", f"{value}", value, None) for value in values)


def alternates_and_improves(rng: random.Random) -> list[IterationSummary]:
    values = sorted(rng.random() for _ in range(20))
    return _number((f"c{n % rng.choice([2, 3])}", f"{value}", value, None) for n, value in enumerate(values))


def turns_for_a_while(rng: random.Random) -> list[IterationSummary]:
    """A cycle that is left before it has gone on for four rounds."""
    period = rng.choice([2, 3])
    cycle = [(f"c{n}", "", 0.1, None) for n in range(period)]
    rest = [(f"t{n}", "", 0.2 + 0.02 * n, None) for n in range(12)]
    return _number([*(cycle * 3)[: 2 * period + rng.randrange(2)], *rest])


KINDS: dict[Callable[[random.Random], list[IterationSummary]], StopReason | None] = {
    repeats: StopReason.REPETITION,
    repeats_under_other_names: StopReason.REPETITION,
    says_nothing: StopReason.REPETITION,
    oscillates: StopReason.OSCILLATION,
    is_flat: StopReason.PLATEAU,
    is_flat_with_noise: StopReason.PLATEAU,
    rises: None,
    rises_in_steps: None,
    score_creeps_up: None,
    score_creeps_up_in_noise: None,
    same_with_new_results: None,
    alternates_and_improves: None,
    turns_for_a_while: None,
}


def traces(each: int, seed: int = 20261123) -> Iterator[Trace]:
    """So many of each kind, always the same ones."""
    for kind, reason in KINDS.items():
        rng = random.Random(f"{seed}{kind.__name__}")
        for _ in range(each):
            yield Trace(kind=kind.__name__.replace("_", " "), rounds=kind(rng), reason=reason)
