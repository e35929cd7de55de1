"""Runs of the embedded model that nobody ended for getting nowhere, so that it shows what came after.

Beside them: what the detectors would have made of each. `python tests/verification/recorded.py` records them anew
(about ten minutes on two cores); tests and a benchmark read `recorded.json`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from traces import PATIENCE, Trace, ended

from jupyter_loops.core.ports import IterationSummary, StuckFinding

FIXTURE = Path(__file__).with_name("recorded.json")
MOST = 24  # rounds of a run
_KEPT = ("digest", "outcome", "progress", "score")  # of a round
CELLS = {  # the stub with its checks: some are easy, some are beyond the model, two want the best and not a pass
    "vowels": 'def vowels(text: str) -> int:\n    "Count the vowels in text."\n'
    'assert vowels("Banana") == 3\nassert vowels("xyz") == 0\nassert vowels("AEIOU") == 5',
    "factorial": 'def factorial(n: int) -> int:\n    "Return the factorial of n."\n'
    "assert factorial(0) == 1\nassert factorial(5) == 120",
    "fizz": 'def fizz(n: int) -> str:\n    "Fizz for multiples of 3, Buzz of 5, FizzBuzz of both, else the number."\n'
    'assert fizz(9) == "Fizz"\nassert fizz(15) == "FizzBuzz"\nassert fizz(7) == "7"',
    "slugify": 'def slugify(text: str) -> str:\n    "Lower-case ASCII words joined by single hyphens."\n'
    'assert slugify("Hello World") == "hello-world"\nassert slugify("  a, b & c! ") == "a-b-c"',
    "roman": 'def roman(n: int) -> str:\n    "The roman numeral of n."\n'
    'assert roman(4) == "IV"\nassert roman(1990) == "MCMXC"\nassert roman(3) == "III"',
    "letters": '"A short sentence that uses many different letters of the alphabet."\nsentence: str\n'
    "assert 10 < len(sentence) < 120\nmaximize(len(set(sentence.lower())))",
    "steps": 'def steps(n: int) -> int:\n    "Steps of the Collatz sequence from n to 1."\n'
    "maximize(sum(steps(n) == want for n, want in [(1, 0), (2, 1), (3, 7), (6, 8), (7, 16)]))",
}


def runs() -> Iterator[Trace]:
    """The recorded runs; whether one was stuck, nobody has said."""
    for name, recorded in json.loads(FIXTURE.read_text())["runs"].items():
        for rounds in recorded:
            turns = [dict(zip(_KEPT, turn, strict=True)) for turn in rounds]
            yield Trace(
                kind=name,
                rounds=[IterationSummary(iteration=n, **turn) for n, turn in enumerate(turns, 1)],
                reason=None,
            )


def judged(trace: Trace, patience: int = PATIENCE) -> tuple[str, StuckFinding | None, int]:
    """What the detectors did, which of them, and after how many rounds.

    A `false alarm` ends a run that would have got better. A run is `missed` when it goes on although as many rounds
    as the plateau waits for, twice over, brought nothing better: then some detector should have known.
    """
    finding = ended(trace, patience)
    known = next((n for n in range(1, len(trace.rounds) + 1) if ended(_first(trace, n), patience)), len(trace.rounds))
    if finding is not None:
        return ("false alarm" if _best(trace.rounds) > _best(trace.rounds[:known]) else "hit"), finding, known
    behind = trace.rounds[: -2 * patience]
    return ("missed" if behind and _best(behind) >= _best(trace.rounds) else "silent"), None, known


def counted(patience: int = PATIENCE) -> dict[str, Counter[str]]:
    """Cell → how many of its runs were ended rightly or wrongly, missed or left alone."""
    table: dict[str, Counter[str]] = {}
    for trace in runs():
        table.setdefault(trace.kind, Counter())[judged(trace, patience)[0]] += 1
    return table


def _first(trace: Trace, rounds: int) -> Trace:
    return Trace(kind=trace.kind, rounds=trace.rounds[:rounds], reason=None)


def _best(rounds: list[IterationSummary]) -> tuple[float, float]:
    return max((turn.progress, float("-inf") if turn.score is None else turn.score) for turn in rounds)


class _Scribe:
    """Writes the rounds down, in the place of the detectors."""

    def __init__(self, patience: int | None) -> None:
        self.rounds: list[IterationSummary] = []
        SCRIBES.append(self)

    def take(self, turn: IterationSummary) -> StuckFinding | None:
        self.rounds.append(turn)
        return None


SCRIBES: list[_Scribe] = []


def _told(turn: IterationSummary) -> list[object]:
    """Short: of texts only who equals whom matters."""
    digest, outcome = (text and hashlib.sha256(text.encode()).hexdigest()[:8] for text in (turn.digest, turn.outcome))
    return [digest, outcome, round(turn.progress, 4), turn.score]


def record(each: int) -> None:
    """Run every cell so many times on the embedded model, those that are recorded already among them."""
    import tempfile

    from jupyter_loops import Loop
    from jupyter_loops.verification import verifier

    verifier.Detectors = _Scribe  # type: ignore[misc, assignment] # nobody ends these runs
    told: dict[str, list[list[list[object]]]] = json.loads(FIXTURE.read_text())["runs"] if FIXTURE.exists() else {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name, cell in CELLS.items():
            for n in range(len(told.get(name, [])), each):
                run = Loop.from_cell(cell, name).run(
                    fresh=True, seed=n * 1000, history=f"{folder}/history.duckdb", iterations=MOST, model="local"
                )
                end = run.wait()
                if end.reason not in {"verified", "iterations"}:
                    continue
                won = [["won", "won", 1.0, None]] if end.verified else []  # a detector is not asked any more
                told.setdefault(name, []).append([*map(_told, SCRIBES[-1].rounds), *won])
                print(name, n, end.reason, len(SCRIBES[-1].rounds), flush=True)  # noqa: T201 - a script
                texts = {key: ",\n  ".join(map(json.dumps, some)) for key, some in told.items()}
                lines = [f'"{key}": [\n  {text}\n ]' for key, text in texts.items()]
                FIXTURE.write_text('{"model": "local (SmolLM2-135M)", "runs": {\n ' + ",\n ".join(lines) + "\n}}\n")


if __name__ == "__main__":
    record(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
