"""An answer is read at once where that is quick, and else where it holds nobody up; what comes of it is the same."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from contextlib import suppress

import pytest

from jupyter_loops.core.recipe import Target, TargetKind
from jupyter_loops.errors import ErrorClass, ReplyError
from jupyter_loops.planning import answer_reading
from jupyter_loops.planning.answer.patience import Impatient, afford, patience
from jupyter_loops.planning.answer_reading import ReadingOrder, read

F = Target(name="f", kind=TargetKind.FUNCTION, source="def f(x): ...")
MUG = Target(name="mug", kind=TargetKind.DATA, source="mug: dict", annotation="dict")
SLOGAN = Target(name="slogan", kind=TargetKind.TEXT, source="slogan: str")
CODE = ReadingOrder(form="code", targets=(F,), setup="def helper(): return 1")
DATA = ReadingOrder(form="data", targets=(MUG,), schema={"properties": {"mug": {"type": "object"}}})
TEXT = ReadingOrder(form="text", targets=(SLOGAN,))
ANSWERS = [
    (CODE, "Sure.\n```python\ndef helper(): return 1\n\ndef f(x):\n    return '\u2028\t<think>'\n```"),
    (CODE, "```python\ndef f(x:\n```"),
    (DATA, "Here: {'mug': {'a': 1,},}"),
    (TEXT, "<think>Short.</think>\nStay \ud83d warm"),
]
REFUSED = [
    (CODE, ""),
    (CODE, "<think>" * 300_000),
    (CODE, "I am sorry, but I cannot do that."),
    (CODE, "d\0e\0f\0 \0f\0"),
    (CODE, '```python\nTABLE = """' + "x" * 200_000 + '"""\ndef f(x): return x\n```'),
    (DATA, "none"),
    (DATA, "[" * 300_000),
]


@pytest.fixture
def no_patience(monkeypatch):
    monkeypatch.setattr(answer_reading, "_QUICK", -1.0)


@pytest.mark.parametrize(("order", "answer"), ANSWERS)
async def test_it_is_the_same_wherever_it_is_read(order, answer, no_patience):
    assert await read(order, answer) == order.read(answer)


@pytest.mark.parametrize(("order", "answer"), REFUSED)
async def test_what_is_refused_is_refused_in_the_same_words(order, answer, no_patience):
    with pytest.raises(ReplyError) as here:
        order.read(answer)
    with pytest.raises(ReplyError) as there:
        await read(order, answer)

    assert (there.value.message, there.value.kind) == (here.value.message, here.value.kind)
    assert "\n" not in there.value.message


@pytest.mark.parametrize(
    ("order", "answer"),
    [
        (CODE, "```python\n" + "def g(): return 1\n" * 60_000 + "def f(x): return x\n```"),
        (CODE, "```python\n" + ">>> x = 1\n" * 20_000),
        (CODE, "x = 1\n" * 16_000 + "```"),
        (DATA, '{"mug": ' + "{'a': 1,}, " * 15_000),
    ],
)  # fmt: skip
async def test_what_takes_long_is_read_by_another_process(order, answer, monkeypatch):
    started = []
    monkeypatch.setattr(subprocess, "Popen", _counting(started))
    with suppress(ReplyError):
        await read(order, answer)

    assert len(started) == 1


async def test_an_ordinary_answer_needs_no_other_process(monkeypatch):
    started = []
    monkeypatch.setattr(subprocess, "Popen", _counting(started))
    monkeypatch.setattr(answer_reading, "_QUICK", 60.0)  # this machine may be busy
    prose = "It returns what it is given, as the checks want it.\n" * 1900

    assert await read(CODE, f"{prose}```python\ndef f(x): return x\n```") == "def f(x): return x\n"
    assert not started


def _counting(started):
    class Counting(subprocess.Popen):
        def __init__(self, *args, **more):
            started.append(args)
            super().__init__(*args, **more)

    return Counting


async def test_a_reader_that_does_not_end_is_killed_and_told_of(monkeypatch, no_patience):
    monkeypatch.setattr(answer_reading, "_MAIN", "import time; time.sleep(600)  # {path}")
    monkeypatch.setattr(answer_reading, "_LONG", 0.2)

    with pytest.raises(ReplyError, match=r"could not be read within 0\.2 s") as error:
        await read(CODE, "def f(x): return x")
    assert error.value.kind is ErrorClass.MALFORMED


async def test_a_reader_that_crashes_is_told_of(monkeypatch, no_patience):
    monkeypatch.setattr(answer_reading, "_MAIN", "import os; os.abort()  # {path}")

    with pytest.raises(ReplyError, match="ended in a crash"):
        await read(CODE, "def f(x): return x")


async def test_a_run_that_is_stopped_takes_its_reader_along(monkeypatch, no_patience):
    started = []
    monkeypatch.setattr(subprocess, "Popen", _keeping(started))
    monkeypatch.setattr(answer_reading, "_MAIN", "import time; time.sleep(600)  # {path}")
    task = asyncio.ensure_future(read(CODE, "def f(x): return x"))
    await asyncio.sleep(0)  # it begins
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await asyncio.to_thread(started[0].wait, 30) < 0


def _keeping(started):
    class Keeping(subprocess.Popen):
        def __init__(self, *args, **more):
            super().__init__(*args, **more)
            started.append(self)

    return Keeping


async def test_an_answer_of_10_mb_and_code_that_nobody_would_read_are_told_in_numbers():
    with pytest.raises(ReplyError, match="10,000,000 characters, and at most 4,000,000 are read: answer with less"):
        await read(CODE, "x" * 10_000_000)
    with pytest.raises(ReplyError, match="at most 200,000 are run: write less"):
        await read(CODE, f"```python\ndef f(x):\n    return '{'x' * 200_000}'\n```")


def test_patience_ends_inside_and_not_after():
    with patience(60.0):
        afford(1.0)
        with pytest.raises(Impatient):
            afford(100.0)
    afford(1e9)


def test_the_reader_needs_little():
    program = (
        "import sys; sys.path.insert(0, '.'); import jupyter_loops.planning.answer_reading\n"
        "print({*sys.modules} & {*sys.argv})"
    )
    heavy = ("pydantic", "litellm", "duckdb", "pandas", "numpy", "IPython")
    said = subprocess.run([sys.executable, "-I", "-c", program, *heavy], capture_output=True, text=True, check=True)

    assert said.stdout == "set()\n"
