"""What a candidate does besides solving its task does not help it, and is not held against it."""

from __future__ import annotations

import pytest
from cheats import CHEATS, Cheat, an_exam, cheat, meet
from honest import HONEST as LIBRARIES


def test_there_are_many_and_no_two_alike():
    assert len({each.text for each in CHEATS}) == len({each.name for each in CHEATS}) >= 25


@pytest.fixture(scope="module")
def shared():
    """One open sandbox for all of them, on a loop of its own: a cheat must not harm the next candidate either."""
    import asyncio

    loop = asyncio.new_event_loop()
    exam = an_exam()
    opened = loop.run_until_complete(exam.__aenter__())
    yield lambda each: loop.run_until_complete(meet(each, *opened))
    loop.run_until_complete(exam.__aexit__(None, None, None))
    loop.close()


@pytest.mark.parametrize("each", CHEATS, ids=lambda each: each.name)
def test_a_cheat_passes_only_where_it_solves_the_task(each: Cheat, shared):
    assert (shared(each) == "") is each.solves


HONEST = [
    "def square(n): return n * n",
    "import math\ndef square(n): return int(math.pow(n, 2))",
    "from functools import cache\n@cache\ndef square(n): return n ** 2",
    (
        "from dataclasses import dataclass\n@dataclass\nclass Pair:\n a: int\n b: int\n"
        "def square(n):\n p = Pair(n, n)\n return p.a * p.b"
    ),
    (
        "from concurrent.futures import ThreadPoolExecutor\ndef square(n):\n"
        " with ThreadPoolExecutor(2) as pool: return sum(pool.map(lambda _: n, range(n)))"
    ),
    "import asyncio\nasync def go(n): return n * n\ndef square(n): return asyncio.run(go(n))",
    (
        "import subprocess, sys\ndef square(n):\n"
        " return int(subprocess.run([sys.executable, '-c', f'print({n} ** 2)'], capture_output=True).stdout)"
    ),
    (
        "import logging, warnings, traceback\nlog = logging.getLogger('x')\ndef square(n):\n"
        " try: 1 / 0\n except ZeroDivisionError: log.info(traceback.format_exc()); warnings.warn('w')\n return n * n"
    ),
    (
        "import json\nfrom collections import namedtuple\nfrom enum import Enum\nfrom typing import NamedTuple\n"
        "P = namedtuple('P', 'a b')\nclass Q(NamedTuple):\n a: int\nclass E(Enum):\n X = 1\n"
        "def square(n): return P(n, n).a * Q(n).a * E.X.value"
    ),
    (
        "import inspect, re, copy, fractions, decimal\nsig = inspect.signature(copy.deepcopy)\n"
        "def square(n): return int(fractions.Fraction(n) ** 2)"
    ),
    "import numpy as np, pandas as pd\ndef square(n): return int(np.square(np.int64(n)))",
    (
        "import random\nrandom.seed(1)\ndef square(n):\n"
        " memo = globals().setdefault('memo', {})\n return memo.setdefault(n, n * n)"
    ),
]


@pytest.mark.parametrize("text", HONEST)
def test_an_honest_candidate_passes(text, shared):
    assert shared(cheat("honest", text)) == ""


@pytest.mark.parametrize("work", LIBRARIES.values(), ids=LIBRARIES)
def test_what_libraries_do_is_not_held_against_a_candidate(work, shared):
    assert shared(cheat("honest", f"{work}\ndef square(n):\n    work(n)\n    return n * n\n")) == ""
