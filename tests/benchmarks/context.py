"""Prompt tokens of rounds that all fail: a fresh context, a rolling transcript, and a whole one.

`python tests/benchmarks/context.py [ROUNDS]`. The real cycle, sandbox and history; the model replays a script of
different wrong answers of 25 lines. The whole transcript is no mode of the product: it is the rolling one without a
bound, to compare with. Exits with 1 where `fresh` grows or `rolling` passes its bound.
"""

from __future__ import annotations

import sys
import tempfile

from jupyter_loops.assemble import Adapters, Options, launch
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.history import open_history
from jupyter_loops.language import parse
from jupyter_loops.planning import planner
from jupyter_loops.planning.models.replay import ReplayModel
from jupyter_loops.planning.transcript import TOKENS

SHOWN = (1, 2, 5, 10, 20, 30, 40, 50)
BEGINS = 10  # the round from which on a fresh context has all of its parts
GROWTH = 1.1  # of a fresh prompt from there on, at most
CELL = '''def double(n: int) -> int:
    """Twice n."""
    ...

assert double(2) == 4
assert double(-1) == -2
'''


def answer(n: int) -> str:
    """A wrong one, unlike any other."""
    steps = "\n".join(f"    step_{line} = n * {line} + {n}" for line in range(22))
    return f"```python\ndef double(n):\n{steps}\n    return {n + 100}\n```"


def prompt_tokens(mode: str, rounds: int, folder: str) -> list[int]:
    """Of each round's prompt, as recorded."""
    whole = mode == "whole"
    planner.ROLLING, planner.MODERATE = (10**9, 10**9) if whole else (TOKENS, MODERATE)
    options = Options(
        context="fresh" if mode == "fresh" else "rolling", iterations=rounds, time=None, adaptive=False,
        sandbox="process", fresh=True, history=f"{folder}/{mode}.duckdb",
    )  # fmt: skip
    model = ReplayModel(list(map(answer, range(rounds))), window=10**7)
    run = launch(parse(CELL, mode), options, adapters=Adapters(model, ZygoteSandbox(isolation="process")))
    end = run.wait()
    rows = run.history.calls(run.id)
    open_history(options.history).close()
    assert len(rows) == rounds, end
    return [row["prompt_tokens"] for row in rows]


MODERATE = planner.MODERATE


def main() -> None:
    rounds = int(sys.argv[1]) if sys.argv[1:] else max(SHOWN)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        tokens = {mode: prompt_tokens(mode, rounds, folder) for mode in ("fresh", "rolling", "whole")}
    shown = [n for n in SHOWN if n <= rounds]
    print(f"\n  {'prompt tokens in round':24}" + "".join(f"{n:>9}" for n in shown) + f"{'all 30':>11}{'all 50':>11}")
    for mode, each in tokens.items():
        sums = [f"{sum(each[:n]):>11,}" if n <= rounds else f"{'':>11}" for n in (30, 50)]
        print(f"  {mode:24}" + "".join(f"{each[n - 1]:>9,}" for n in shown) + "".join(sums))
    late = tokens["fresh"][BEGINS:]
    bad = (max(late, default=0) > GROWTH * tokens["fresh"][BEGINS - 1]) if late else False
    sys.exit(int(bad or max(tokens["rolling"]) > TOKENS))


if __name__ == "__main__":
    main()
