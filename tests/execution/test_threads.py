"""Set-ups that a fork would break, with the real libraries: what forks all the same, what gets restarted children."""

from __future__ import annotations

import os

import pytest

from jupyter_loops.execution import worker

POLARS = (
    "def f(x):\n import polars as pl\n"
    " return pl.LazyFrame({'a': [0, 1] * 50_000}).group_by('a').len().sort('a').collect()['len'].to_list()[x]"
)
EXECUTOR = """
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(2)
assert list(pool.map(abs, [-1, 2])) == [1, 2]
"""
BLAS = """
import os
os.environ["OPENBLAS_NUM_THREADS"] = "2"
import numpy as np
square = np.ones((400, 400)) @ np.ones((400, 400))
"""
DEAF = "import os, time\nos.register_at_fork(after_in_child={})\n"
RESTARTED = {
    "a pool of threads": (EXECUTOR, "ThreadPoolExecutor-0_0"),
    "BLAS": (BLAS, "native threads of a library, as BLAS has"),
    "polars at work": (f"{POLARS}\nf(1)", "polars-0"),
    "a fork that dies": (DEAF.format("os.abort"), "a fork of it dies"),
    "a fork that hangs": (DEAF.format("lambda: time.sleep(1e6)"), "a fork of it dies"),
}
FORKED = {
    "a pool that is done": f"{EXECUTOR}pool.shutdown()",
    "polars imported": "import polars as pl",
    "BLAS as the sandbox bounds it": "import numpy as np\nsquare = np.ones((400, 400)) @ np.ones((400, 400))",
    "Arrow": "import pyarrow as pa, pyarrow.compute as pc\ntotal = pc.sum(pa.array(range(100_000)))",
}


@pytest.mark.parametrize("what", RESTARTED)
async def test_a_set_up_that_no_fork_survives_gets_restarted_children_and_says_why(
    what, open_sandbox, make_recipe, monkeypatch, still_running
):
    if what == "BLAS" and (os.cpu_count() or 1) < 2:
        pytest.skip("BLAS starts no threads on one core")
    monkeypatch.setattr(worker, "_BIRTH", 0.5)
    setup, reason = RESTARTED[what]
    async with open_sandbox("auto", make_recipe("assert f(1) == 50_000", setup=f"{setup}\nSEEN = []")) as box:
        scratch = box.sandbox._scratch.root
        outcomes = [await box.run(f"{POLARS}\nSEEN.append(1)\nassert len(SEEN) == 1") for _ in "ab"]

    assert [outcome.passed for outcome in outcomes] == [[True], [True]], outcomes
    assert len(box.readiness.notes) == 1
    assert "each candidate gets a restarted child" in box.readiness.notes[0]
    assert reason in box.readiness.notes[0]
    assert not still_running(scratch)


@pytest.mark.parametrize("what", FORKED)
async def test_a_set_up_that_leaves_no_thread_behind_is_forked(what, open_sandbox, make_recipe):
    async with open_sandbox("auto", make_recipe("assert f(1) == 50_000", setup=FORKED[what])) as box:
        outcomes = [await box.run(POLARS) for _ in "ab"]

    assert box.readiness.notes == ()
    assert [outcome.passed for outcome in outcomes] == [[True], [True]], outcomes


async def test_a_frame_of_polars_comes_from_the_notebook(open_sandbox, make_recipe):
    import polars as pl

    frame = pl.DataFrame({"a": range(5)})
    async with open_sandbox("auto", make_recipe("assert f(frame) == 10"), frame=frame) as box:
        outcome = await box.run("def f(x): return x['a'].sum()")

    assert outcome.passed == [True], outcome
