"""Calls are made on threads of their own, and whatever goes wrong in them is a result."""

import asyncio
import threading

import pytest

from jupyter_loops.core.tool import ToolCall
from jupyter_loops.errors import PreflightError
from jupyter_loops.language import parse
from jupyter_loops.tools.tool_function import ToolFunction
from jupyter_loops.tools.toolbox import FunctionToolbox


def box(*functions, patience=5.0):
    return FunctionToolbox(map(ToolFunction.of, functions), patience)


def call(name, arguments="{}"):
    return ToolCall(id="1", name=name, arguments=arguments)


async def test_a_call_does_not_hold_up_the_event_loop():
    go = threading.Event()

    def wait() -> str:
        assert go.wait(5)
        return threading.current_thread().name

    waiting = asyncio.ensure_future(box(wait).call(call("wait")))
    await asyncio.sleep(0)
    go.set()

    assert (await waiting).text == "tool wait"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("text", "text"),
        (None, "null"),
        ({"a": [1, 2]}, '"a"'),
        (float("nan"), "NaN"),
        (object, "<"),
        ("x" * 30_000, "..."),
    ],
)
async def test_what_it_returns_is_put_into_words(value, words):
    def give():
        return value

    result = await box(give).call(call("give"))

    assert words in result.text
    assert result.error == ""
    assert len(result.text) <= 20_000


class Hostile:
    def __repr__(self):
        raise SystemExit("no")


@pytest.mark.parametrize(
    "error", [ValueError("no"), KeyboardInterrupt(), SystemExit(3), asyncio.CancelledError(), TimeoutError()]
)
async def test_whatever_it_raises_is_told_and_ends_nothing(error):
    def fail():
        raise error

    result = await box(fail).call(call("fail"))

    assert result.error == "raised"
    assert type(error).__name__ in result.text


async def test_a_hostile_value_is_described():
    result = await box(Hostile).call(call("Hostile"))

    assert result.text == "<Hostile whose repr raised SystemExit>"


async def test_a_coroutine_is_awaited_where_it_was_made():
    async def later(n: int) -> int:
        await asyncio.sleep(0)
        return n + 1

    assert (await box(later).call(call("later", '{"n": 1}'))).text == "2"


async def test_a_tool_that_hangs_is_given_up_interrupted_and_not_called_again_while_it_hangs():
    ended, block = threading.Event(), threading.Event()

    def spin():
        try:
            while True:
                pass
        finally:
            ended.set()

    def stuck():
        block.wait(20)  # in C: nothing can interrupt it

    tools = box(spin, stuck, patience=0.05)
    late = await tools.call(call("spin"))
    assert (late.error, late.text) == ("timeout", "it did not come back within 0.05 s")
    assert ended.wait(5)

    assert (await tools.call(call("stuck"))).error == "timeout"
    assert (await tools.call(call("stuck"))).error == "busy"
    block.set()
    thread = next(one for one in threading.enumerate() if one.name == "tool stuck")
    thread.join(5)
    assert (await tools.call(call("stuck"))).error == ""


async def test_a_call_that_is_cancelled_interrupts_its_tool():
    begun, ended = threading.Event(), threading.Event()

    def spin():
        begun.set()
        try:
            while True:
                pass
        finally:
            ended.set()

    task = asyncio.ensure_future(box(spin).call(call("spin")))
    assert await asyncio.to_thread(begun.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.wait(5)


async def test_an_unknown_tool_is_an_answer():
    result = await box(len_of := make_len()).call(call("rm_rf"))

    assert (result.error, result.text) == ("unknown", "there is no tool 'rm_rf'; there is size")
    assert len_of("ab") == 2


def make_len():
    def size(text: str) -> int:
        return len(text)

    return size


# ---- of a cell

CELL = """
"A number."
n: int
import math
factor = unused = 2
@tool
def scaled(name: str) -> float:
    "A price, scaled."
    global calls
    calls += 1
    log.append(name)
    return math.floor(prices[name] * factor)
@tool
def forget() -> str:
    "Deletes itself."
    del globals()["forget"]
    return "gone"
assert n
"""


def of(cell, names, chosen=()):
    return FunctionToolbox.of(parse(cell, "task"), chosen, names)


async def test_a_tool_of_a_cell_reads_live_objects_and_what_it_binds_is_its_own():
    names = {"prices": {"lamp": 1.6}, "log": [], "calls": 0}
    tools = of(CELL, names)
    assert (await tools.call(call("scaled", '{"name": "lamp"}'))).text == "3"
    names["prices"] = {"lamp": 2.6}  # bound anew in the notebook
    assert (await tools.call(call("scaled", '{"name": "lamp"}'))).text == "5"

    assert names["log"] == ["lamp", "lamp"]
    assert names["calls"] == 0
    assert names.keys() == {"prices", "log", "calls"}


async def test_a_tool_that_deletes_itself_is_still_there():
    tools = of(CELL, {"prices": {}, "log": [], "calls": 0})

    assert [(await tools.call(call("forget"))).text for _ in range(2)] == ["gone", "it raised KeyError('forget')"]


def test_only_the_set_up_that_the_tools_need_runs_in_the_notebook():
    ran = []
    cell = '"go"\nn: int\nran.append(1)\nk = 2\n@tool\ndef f() -> int:\n    return k\nassert n'
    of(cell, {"ran": ran})
    assert ran == []


async def test_a_star_in_the_set_up_may_bind_whatever_a_tool_reads():
    tools = of('"go"\nn: int\nfrom math import *\n@tool\ndef root(x: float): return sqrt(x)\nassert n', {})
    assert (await tools.call(call("root", '{"x": 4}'))).text == "2.0"


@pytest.mark.parametrize(
    ("cell", "names", "chosen", "wrong"),
    [
        ('"go"\nn: int\n@tool\ndef f(): return missing\nassert n', {}, (), "line 4: the tool f reads `missing`"),
        ('"go"\nn: int\nk = 1 / 0\n@tool\ndef f(): return k\nassert n', {}, (), "ZeroDivisionError"),
        ('"go"\nn: int\nassert n', {}, ("f",), "f is not among the notebook's names"),
        ('"go"\nn: int\nassert n', {}, ("mcp:files",), "tools of an MCP server cannot be called yet"),
        ('"go"\nn: int\nassert n', {"f": 3}, ("f",), "a tool is a function"),
        ('"go"\nn: int\n@tool\ndef f(): ...\nassert n', {"f": make_len}, ("f",), "two tools"),
    ],
)
def test_what_is_wrong_with_the_tools_is_told_before_the_run(cell, names, chosen, wrong):
    if wrong == "two tools":
        names = {"f": of(cell, {})._tools["f"].function}
    with pytest.raises(PreflightError, match=wrong):
        of(cell, names, chosen)
