"""The exam in two processes: what a check may do with a target, and what a candidate cannot do to a check."""

from __future__ import annotations

import pytest

from jupyter_loops.core.candidate import Exit
from jupyter_loops.core.delivered_module import module_name
from jupyter_loops.core.ports import World
from jupyter_loops.core.recipe import Target, TargetKind
from jupyter_loops.execution.sandbox import ZygoteSandbox


def passes(outcome, checks) -> None:
    assert outcome.executed.exit is Exit.OK, outcome.executed.fault
    assert [verdict.message for verdict in outcome.verdicts if not verdict.passed] == []
    assert len(outcome.verdicts) == len(checks)


def function(stub: str) -> Target:
    name = stub.partition("def ")[2].partition("(")[0]
    return Target(name=name, kind=TargetKind.FUNCTION, source=f"{stub} ...")


STREAM = "async def f(n):\n    for i in range(n):\n        yield i"
STREAMED = [
    "assert [x async for x in f(3)] == [0, 1, 2]",
    "g = f(5)\nassert await anext(g) == 0\nawait g.aclose()\nassert [x async for x in g] == []",
]
HONEST = {  # name → stub, answer, checks
    "asynchronous generators": ("async def f(n) -> 'AsyncIterator[int]':", STREAM, STREAMED),
    "asynchronous generators of a plain stub": ("def f(n):", STREAM, STREAMED),
    "asynchronous generators of a bare stub": ("async def f(n):", STREAM, STREAMED),
    "asynchronous generators behind a decorator": (
        "async def f(n):",
        f"import functools\ndef d(g):\n    @functools.wraps(g)\n    def w(*a): return g(*a)\n    return w\n@d\n{STREAM}",
        STREAMED,
    ),
    "plain values": (
        "def f(x):",
        "def f(x): return [x, (x, {x}), {'a': b'b', 'c': bytearray(b'd')}, None, 1.5, 2j, range(x), slice(1)]",
        [
            "assert f(3)[:5] == [3, (3, {3}), {'a': b'b', 'c': bytearray(b'd')}, None, 1.5]",
            "assert f(3)[5:] == [2j, range(3), slice(1)]",
        ],
    ),
    "keyword-only and default arguments": (
        "def f(a, /, b=2, *args, c=3, **more):",
        "def f(a, /, b=2, *args, c=3, **more): return a, b, args, c, more",
        ["assert f(1) == (1, 2, (), 3, {})", "assert f(1, 5, 6, c=7, d=8) == (1, 5, (6,), 7, {'d': 8})"],
    ),
    "recursion": (
        "def f(n):",
        "def f(n): return 1 if n < 2 else n * f(n - 1)",
        ["assert f(20) == 2432902008176640000"],
    ),
    "exceptions that a check expects": (
        "def f(x):",
        "class Bad(ValueError): pass\ndef f(x):\n    if x < 0: raise Bad('negative')\n    return {}[x]",
        [
            "try:\n    f(-1)\nexcept ValueError as error:\n    assert str(error) == 'negative'\nelse:\n    assert False",
            "try:\n    f(1)\nexcept KeyError as error:\n    assert error.args == (1,)\nelse:\n    assert False",
        ],
    ),
    "exceptions of the set-up": (
        "def f(x):",
        "def f(x): raise Missing('it', code=x)",
        ["try:\n    f(7)\nexcept Missing as error:\n    assert (error.code, error.args) == (7, ('it',))"],
    ),
    "generators": (
        "def f(n):",
        "def f(n):\n    for i in range(n):\n        yield i * i\n    return 'done'",
        ["assert list(f(4)) == [0, 1, 4, 9]", "g = f(10)\nassert (next(g), next(g), next(g)) == (0, 1, 4)"],
    ),
    "iterators are consumed where they are": (
        "def f(items, n):",
        "def f(items, n): return [next(items) for _ in range(n)]",
        [
            "it = iter('abcdef')\nassert f(it, 2) == ['a', 'b']\nassert next(it) == 'c'",
            "assert f((i for i in [1, 2, 3]), 3) == [1, 2, 3]",
        ],
    ),
    "context managers": (
        "def f(log):",
        "import contextlib\n@contextlib.contextmanager\ndef f(log):\n    log('in')\n    try: yield 5\n    finally: log('out')",
        [
            "seen = []\nwith f(seen.append) as five:\n    assert five == 5 and seen == ['in']\nassert seen == ['in', 'out']"
        ],
    ),
    "decorators that take callbacks": (
        "def f(function):",
        (
            "import functools\ndef f(function):\n    memo = {}\n    @functools.wraps(function)\n    def inner(x):\n"
            "        if x not in memo: memo[x] = function(x)\n        return memo[x]\n    return inner"
        ),
        [
            "calls = []\ndef slow(x):\n    calls.append(x)\n    return x * 2\nquick = f(slow)\n"
            "assert (quick(2), quick(2), quick(3)) == (4, 4, 6)\nassert calls == [2, 3]",
        ],
    ),
    "a decorator of the cell's own function with state": (
        "def f(times):",
        (
            "def f(times):\n    def decorate(function):\n        def inner(*args):\n            for n in range(times):\n"
            "                try: return function(*args)\n                except ValueError:\n"
            "                    if n == times - 1: raise\n        return inner\n    return decorate"
        ),
        ["assert f(3)(flaky)() == 'ok'", "assert len(attempts) == 3"],
    ),
    "key functions and comparisons of the cell": (
        "def f(items, key):",
        "def f(items, key): return sorted(items, key=key)",
        ["assert f(['bb', 'a'], len) == ['a', 'bb']", "assert f([3, 1, 2], lambda n: -n) == [3, 2, 1]"],
    ),
    "what works in place": (
        "def f(xs) -> None:",
        "def f(xs):\n    xs.sort()\n    xs.append([0])",
        ["xs = [3, 1, 2]\nsame = xs\nf(xs)\nassert xs == [1, 2, 3, [0]] and same is xs"],
    ),
    "what was done in place before it raised": (
        "def f(xs, rng=None) -> None:",
        "def f(xs, rng=None):\n    xs.append(rng.random() if rng else 1)\n    raise ValueError",
        [
            "xs = [0]\ntry: f(xs)\nexcept ValueError: pass\nassert xs == [0, 1]",
            "import random\na, b = random.Random(1), random.Random(1)\ntry: f([], a)\nexcept ValueError: pass\n"
            "b.random()\nassert a.random() == b.random()",
        ],
    ),
    "in place, deep inside and with aliases": (
        "def f(d) -> None:",
        "def f(d):\n    d['a'].append(1)\n    d['p'].x = 9\n    d['new'] = d['a']",
        [
            "a = []\nd = {'a': a, 'b': a, 'p': Point(1, 2)}\np = d['p']\nf(d)\nassert a == [1] and d['b'] is a and d['new'] is a\nassert p.x == 9"
        ],
    ),
    "identity of what is given back": (
        "def f(people):",
        "def f(people): return max(people, key=lambda p: p.age)",
        ["people = [Person(3), Person(7), Person(5)]\nassert f(people) is people[1]\nassert f(people) == people[1]"],
    ),
    "identity from a generator": (
        "def f(people):",
        "def f(people):\n    for p in people:\n        if p.age > 4: yield p",
        ["people = [Person(3), Person(7), Person(5)]\nassert list(f(people)) == people[1:]"],
    ),
    "a copy is no alias": (
        "def f(xs):",
        "def f(xs): return list(xs)",
        ["xs = [1]\nassert f(xs) == xs and f(xs) is not xs"],
    ),
    "the very list": ("def f(xs):", "def f(xs): return xs", ["xs = [1]\nassert f(xs) is xs"]),
    "what it changed, given back": (
        "def f(xs):",
        "def f(xs):\n    xs.append(1)\n    return xs",
        ["assert f([0]) == [0, 1]"],
    ),
    "instances of the set-up": (
        "def f(p):",
        "def f(p): return Point(p.x + 1, p.y), Colour.RED, [Person(1)]",
        ["assert f(Point(1, 2))[:2] == (Point(2, 2), Colour.RED)", "assert type(f(Point(1, 2))[2][0]) is Person"],
    ),
    "objects of its own class": (
        "def f(x):",
        "class Own:\n    def __init__(self, x): self.x = x\n    def double(self): return Own(self.x * 2)\n    def __iter__(self): return iter([self.x])\ndef f(x): return Own(x)",
        [
            "assert f(2).x == 2 and f(2).double().double().x == 8",
            "assert list(f(5)) == [5]",
            "o = f(1)\no.x = 4\nassert o.double().x == 8",
        ],
    ),
    "named tuples of its own": (
        "def f():",
        "from collections import namedtuple\nPair = namedtuple('Pair', 'left right')\ndef f(): return Pair(1, 2)",
        ["assert f() == (1, 2)", "assert f().right == 2"],
    ),
    "subclasses of builtins of its own": (
        "def f():",
        "class Mine(dict): pass\nclass N(int): pass\ndef f(): return Mine(a=N(3))",
        ["assert f() == {'a': 3}", "assert type(f()) is dict"],
    ),
    "closures": ("def f(n):", "def f(n): return lambda x: x + n", ["assert f(2)(3) == 5", "assert callable(f(1))"]),
    "functions of the library as arguments and results": (
        "def f(g):",
        "def f(g): return g([3, 1])",
        ["assert f(sorted) == [1, 3]", "import operator\nassert f(operator.itemgetter(0)) == 3"],
    ),
    "standard types": (
        "def f():",
        (
            "import datetime, decimal, fractions, uuid, collections, pathlib\n"
            "def f(): return (datetime.date(2020, 1, 2), decimal.Decimal('1.50'), fractions.Fraction(1, 3), uuid.UUID(int=5),"
            " collections.Counter('aab'), collections.deque([1], 3), collections.OrderedDict(a=1),"
            " collections.defaultdict(list, b=[2]))"
        ),
        [
            "import datetime, decimal, fractions, uuid, collections\nassert f()[:4] == (datetime.date(2020, 1, 2),"
            " decimal.Decimal('1.50'), fractions.Fraction(1, 3), uuid.UUID(int=5))",
            "assert f()[4] == {'a': 2, 'b': 1} and f()[5].maxlen == 3 and f()[7]['x'] == []",
        ],
    ),
    "threads of a check": (
        "def f(x):",
        "def f(x): return x * x",
        [
            "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool:\n    assert list(pool.map(f, range(9))) == [n * n for n in range(9)]"
        ],
    ),
    "threads of a candidate call back": (
        "def f(g, xs):",
        "from concurrent.futures import ThreadPoolExecutor\ndef f(g, xs):\n    with ThreadPoolExecutor(3) as pool: return list(pool.map(g, xs))",
        [
            "seen = []\ndef g(x):\n    seen.append(x)\n    return -x\nassert f(g, [1, 2, 3]) == [-1, -2, -3]\nassert sorted(seen) == [1, 2, 3]"
        ],
    ),
    "a call back that raises": (
        "def f(g):",
        "def f(g):\n    try: return g()\n    except ZeroDivisionError as error: return 'caught'",
        ["assert f(lambda: 1 / 0) == 'caught'"],
    ),
    "text that a check writes to": (
        "def f(out) -> None:",
        "def f(out): out.write('hello')",
        ["import io\nout = io.StringIO()\nf(out)\nassert out.getvalue() == 'hello'"],
    ),
    "the signature that the stub has": (
        "def f(a: int, *, b: str = 'x') -> str:",
        "def f(a, *, b='x'): return b * a",
        [
            "import inspect\nassert list(inspect.signature(f).parameters) == ['a', 'b']",
            "assert f.__name__ == 'f' and f(2) == 'xx'",
        ],
    ),
    "speed": ("def f(n):", "import time\ndef f(n): time.sleep(n)", ["assert 0.01 < seconds(f, 0.02) < 0.2"]),
    "what the set-up imported": ("def f(x):", "def f(x): return math.floor(x)", ["assert f(1.5) == math.floor(1.5)"]),
    "partial functions and methods as call backs": (
        "def f(g):",
        "def f(g): return g(1)",
        [
            "from functools import partial\nassert f(partial(max, 5)) == 5",
            "assert f([9].index if False else 'ab'.zfill) == 'ab'",
        ],
    ),
}
SETUP = """
import math
from dataclasses import dataclass
from enum import Enum
class Missing(Exception):
    def __init__(self, what, code=0):
        super().__init__(what)
        self.code = code
@dataclass
class Point:
    x: int
    y: int
class Person:
    def __init__(self, age): self.age = age
class Colour(Enum):
    RED = 1
attempts = []
def flaky():
    attempts.append(1)
    if len(attempts) < 3: raise ValueError('not yet')
    return 'ok'
"""


@pytest.mark.parametrize("name", HONEST)
async def test_an_honest_answer_passes(name, level, open_sandbox, make_recipe):
    stub, answer, checks = HONEST[name]
    recipe = make_recipe(*checks, setup=SETUP, targets=(function(stub),))
    async with open_sandbox(level, recipe) as box:
        passes(await box.run(answer), checks)


ASYNC = {
    "await": (
        "async def f(x):",
        "import asyncio\nasync def f(x):\n    await asyncio.sleep(0.01)\n    return x",
        ["assert await f(1) == 1"],
    ),
    "gather runs them side by side": (
        "async def f(x):",
        "import asyncio\nasync def f(x):\n    await asyncio.sleep(0.3)\n    return x",
        [
            "import asyncio, time\nbegan = time.perf_counter()\nassert await asyncio.gather(*map(f, range(10))) == list(range(10))\nassert time.perf_counter() - began < 2"
        ],
    ),
    "a check that runs its own loop": (
        "async def f(x):",
        "async def f(x): return x + 1",
        [
            "import asyncio\nassert asyncio.run(f(1)) == 2",
            "import asyncio\nasync def main(): return await f(await f(0))\nassert asyncio.run(main()) == 2",
        ],
    ),
    "a time-out cancels": (
        "async def f(x):",
        "import asyncio\ncancelled = []\nasync def f(x):\n    if x == 0: return len(cancelled)\n    try: await asyncio.sleep(x)\n    except asyncio.CancelledError:\n        cancelled.append(x)\n        raise",
        [
            "import asyncio\ntry:\n    await asyncio.wait_for(f(9), 0.05)\nexcept TimeoutError:\n    pass\nelse:\n    assert False\nassert await f(0) == 1"
        ],
    ),
    "coroutines of the check as call backs": (
        "async def f(g):",
        "async def f(g): return [await g(1), await g(2)]",
        [
            "import asyncio\nseen = []\nasync def g(x):\n    await asyncio.sleep(0.01)\n    seen.append(x)\n    return -x\nassert await f(g) == [-1, -2] and seen == [1, 2]"
        ],
    ),
    "an asynchronous wrapper": (
        "def f(g):",
        "def f(g):\n    async def inner(*args): return [await g(*args)]\n    return inner",
        ["async def g(x): return x\nassert await f(g)(4) == [4]"],
    ),
    "asynchronous generators": (
        "def f(n):",
        "async def _f(n):\n    for i in range(n): yield i\ndef f(n): return _f(n)",
        ["assert [i async for i in f(3)] == [0, 1, 2]"],
    ),
    "exceptions": (
        "async def f(x):",
        "async def f(x): return 1 / x",
        ["try:\n    await f(0)\nexcept ZeroDivisionError:\n    pass\nelse:\n    assert False"],
    ),
    "what was done in place before it raised": (
        "async def f(xs) -> None:",
        "async def f(xs):\n    xs.append(1)\n    raise ValueError",
        ["xs = [0]\ntry: await f(xs)\nexcept ValueError: pass\nassert xs == [0, 1]"],
    ),
}


ASYNC |= {
    "what a callback returns is awaited": (
        "async def f(fetch, xs):",
        "import asyncio\nasync def f(fetch, xs): return list(await asyncio.gather(*map(fetch, xs)))",
        ["async def inner(x): return x * 2\nassert await f(lambda x: inner(x), [1, 2]) == [2, 4]"],
    ),
    "a coroutine and a task that are handed over": (
        "async def f(a, b):",
        "async def f(a, b): return await a + await b + await b",
        ["import asyncio\nasync def g(x): return x\nassert await f(g(1), asyncio.ensure_future(g(2))) == 5"],
    ),
    "a mock that is awaited": (
        "async def f(fetch):",
        "async def f(fetch): return await fetch(1)",
        [
            "from unittest.mock import AsyncMock\nm = AsyncMock(return_value=5)\nassert await f(m) == 5",
            "m.assert_awaited_once_with(1)",
        ],
    ),
}


@pytest.mark.parametrize("name", ASYNC)
async def test_an_asynchronous_answer_passes(name, open_sandbox, make_recipe):
    stub, answer, checks = ASYNC[name]
    async with open_sandbox("process", make_recipe(*checks, targets=(function(stub),))) as box:
        passes(await box.run(answer), checks)


CHEATS = {  # what a candidate does instead of squaring
    "a shadowed builtin": "all = lambda _: True\ndef f(x): return 0",
    "builtins changed": "import builtins\nbuiltins.all = lambda _: True\nbuiltins.sorted = lambda xs: []\ndef f(x): return 0",
    "a liar": "class L:\n    def __eq__(self, o): return True\n    def __bool__(self): return True\n    __ge__ = __le__ = __eq__\ndef f(x): return L()",
    "a lying int": "class L(int):\n    def __eq__(self, o): return True\ndef f(x): return L(0)",
    "ANY": "from unittest.mock import ANY\ndef f(x): return ANY",
    "a liar by its class": "class L:\n    __class__ = int\n    def __eq__(self, o): return True\ndef f(x): return L()",
    "frames": "import sys\ndef f(x):\n    frame = sys._getframe()\n    while frame:\n        frame.f_globals['all'] = lambda _: True\n        frame = frame.f_back\n    return 0",
    "a patched library": "import math, operator\nmath.isclose = lambda *a: True\noperator.eq = lambda *a: True\ndef f(x): return 0",
    "its own exit": "import os\ndef f(x): os._exit(0)",
    "sys.exit": "def f(x): raise SystemExit(0)",
    "raises what stops an assert": "def f(x): raise AssertionError",
    "a trace function": "import sys\nsys.settrace(lambda *a: None)\ndef f(x): return 0",
}


@pytest.mark.parametrize("name", CHEATS)
async def test_a_cheat_does_not_pass(name, level, open_sandbox, make_recipe):
    recipe = make_recipe(
        "assert f(3) == 9", "assert all(f(n) == n * n for n in range(9))", "assert sorted(map(f, [2])) == [4]"
    )
    async with open_sandbox(level, recipe) as box:
        outcome = await box.run(CHEATS[name])

    assert not any(verdict.passed for verdict in outcome.verdicts)


async def test_data_of_the_exam_is_out_of_reach(open_sandbox, make_recipe):
    recipe = make_recipe(
        "xs = [3, 1, 2]\nassert f(xs) == sorted(xs)",
        targets=(Target(name="f", kind=TargetKind.FUNCTION, source="def f(xs): ..."),),
    )
    async with open_sandbox("process", recipe) as box:
        outcome = await box.run("def f(xs):\n    xs.clear()\n    return []")

    assert outcome.passed == [False]
    assert any("in place" in note for note in outcome.examined.notes)


async def test_names_of_hidden_checks_are_not_in_the_candidates_process(open_sandbox, make_recipe, hidden_check):
    spy = "def f(x): return 'secret_labels' in globals() or 'swordfish' in repr({k: v for k, v in globals().items()})"
    recipe = make_recipe(
        "assert f(0) in (True, False)", hidden_check("assert secret_labels == ['swordfish'] and not f(1)")
    )
    async with open_sandbox("process", recipe, secret_labels=["swordfish"]) as box:
        outcome = await box.run(spy)

    assert outcome.passed == [True, True]


async def test_nothing_of_a_hidden_check_is_observed(open_sandbox, make_recipe, hidden_check):
    tells = "import sys\ndef f(x):\n    print('GOT', x)\n    print('GOT', x, file=sys.stderr)\n    raise ValueError(x)"
    recipe = make_recipe(hidden_check("assert f('swordfish') == 1"))
    async with open_sandbox("process", recipe) as box, box.sandbox.attempt(_code(tells)) as attempt:
        await attempt.execute()
        verdicts, observation = await attempt.examine(recipe.checks)

    assert not verdicts[0].passed
    assert "swordfish" not in repr(observation)


def _code(text: str):
    from jupyter_loops.core.candidate import Candidate, CandidateKind

    return Candidate(kind=CandidateKind.CODE, text=text)


STACK = Target(
    name="Stack",
    kind=getattr(TargetKind, "CLASS", "class"),
    source=(
        "class Stack:\n    '''Last in, first out.'''\n    def __init__(self, items=()): ...\n    def push(self, item): ...\n"
        "    def pop(self): ...\n    def __len__(self): ...\n    def __iter__(self): ...\n    def __eq__(self, other): ...\n"
        "    @property\n    def top(self): ...\n    @classmethod\n    def of(cls, *items): ...\n    @staticmethod\n    def kind(): ..."
    ),
)
STACK_ANSWER = """
class Stack:
    def __init__(self, items=()): self.items = list(items)
    def push(self, item):
        self.items.append(item)
        return self
    def pop(self): return self.items.pop()
    def __len__(self): return len(self.items)
    def __iter__(self): return iter(self.items[::-1])
    def __eq__(self, other): return isinstance(other, Stack) and self.items == other.items
    @property
    def top(self): return self.items[-1]
    @classmethod
    def of(cls, *items): return cls(items)
    @staticmethod
    def kind(): return 'LIFO'
"""


@pytest.mark.skipif(not hasattr(TargetKind, "CLASS"), reason="class stubs are not there yet")
async def test_a_class_is_a_target_like_a_function(level, open_sandbox, make_recipe):
    recipe = make_recipe(
        "s = Stack([1])\ns.push(2)\nassert len(s) == 2 and s.pop() == 2 and s.top == 1",
        "assert isinstance(Stack(), Stack) and Stack.of(1, 2).push(3).pop() == 3",
        "s = Stack.of(1)\nassert s.push(5) is s and list(s) == [5, 1]",
        "assert Stack([1]) == Stack.of(1) and Stack([1]) != Stack([2]) and Stack.kind() == 'LIFO'",
        "try:\n    Stack().pop()\nexcept IndexError:\n    pass\nelse:\n    assert False",
        targets=(STACK,),
    )
    async with open_sandbox(level, recipe) as box:
        outcome = await box.run(STACK_ANSWER)

    assert [verdict.message for verdict in outcome.verdicts if not verdict.passed] == []


TRICKS = {  # found by fresh eyes → stub, setup, answer, check
    "half of a transfer, then an exception": (
        "def f(account: dict, amount: int) -> None:",
        "def f(account, amount):\n    account['x'] -= amount\n    if account['x'] < 0: raise ValueError",
        "account = {'x': 1}\ntry: f(account, 2)\nexcept ValueError: pass\nassert account == {'x': 1}",
    ),
    "changes sent where none are allowed": (
        "def f(xs: list) -> list:",
        (
            "def f(xs):\n    import gc\n    for o in gc.get_objects():\n        if type(o).__name__ == 'CandidateProcess' and not hasattr(o, 'was'):\n"
            "            o.was = o._extra\n            o._extra = lambda call, value, in_place=0: o.was(call, value, 1)\n"
            "    xs.clear()\n    return []"
        ),
        "xs = [3, 1, 2]\nassert f(xs) == sorted(xs)",
    ),
    "an object whose method says yes": (
        "def f(s: str) -> str:",
        "class Yes:\n    def startswith(self, x): return True\ndef f(s): return Yes()",
        "assert f('a').startswith('b')",
    ),
    "StopIteration out of a map": (
        "def f(x):",
        "def f(x): raise StopIteration",
        "assert all(map(lambda x: f(x) == x * x, range(9)))",
    ),
    "swallows an error in an assert": (
        "def f():",
        "class C:\n    def __enter__(self): return self\n    def __exit__(self, *a): return True\ndef f(): return C()",
        "with f() as c:\n    assert c.nothing == 1",
    ),
    "swallows what a library asserts": (
        "def f():",
        "class C:\n    def __enter__(self): return self\n    def __exit__(self, *a): return True\ndef f(): return C()",
        "import unittest\nwith f() as c:\n    unittest.TestCase().assertEqual(1, 2)\nassert True",
    ),
    "swallows it in a call back": (
        "def f(g):",
        "def f(g):\n    try: g()\n    except BaseException: pass",
        "def g():\n    assert 1 == 2\nf(g)\nassert True",
    ),
}


@pytest.mark.parametrize("name", TRICKS)
async def test_a_trick_that_fresh_eyes_found_does_not_pass(name, open_sandbox, make_recipe):
    stub, answer, check = TRICKS[name]
    async with open_sandbox("process", make_recipe(check, targets=(function(stub),))) as box:
        outcome = await box.run(answer)

    assert outcome.executed.exit is Exit.OK
    assert outcome.passed == [False]


MORE = {
    "a wrapper's name, and as a method": (
        "def f(g):",
        "import functools\ndef f(g):\n    @functools.wraps(g)\n    def inner(*a): return g(*a) * 2\n    return inner",
        [
            "def g(x): return x\nassert f(g).__name__ == 'g'",
            "class A:\n    n = 4\n    @f\n    def m(self): return self.n\nassert A().m() == 8",
        ],
    ),
    "a context manager that suppresses what it is told to": (
        "def f(*kinds):",
        "import contextlib\ndef f(*kinds): return contextlib.suppress(*kinds)",
        ["with f(ValueError):\n    int('x')\nassert True"],
    ),
    "an asynchronous generator": (
        "async def f(n) -> 'AsyncIterator[int]':",
        "async def f(n):\n    for i in range(n): yield i",
        ["assert [i async for i in f(3)] == [0, 1, 2]"],
    ),
    "annotations that come later": ("def f(x: 'T') -> T:", "def f(x): return x", ["assert f(3) == 3"]),
}


@pytest.mark.parametrize("name", MORE)
async def test_an_honest_answer_that_fresh_eyes_found_passes(name, open_sandbox, make_recipe):
    stub, answer, checks = MORE[name]
    async with open_sandbox("process", make_recipe(*checks, targets=(function(stub),))) as box:
        passes(await box.run(answer), checks)


BORDER = {  # what honest checks do with what they hand over: set-up, stub, answer, checks
    "attributes of a decorator's": (
        "",
        "def f(n):",
        "from functools import lru_cache\n@lru_cache\ndef f(n): return n if n < 2 else f(n - 1) + f(n - 2)",
        [
            "assert f(10) == 55",
            "assert f.cache_info().hits == 8",
            "f.cache_clear()\nassert f.cache_info().currsize == 0",
            "assert f.__name__ == 'f' and not hasattr(f, 'calls')",
        ],
    ),
    "an attribute that counts": (
        "",
        "def f(n):",
        "def f(n):\n    f.calls = getattr(f, 'calls', 0) + 1\n    return n",
        ["assert f(1) + f(2) == 3", "assert f.calls == 2", "f.calls = 7\nf(1)\nassert f.calls == 8"],
    ),
    "a generator is drawn from": (
        "from random import Random\na, b = Random(1), Random(1)",
        "def f(rng):",
        "def f(rng): return rng.random()",
        ["assert [f(a), f(a)] == [b.random(), b.random()]", "assert a.gauss() == b.gauss()"],
    ),
    "a generator of NumPy's is drawn from": (
        "import numpy as np\na, b, c, d = (g(1) for g in (np.random.default_rng, np.random.RandomState) for _ in '12')",
        "def f(rng) -> list:",
        "import numpy as np\ndef f(rng): return [rng.normal(), rng.permutation(700).tolist()]",
        [
            "assert f(a) == [b.normal(), b.permutation(700).tolist()]",
            "assert (a.integers(9, size=3) == b.integers(9, size=3)).all()",
            "f(c)\nd.normal(), d.permutation(700)\nassert c.randint(1000) == d.randint(1000)",
        ],
    ),
    "what is printed is heard": (
        "import io, sys\nfrom contextlib import redirect_stderr, redirect_stdout\nout, err = io.StringIO(), io.StringIO()",
        "def f(n):",
        "import sys\ndef f(n):\n    print(n)\n    print('no', file=sys.stderr)\n    return 1 // n",
        [
            "with redirect_stdout(out), redirect_stderr(err):\n    assert f(3) == 0",
            "assert (out.getvalue(), err.getvalue()) == ('3\\n', 'no\\n')",
            "with redirect_stdout(out):\n    try: f(0)\n    except ZeroDivisionError: pass\n    assert out.getvalue()[2:] == '0\\n'",
        ],
    ),
    "a warning is heard": (
        "import warnings, pytest",
        "def f(n):",
        "import warnings\nclass Own(DeprecationWarning): pass\ndef f(n):\n    warnings.warn('old', Own)\n    return n",
        [
            "with pytest.warns(DeprecationWarning, match='old'):\n    assert f(1) == 1",
            "with warnings.catch_warnings():\n    warnings.simplefilter('error')\n    with pytest.raises(DeprecationWarning):\n        f(1)",
        ],
    ),
    "a mock records": (
        "from unittest.mock import MagicMock, Mock, call\nm, n = Mock(), MagicMock()\nm.get.return_value.json.return_value = {'a': 1}\n"
        "m.spare = 5\nn.__getitem__.return_value = 4\nn.__len__.return_value = 2",
        "def f(client, rows):",
        "def f(client, rows):\n    client.seen = rows[0] + len(rows) + client.spare\n    with rows as r: r.execute('x')\n"
        "    return client.get(1, b=2).json()",
        [
            "assert f(m, n) == {'a': 1}",
            "m.get.assert_called_once_with(1, b=2)",
            "assert m.seen == 11 and n.__getitem__.call_args_list == [call(0)]",
            "n.__enter__.return_value.execute.assert_called_once_with('x')",
        ],
    ),
    "a figure is one of Matplotlib's": (
        "from matplotlib.axes import Axes\nfrom matplotlib.figure import Figure",
        "def f(xs):",
        "import matplotlib.pyplot as plt\ndef f(xs):\n    figure, axes = plt.subplots()\n    axes.plot(xs)\n    return figure",
        [
            "assert isinstance(f([1, 2]), Figure)",
            "assert isinstance(f([1]).axes[0], Axes) and not isinstance(f([1]), Axes)",
        ],
    ),
    "arrays of other classes, in place": (
        "import numpy as np, tempfile\n"
        "masked = [np.ma.array([1.0, 2.0], mask=[0, 1], hard_mask=hard) for hard in (False, True)]\n"
        "record = np.rec.array([(1, 2.0)], dtype=[('a', int), ('b', float)])\nmatrix = np.eye(2).view(np.matrix)\n"
        "whole = np.ones(2)\nin_file = np.memmap(tempfile.TemporaryFile(), float, 'w+', shape=(2,))",
        "def f(a, way: str) -> None:",
        "import numpy as np\ndef f(a, way):\n"
        "    if way == 'mask': a.soften_mask(); a.mask = [True, False]\n"
        "    elif way == 'shape': a.shape = (1, 2)\n"
        "    else: np.asarray(a).view(float)[...] = 7.0",
        [
            *(
                f"m = masked[{n}]\nf(m, '')\nassert (m.data.tolist(), m.mask.tolist()) == ([7, 7], [0, 1])"
                for n in (0, 1)
            ),
            *(f"m = masked[{n}]\nf(m, 'mask')\nassert m.mask.tolist() == [1, 0] and m.hardmask == {n}" for n in (0, 1)),
            "f(record, '')\nassert record.b[0] == 7 and type(record) is np.recarray",
            "f(matrix, '')\nassert (matrix == 7).all() and type(matrix) is np.matrix",
            "f(in_file, '')\nassert in_file.tolist() == [7, 7]",
            "try: f(whole, 'shape')\nexcept Exception as e: assert 'cannot change its shape or type in place: return' in str(e)\n"
            "else: assert False",
        ],
    ),
    "a class of a library's that is no data": (
        "import polars as pl, numpy as np",
        "def f(n: int) -> 'pl.LazyFrame | np.random.Generator':",
        "import polars as pl, numpy as np\n"
        "def f(n): return pl.LazyFrame({'a': [1, 2]}) if n else np.random.default_rng(1)",
        [
            "assert f(1).select(pl.col('a').sum()).collect().item() == 3",
            "assert f(0).random() == np.random.default_rng(1).random()",
        ],
    ),
    "a pipeline with a function in it": (
        "import numpy as np\nfrom sklearn.pipeline import Pipeline",
        "def f() -> Pipeline:",
        "import numpy as np\nfrom sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import FunctionTransformer\n"
        "def f(): return make_pipeline(FunctionTransformer(np.log))",
        ["assert f().fit_transform(np.array([[1.0, np.e]])).tolist() == [[0.0, 1.0]]"],
    ),
}


@pytest.mark.parametrize("name", BORDER)
async def test_what_honest_checks_hand_over_and_look_at_works(name, open_sandbox, make_recipe):
    setup, stub, answer, checks = BORDER[name]
    for word, module in (("figure", "matplotlib"), ("pipeline", "sklearn")):
        pytest.importorskip(module) if word in name else None
    recipe = make_recipe(*checks, setup=setup, targets=(function(stub),))
    async with open_sandbox("process", recipe) as box:
        passes(await box.run(answer), checks)


SLEEPER = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"


@pytest.mark.parametrize("threads", ["", SLEEPER], ids=["forked", "restarted"])
async def test_a_seed_of_the_set_up_holds_in_every_process(threads, open_sandbox, make_recipe):
    setup = f"{threads}import random\nrandom.seed(42)"
    check = "assert f(0) == random.random() == random.Random(42).random()"
    async with open_sandbox("process", make_recipe(check, setup=setup)) as box:
        outcomes = [await box.run("import random\ndef f(x): return random.random()") for _ in range(2)]

    assert [outcome.passed for outcome in outcomes] == [[True], [True]], outcomes[0].verdicts


async def test_what_no_set_up_has_seeded_is_another_number_each_time(open_sandbox, make_recipe):
    async with open_sandbox("process", make_recipe("assert f(0)", setup="import random")) as box:
        run = "import random\nprint(random.random())\ndef f(x): return 1"
        outcomes = [await box.run(run) for _ in range(2)]

    assert len({outcome.executed.stdout for outcome in outcomes}) == 2


STATES = "import random\ndef f(rng):\n    rng.setstate({})\n    return 1"


@pytest.mark.parametrize(
    "state", ["random.Random(5).getstate()", "(3, (0,) * 624 + (624,), None)", "(3, (1 << 31,) * 625, 0.5)"], ids="abc"
)
async def test_a_generator_that_was_handed_over_is_only_moved_on(state, open_sandbox, make_recipe):
    checks = ["assert f(a) == 1", "assert a.random() == b.random()"]
    recipe = make_recipe(*checks, setup="from random import Random\na, b = Random(1), Random(1)")
    async with open_sandbox("process", recipe) as box:
        outcome = await box.run(STATES.replace("{}", state))

    assert not outcome.passed[0]


PRYING = """
def f(client):
    for name in ("reset_mock", "call_args_list", "return_value", "_mock_children", "__class__", "__init__"):
        try:
            getattr(client, name)
        except AttributeError:
            continue
        if name not in ("__class__", "__init__"):
            return name
    return client.__class__.__module__ + str(hasattr(client.__init__, "__globals__"))
"""


async def test_the_records_of_a_mock_are_none_of_the_candidates_business(open_sandbox, make_recipe):
    recipe = make_recipe("assert f(m).startswith('jupyter_loops')", setup="from unittest.mock import Mock\nm = Mock()")
    async with open_sandbox("process", recipe) as box:
        outcome = await box.run(PRYING)

    assert outcome.passed == [True], outcome.verdicts[0].message


async def test_axes_that_a_target_draws_on_are_a_copy_and_the_check_says_so(open_sandbox, make_recipe):
    pytest.importorskip("matplotlib")
    setup = "import matplotlib.pyplot as plt\nfigure, axes = plt.subplots()"
    recipe = make_recipe("assert f(axes) is None", setup=setup)
    async with open_sandbox("process", recipe) as box:
        outcome = await box.run("def f(axes): axes.set_title('a')")

    assert "what is done to a Axes stays in the candidate's process; return it instead" in outcome.verdicts[0].message


async def test_an_object_whose_methods_are_believed_is_told_of(open_sandbox, make_recipe, code):
    answer = "class A:\n    def total(self): return 5\ndef f(x): return A() if x else (lambda: 5)"
    recipe = make_recipe("assert f(0)() == 5", "assert f(1).total() == 5")
    async with open_sandbox("process", recipe) as box, box.sandbox.attempt(code(answer)) as attempt:
        await attempt.execute()
        _, first = await attempt.examine(recipe.checks[:1])
        _, second = await attempt.examine(recipe.checks[1:])

    assert first.notes == ()
    assert second.notes == (
        "f gives an object of the class A, which stays with the candidate: what its methods say is the candidate's "
        "word; annotate the result, and compare data",
    )


async def test_an_exception_and_undeclared_methods_of_a_class_target(open_sandbox, make_recipe):
    bad = Target(name="Bad", kind=TargetKind.CLASS, source="class Bad(ValueError):\n    '''Bad input.'''")
    bag = Target(
        name="Bag", kind=TargetKind.CLASS, source="class Bag:\n    def add(self, x): ...\n    def fail(self): ..."
    )
    answer = (
        "class Bad(ValueError): pass\nclass Bag:\n    def __init__(self): self.xs = []\n    def add(self, x): self.xs.append(x)\n"
        "    def __len__(self): return len(self.xs)\n    def __iter__(self): return iter(self.xs)\n    def fail(self): raise Bad('no')"
    )
    recipe = make_recipe(
        "b = Bag()\nb.add(1)\nassert len(b) == 1 and list(b) == [1]",
        "try:\n    Bag().fail()\nexcept Bad as error:\n    assert str(error) == 'no' and isinstance(error, ValueError)\nelse:\n    assert False",
        targets=(bad, bag),
    )
    async with open_sandbox("process", recipe) as box:
        outcome = await box.run(answer)

    assert [verdict.message for verdict in outcome.verdicts if not verdict.passed] == []


NAMED = """
from __future__ import annotations
import inspect, multiprocessing, pickle, typing
from dataclasses import dataclass
RATE = 0.2 if __name__ == "__main__" else 0.9
@dataclass
class Own:
    # a comment
    below: Own | None = None
    kind: Kind | None = None
def square(n): return n * n
def f(x):
    own = Own(Own(), Kind())
    with multiprocessing.get_context("fork").Pool(1) as pool:
        squares = pool.map(square, [1, 2])
    same = pickle.loads(pickle.dumps(own)) == own and pickle.loads(pickle.dumps(square)) is square
    hints = typing.get_type_hints(Own)["below"] == Own | None
    return RATE, OURS, __name__, same, hints, squares, "# a comment" in inspect.getsource(Own)
"""


async def test_the_module_has_the_name_of_its_delivery(open_sandbox, make_recipe):
    setup = "from dataclasses import dataclass\n@dataclass\nclass Kind: pass\nOURS = __name__ == '__main__'"
    name = module_name("demo", setup, NAMED)
    recipe = make_recipe(f"assert f(0) == (0.9, True, {name!r}, True, True, [1, 4], True)", setup=setup)
    async with open_sandbox("process", recipe) as box:
        outcome = await box.run(NAMED)

    assert [verdict.message for verdict in outcome.verdicts] == [""]


CONFIG = """
import mine
class Cfg:
    level = 1
    opts = {"deep": [{}]}
class Base:
    subs = []
    def __init_subclass__(cls): Base.subs.append(cls.__name__)
class Counted:
    made = 0
    def __init__(self): Counted.made += 1
"""


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("Cfg.level = 5", "changes Cfg.level when it is imported; move it into the function, or make a subclass"),
        ("C = Cfg\nsetattr(C, 'level', 5)", "changes Cfg.level"),
        ("Cfg.opts['a'] = 1", "changes Cfg.opts"),
        ("o = Cfg.opts['deep'][0]\no['a'] = 1", "changes Cfg.opts"),
        ("del Cfg.level", "changes Cfg.level"),
        ("Cfg.__len__ = lambda self: 1", "changes Cfg.__len__"),
        ("ONE = Counted()", "changes Counted.made when it is imported, by an object that it makes"),
        ("mine.rate = 5", "changes mine.rate when it is imported; move it into the function"),
        ("class Sub(Given): ...", "changes Given.subs of the notebook by a subclass"),
        ("class Sub(Base): ...", ""),
        ("class Sub(Cfg):\n    level = 5\nSub.opts = {}", ""),
        ("rate = mine.rate\nlevel = Cfg.level", ""),
    ],
)
async def test_a_module_that_changes_a_class_of_the_setup_is_told(
    answer, told, *, tmp_path, monkeypatch, make_recipe, code
):
    (tmp_path / "mine.py").write_text("rate = 1")
    monkeypatch.syspath_prepend(tmp_path)
    given: dict[str, object] = {"__name__": "__main__"}
    exec(CONFIG.replace("import mine", "").replace("Base", "Given"), given)
    names = {"Given": given["Given"]}
    sandbox = ZygoteSandbox("process")
    await sandbox.open(World(recipe=make_recipe("assert f(0) == 1", setup=CONFIG), names=names))
    try:
        async with sandbox.attempt(code(f"{answer}\ndef f(x): return 1")) as attempt:
            executed = await attempt.execute()
    finally:
        await sandbox.close()

    assert executed.exit is (Exit.RAISED if told else Exit.OK)
    assert told in (executed.fault.message if executed.fault else "")


POLY = """
class Poly:
    def __init__(self, c): self.c = list(c)
    def coefficients(self): return self.c
    def __call__(self, x): return sum(k * x**i for i, k in enumerate(self.c))
    def __iter__(self): return iter(self.c)
    def __reversed__(self): return reversed(self.c)
    def __add__(self, other): return Poly(a + b for a, b in zip(self.c, other.c))
    def __iadd__(self, other):
        self.c = [a + b for a, b in zip(self.c, other.c)]
        return self
    def __rmul__(self, k): return Poly(k * a for a in self.c)
    def __neg__(self): return Poly(-a for a in self.c)
    def __sub__(self, other): return 0
    def __abs__(self): return 0
    def __getitem__(self, i): return self.c[i]
    def __delitem__(self, i): del self.c[i]
    def __len__(self): return len(self.c)
    def __enter__(self): return self
    def __exit__(self, *_): self.c.clear()
    def __str__(self): return "poly"
    def __format__(self, how): return how.upper()
    def __class_getitem__(cls, kind): return cls
    def __eq__(self, other): return True
    def __lt__(self, other): return True
"""
POLY_CHECKS = [
    "assert Poly([1, 2, 3])(2) == 17",
    "assert list(Poly([1, 2]) + Poly([1, 1])) == [2, 3]",
    "p = Poly([1, 2])\nq = p\np += Poly([1, 1])\nassert q is p and list(p) == [2, 3]",
    "assert (2 * Poly([1, 2])).coefficients() == [2, 4] and list(-Poly([1])) == [-1]",
    "assert list(reversed(Poly([1, 2]))) == [2, 1] and Poly([1, 2])[1] == 2 and len(Poly([1, 2])) == 2",
    "p = Poly[int]([1, 2])\ndel p[0]\nassert list(p) == [2]",
    "with Poly([1]) as p:\n    assert list(p) == [1]\nassert list(p) == []",
    "assert f'{Poly([1])}' == '' and f'{Poly([1]):x}' == 'X' and str(Poly([1])) == 'poly'",
    "assert 2 in Poly([1, 2]) and 3 not in Poly([1, 2])",
    "assert Poly([1]) != Poly([1])",
]


async def test_special_methods_that_the_stub_of_a_class_does_not_declare(open_sandbox, make_recipe):
    poly = Target(name="Poly", kind=TargetKind.CLASS, source="class Poly:\n    def coefficients(self): ...")
    async with open_sandbox("process", make_recipe(*POLY_CHECKS, targets=(poly,))) as box:
        passes(await box.run(POLY), POLY_CHECKS)


@pytest.mark.parametrize(
    ("check", "told"),
    [
        ("assert Poly([1]) - 3 == 0", "gives a value for __sub__, which its stub does not declare"),
        ("assert abs(f(1)) < 1e-9", "gives a value for __abs__, which its stub does not declare"),
        ("assert Poly([1]) < Poly([2])", "'<' not supported"),
        ("assert 7 in g(1)", "`in` is no question to <Bag object of the candidate>"),
        ("assert 7 in h(1)", "`in` is no question to <Held object of the candidate>"),
    ],
)
async def test_what_an_object_cannot_say_of_itself(check, told, open_sandbox, make_recipe):
    kinds = [("Poly", "class Poly: ..."), ("Bag", "class Bag: ...")]
    targets = [Target(name=name, kind=TargetKind.CLASS, source=source) for name, source in kinds]
    targets += [function(f"def {name}(x):") for name in "fgh"]
    bag = "    def __contains__(self, x): return True"
    answer = f"{POLY}\nclass Bag:\n{bag}\nclass Held:\n{bag}\n"
    answer += "def f(x): return Poly([x])\ndef g(x): return Bag()\ndef h(x): return Held()"
    async with open_sandbox("process", make_recipe(check, targets=tuple(targets))) as box:
        outcome = await box.run(answer)

    assert told in outcome.verdicts[0].message
