"""`--deliver sandboxed`: what is bound calls the verified function where it was examined."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import inspect
import multiprocessing
import os
import pickle
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from jupyter_loops.core.candidate import Candidate, CandidateKind, Delivery, Limits
from jupyter_loops.core.ports import World
from jupyter_loops.delivery import RecheckOutcome, deliver, recheck
from jupyter_loops.engine import background
from jupyter_loops.errors import CallError
from jupyter_loops.execution import tree
from jupyter_loops.execution.child.target_call import TargetCall, read
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.execution.sandbox_service import SandboxService
from jupyter_loops.language import parse


@contextmanager
def bound(cell: str, code: str, level: str = "process", limits: Limits | None = None, **names: object) -> Iterator[Any]:
    """The notebook after code was delivered for the one function of a cell."""
    recipe = parse(f"'What is wanted.'\n{cell}", "task")
    world = World(recipe=recipe, names=names, offered=names, limits=limits or Limits())
    candidate = Candidate(kind=CandidateKind.CODE, text=code)
    module = deliver(
        recipe, candidate, Delivery(), names, SandboxService(world, candidate, ZygoteSandbox(level))
    ).module
    try:
        yield names | {"recipe": recipe, "module": module}
    finally:
        names[recipe.targets[0].name].close()


def below() -> set[int]:
    return set(tree.descendants(os.getpid()))


F = "'What is wanted.'\ndef f(x): ...\nassert f"
POINT = "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\n    class Inner(ValueError): ...\n"


def test_a_call_runs_elsewhere_and_its_state_is_kept(level):
    code = "import os\nseen = []\ndef f(x):\n    seen.append(x)\n    return os.getpid(), len(seen), {x: [x]}"
    before = below()
    with bound(F, code, level) as names:
        assert below() == before, "it starts with the first call"
        (pid, first, made), (same, second, _) = names["f"](1), names["f"]("a")
        assert (first, second, made) == (1, 2, {1: [1]})
        assert pid == same
        assert pid != os.getpid()
        assert below() != before
        names["f"].close()
        assert below() == before
        assert names["f"](2)[1] == 1, "a later call starts it anew"
    assert below() == before


def test_it_looks_like_its_stub():
    cell = 'K = 3\n@print\ndef f(x: int, *, k: "Later" = K) -> list[int]:\n    """What is wanted."""\nassert f'
    with bound(cell.replace("@print\n", ""), "def f(x, *, k=4): return [x, k]") as names:
        assert str(inspect.signature(names["f"])) == "(x: 'int', *, k: \"'Later'\" = 3) -> 'list[int]'"
        assert inspect.getdoc(names["f"]) == "What is wanted."
        assert names["f"](1) == [1, 4], "a default is the function's own"
        assert names["f"](1, k=2) == [1, 2]


def test_objects_of_the_cells_classes_go_and_come():
    cell = f"{POINT}def f(p, kind=None): ...\nassert f(P(1)) == P(2)"
    code = "def f(p, kind=None):\n    return (kind or type(p))(p.x + 1) if p.x else P.Inner('none')"
    with bound(cell, code) as names:
        point = vars(names["module"])["P"]
        assert names["f"](point(1)) == point(2)
        assert names["f"](point(1), kind=point) == point(2)
        inner = names["f"](point(0))
        assert (type(inner), inner.args) == (point.Inner, ("none",))
        assert recheck(names["recipe"], names, names["module"]) == [RecheckOutcome("f(P(1)) == P(2)", True)]


@dataclasses.dataclass
class Local:
    x: int


def test_objects_of_the_notebooks_own_classes_and_functions_go():
    with bound(F, "def f(x): return x[0].x + x[1](2), x[0]") as names:
        given = Local(1)
        total, same = names["f"]([given, lambda n: n * 10])
        assert total == 21
        assert same is given, "an argument that comes back is itself"


@pytest.mark.parametrize("returns", ["", " -> None"])
def test_a_target_that_works_in_place_changes_what_it_was_handed(returns):
    cell = f"def f(xs, seen){returns}: ...\nassert f"
    with bound(cell, "def f(xs, seen):\n    xs.sort()\n    xs[0].append(xs)\n    seen |= {1: xs}") as names:
        inner, seen = [1], {}
        xs = [[2], inner]
        assert names["f"](xs, seen) is None
        assert (xs[0], xs[1], seen[1]) == (inner, [2], xs)
        assert xs[0] is inner
        assert inner[1] is xs
        assert seen[1] is xs


def test_a_target_that_raises_has_changed_what_it_was_handed():
    with bound("def f(xs) -> None: ...\nassert f", "def f(xs):\n    xs.append(1)\n    raise ValueError('no')") as names:
        mine: list[int] = []
        with pytest.raises(ValueError, match="no"):
            names["f"](mine)
        assert mine == [1]


def test_a_target_that_returns_something_does_not():
    with bound("def f(xs) -> list: ...\nassert f", "def f(xs):\n    xs.append(1)\n    return xs") as names:
        mine: list[int] = []
        assert names["f"](mine) == [1]
        assert mine == []


def test_an_array_that_is_filled_comes_back_once():
    np = pytest.importorskip("numpy")
    frame = pickle.dumps(np.ones((2, 3)), protocol=5)
    array, objects = read(frame, lambda _: None)
    call = TargetCall(0, frame, objects, lambda _: None)
    array[:] = 2

    assert [call.at(place) is array for place in call.changed()] == [True]


def test_data_beside_a_function_is_delivered_as_ever():
    recipe, namespace = parse("'Both.'\ndef f(n): ...\nxs: list[int]\nassert f(1) == xs", "task"), dict[str, Any]()
    candidate = Candidate(kind=CandidateKind.CODE, text="xs = [1]\ndef f(n): return xs * n")
    service = SandboxService(World(recipe=recipe), candidate, ZygoteSandbox("process"))
    deliver(recipe, candidate, Delivery(values={"xs": [1]}), namespace, service)

    assert namespace["xs"] == [1]
    assert namespace["f"](2) == [1, 1]
    namespace["f"].close()


def test_a_generator_is_moved_on():
    mine, twin = random.Random(1), random.Random(1)
    with bound("def f(rng) -> float: ...\nassert f", "def f(rng): return rng.random()") as names:
        assert [names["f"](mine), names["f"](mine), mine.random()] == [twin.random() for _ in range(3)]


def test_it_raises_what_a_check_would_see():
    code = "class Bad(KeyError): ...\ndef f(x):\n    if x == 3:\n        raise Bad('three')\n    return 1 // x"
    with bound(F, code) as names:
        with pytest.raises(ZeroDivisionError) as caught:
            names["f"](0)
        assert caught.value.__notes__ == ["  in the sandbox, line 5, in f: return 1 // x"]
        with pytest.raises(KeyError, match="three"):
            names["f"](3)
        assert names["f"](1) == 1


def test_one_of_them_is_handed_to_another():
    cell = "def fact(n: int) -> int: ...\ndef app(f, x): ...\nassert app(fact, 5) == 120"
    code = "def fact(n): return 1 if n < 2 else n * fact(n - 1)\n"
    code += "def app(f, x): return f[0](x) if type(f) is list else f(x)"
    with bound(cell, code) as names:
        assert names["app"](names["fact"], 5) == 120
        assert names["app"]([names["fact"]], 5) == 120
        assert recheck(names["recipe"], names, names["module"])[0].passed


def test_a_functions_cache_is_asked_and_cleared():
    cell = "import functools\n@functools.cache\ndef f(n: int) -> int: ...\nassert f.cache_info().currsize == 0"
    code = "import functools\n@functools.cache\ndef f(n): return n if n < 2 else f(n - 1) + f(n - 2)"
    with bound(cell, code) as names:
        assert names["f"](10) == 55
        assert names["f"].cache_info().currsize == 11
        names["f"].cache_clear()
        assert names["f"].cache_info().currsize == 0
    with bound(F, "def f(x): return 1") as names:
        assert not hasattr(names["f"], "cache_info")


NO_COPY = "f runs in the sandbox, and its arguments cannot be copied there: TypeError: "


@pytest.mark.parametrize(
    ("code", "argument", "told"),
    [
        ("class L: ...\ndef f(x): return L()", 1, "f: the result cannot be brought back: an object of the class L"),
        ("def f(x): yield 1", 1, "f: the result cannot be brought back: an object of the class generator"),
        ("def f(x): return 1", (n for n in "generated"), f"{NO_COPY}a generator would be used up there, and not here"),
        ("def f(x): return 1", iter([1]), f"{NO_COPY}a list_iterator would be used up there, and not here: hand over"),
        ("def f(x): return 1", [iter("ab")], f"{NO_COPY}a str_ascii_iterator would be used up"),
    ],
    ids=["an object", "a generator", "a generator handed in", "an iterator handed in", "an iterator in a list"],
)
def test_what_cannot_cross_is_one_clear_error(code, argument, told):
    with bound(F, code) as names, pytest.raises(CallError, match=told):
        names["f"](argument)


@pytest.mark.parametrize(
    ("does", "told"),
    [
        ("import os; os._exit(3)", "the process ended itself with exit status 3; the next call starts it anew"),
        ("import time; time.sleep(60)", r"stopped after 1 s \(wall-clock limit\); the next call"),
        ("return bytes(200_000_000)", "too much"),
    ],
    ids=["crash", "timeout", "flood"],
)
def test_after_a_crash_or_a_timeout_the_next_call_starts_anew(does, told, level):
    with bound(F, f"def f(x):\n    if x: {does}\n    return 5", level, Limits(seconds=1.0)) as names:
        with pytest.raises(CallError, match=told):
            names["f"](1)
        assert names["f"](0) == 5


def test_limits_are_those_of_one_call():
    code = "import time\ndef f(x):\n    until = time.process_time() + 0.25\n"
    code += "    while time.process_time() < until: pass\n    time.sleep(0.5)\n    return x"
    with bound(F, code, limits=Limits(seconds=2.9, cpu_seconds=0.9)) as names:
        assert [names["f"](n) for n in range(4)] == [0, 1, 2, 3]


def test_what_it_prints_is_printed(capsys):
    with bound(F, "import sys\ndef f(x):\n    print('out', x)\n    print('err', file=sys.stderr)") as names:
        names["f"](1)
    assert capsys.readouterr() == ("out 1\n", "err\n")


def test_from_threads_and_while_the_engine_is_at_work():
    with bound(F, "def f(x): return x * x") as names:
        came: list[int] = []
        threads = [threading.Thread(target=lambda n=n: came.append(names["f"](n))) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(came) == [n * n for n in range(8)]

        async def on_the_engines_thread() -> None:
            names["f"](1)

        with pytest.raises(CallError, match="would hold up every run"):
            background.submit(on_the_engines_thread()).result()


def test_an_asynchronous_function_is_awaited():
    cell = "async def f(x): ...\nassert await f(1) == 2"
    with bound(cell, "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x + 1") as names:

        async def both() -> list[int]:
            return await asyncio.gather(names["f"](1), names["f"](2))

        assert inspect.iscoroutinefunction(names["f"])
        assert asyncio.run(both()) == [2, 3]
        assert [one.passed for one in recheck(names["recipe"], names, names["module"])] == [True]


def test_an_interrupted_call_is_ended():
    before = below()
    with bound(F, "import time\ndef f(x):\n    time.sleep(x)\n    return 5") as names:
        interrupt = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        interrupt.start()
        with pytest.raises(KeyboardInterrupt):
            names["f"](60)
        assert names["f"](0) == 5, "and the next one need not wait for it"
    assert below() == before


def test_only_the_kernel_that_has_it_can_call_it():
    with bound(F, "def f(x): return 5") as names:
        assert names["f"](0) == 5
        with multiprocessing.get_context("fork").Pool(1) as pool:
            told = pool.apply(_told, (names["f"],))
        assert told == "f runs in the sandbox, and only its own kernel can call it: use threads"
        import cloudpickle

        with pytest.raises((TypeError, pickle.PicklingError), match="only its own kernel can call it"):
            cloudpickle.dumps(names["f"])


def _told(function: Any) -> str:
    try:
        return str(function(1))
    except CallError as error:
        return str(error)


def test_its_processes_end_with_the_last_name_for_it():
    before, namespace = below(), dict[str, Any]()
    recipe, candidate = parse(F, "task"), Candidate(kind=CandidateKind.CODE, text="def f(x): return 5")
    for _ in range(2):  # the second takes the place of the first, which nobody has closed
        service = SandboxService(World(recipe=recipe), candidate, ZygoteSandbox("process"))
        deliver(recipe, candidate, Delivery(), namespace, service)
        assert namespace["f"](0) == 5
        gc.collect()
    namespace["f"].close()
    until = time.monotonic() + 30
    while below() != before and time.monotonic() < until:
        time.sleep(0.01)
    assert below() == before
