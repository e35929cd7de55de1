"""Nothing of one candidate is there for the next one, nor for the examiner: one writes all it can, another looks."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from leftovers import CHECK, LEAVE, LOOK, WORD

from jupyter_loops.core.candidate import Exit, Limits
from jupyter_loops.execution import tree


@pytest.fixture
def big():
    import numpy as np

    return np.zeros(1_000_000)


async def test_nothing_of_a_candidate_is_there_for_the_next(level, open_sandbox, make_recipe, big, noted):
    async with open_sandbox(level, make_recipe(CHECK), Limits(seconds=60.0), big=big) as box:
        before = await box.run(LOOK)
        left = await box.run(LEAVE)
        after = await box.run(LOOK)

    assert left.executed.exit is Exit.OK, left.executed.fault
    assert left.passed == [True], "the examiner has what the notebook sent"
    assert before.executed.stdout == "found []\n"
    assert after.executed.stdout == ("found []\n" if level != "process" else f"found {_outside()}\n")
    assert not noted()


SETTINGS = """
import os, matplotlib
for folder in ('.', '..', os.path.expanduser('~'), os.environ['MPLCONFIGDIR'], matplotlib.get_configdir()):
    try:
        with open(f'{folder}/matplotlibrc', 'w') as file: file.write('lines.linewidth: 77')
    except OSError: pass
def f(x): return x
"""


async def test_no_candidate_writes_the_settings_of_matplotlib(level, open_sandbox, make_recipe):
    pytest.importorskip("matplotlib")
    if level == "process":
        pytest.skip("protects from accidents, and not from malice")
    check = "import matplotlib\nassert f(1) == 1 and matplotlib.rcParams['lines.linewidth'] == 1.5"
    look = "import matplotlib\nprint(matplotlib.rcParams['lines.linewidth'])\ndef f(x): return x"
    async with open_sandbox(level, make_recipe(check), Limits(seconds=60.0)) as box:
        wrote, looked = await box.run(SETTINGS), await box.run(look)

    assert (wrote.passed, looked.passed) == ([True], [True]), wrote.verdicts
    assert looked.executed.stdout == "1.5\n"


@pytest.mark.usefixtures("noted")
async def test_what_a_hidden_check_hands_over_stays_with_its_candidate(
    level, open_sandbox, make_recipe, hidden_check, tmp_path
):
    """A judge's child and the next round come later: what they print reaches the prompt."""
    places = [str(tmp_path / "note"), *(f"{folder}/{WORD}.hidden" for folder in (".", "..", "/tmp", "/dev/shm"))]
    keeps = f"""
def f(x):
    for place in {places}:
        try: open(place, 'a').write(x)
        except OSError: pass
"""
    looks = f"""
for place in {places}:
    try: print(open(place).read())
    except OSError: pass
def f(x): pass
"""
    async with open_sandbox(level, make_recipe(hidden_check("assert f('swordfish') is None"))) as box:
        kept, looked = await box.run(keeps), await box.run(looks)

    assert (kept.passed, looked.passed) == ([True], [True])
    assert "swordfish" not in repr((kept.executed, kept.examined))
    assert ("swordfish" in looked.executed.stdout) == (level == "process"), "as SECURITY.md says"


def _outside() -> list[str]:
    """Where a candidate at the level process writes as the same user: that level protects from accidents."""
    return sorted(folder for folder in ("/dev/shm", "/tmp", "/var/tmp") if os.access(folder, os.W_OK))


@pytest.fixture
def noted():
    """Whether processes, shared memory, or keys with the note are on this machine; files outside are removed."""

    def look() -> list[str]:
        return [f"process {pid}" for pid in tree.started_with(f"NOTE={WORD}")]

    yield look
    for folder in ("/dev/shm", "/tmp", "/var/tmp"):
        subprocess.run(["rm", "-rf", *map(str, Path(folder).glob(f"{WORD}*"))], check=True)


@pytest.mark.parametrize(
    "work",
    [
        "os.pwrite(n, b'x' * 8, 8192)", "os.ftruncate(n, 0)", "mmap.mmap(n, 4096, mmap.MAP_SHARED)",
        "os.write(os.open(f'/proc/self/fd/{n}', os.O_RDWR), b'x')",
    ],
)  # fmt: skip
async def test_what_the_notebook_sent_is_changed_by_nobody(work, level, open_sandbox, make_recipe, big):
    text = f"""
import mmap, os
for n in range(3, 64):
    try:
        if 'memfd' in os.readlink(f'/proc/self/fd/{{n}}'): print('open')
        if n > 5 or n == 4: continue
        {work}
    except (OSError, ValueError): pass
def f(x): return x
"""
    async with open_sandbox(level, make_recipe(CHECK), big=big) as box:
        outcomes = [await box.run(text), await box.run("def f(x): return x")]

    assert [outcome.passed for outcome in outcomes] == [[True], [True]]
    assert outcomes[0].executed.stdout == ""


async def test_what_is_no_longer_kept_open_takes_nothing_else_along(level, open_sandbox, make_recipe):
    """Small names come without buffers, so that their mapping goes at once, and its number is another file's."""
    async with open_sandbox(level, make_recipe("assert f(1) == 7"), seven=7) as box:
        outcomes = [await box.run("def f(x): return seven") for _ in range(3)]

    assert [outcome.passed for outcome in outcomes] == [[True]] * 3, outcomes
