"""A class has to have the bases and the methods of its stub."""

import ast
from textwrap import dedent

import pytest

from jupyter_loops.language import parse
from jupyter_loops.verification.static import static

STUB = '''\
class Stack(Sized):
    """Last in, first out."""

    def __init__(self, items=()): ...

    def push(self, item: int, *, times: int = 1) -> None: ...

    async def drain(self): ...

    @property
    def size(self) -> int: ...

    @size.setter
    def size(self, value: int): ...

    @classmethod
    def of(cls, *items): ...

    @staticmethod
    def join(a, b): ...

    def __eq__(self, other): ...

assert Stack
'''
GOOD = """\
class Stack(Sized):
    def __init__(self, items=()): self.items = [*items]
    def push(this, item, *, times=1): this.items += [item] * times
    async def drain(self): return self.items
    @functools.cached_property
    def size(self): return len(self.items)
    @size.setter
    def size(self, wanted): del self.items[wanted:]
    @classmethod
    def of(kind, *items): return kind(items)
    @staticmethod
    def join(a, b): return a + b
    def __eq__(self, another: object) -> bool: return self is another
    def more(self): return 1
"""


def wrong(code, stub=STUB):
    verdict = static(parse(f"'go'\n{stub}"), ast.parse(dedent(code)))[0]
    assert verdict.check.endswith("is defined as its stub says")
    assert verdict.passed is not bool(verdict.message)
    assert "\n" not in verdict.message
    return verdict.message


def test_a_class_with_the_methods_of_its_stub_passes():
    assert wrong(GOOD) == ""


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("class Stack(", "class Queue(", "the code does not define it; it has to be a class with `def __init__(self"),
        ("class Stack(Sized):", "class Stack:", "it has to inherit from `Sized`"),
        ("def push(", "def put(", "it lacks `def push(self, item: int, *, times: int=1) -> None`"),
        ("item, *, times", "thing, *, times", "the code says `def push(this, thing, *, times=1)`; `push` has to be"),
        ("async def drain", "def drain", "only one of them is async; `drain` has to be `async def drain(self)`"),
        ("@functools.cached_property", "@cache", "`size` has to be a property"),
        ("@size.setter", "@size.getter", "it lacks `@size.setter def size(self, value: int)`"),
        ("@classmethod", "@staticmethod", "`of` has to be a classmethod"),
        ("@staticmethod", "@wraps(len)", "`join` has to be a staticmethod"),
        ("    async def", "    @classmethod\n    async def", "`drain` has to be a plain method"),
        ("def join(a, b): return a + b", "class join: ...", "`join` has to be `@staticmethod def join(a, b)`"),
    ],
)
def test_what_differs_is_said_in_one_line(before, after, said):
    assert wrong(GOOD.replace(before, after)).startswith(said)


def test_what_is_no_class_is_told_what_the_class_has():
    assert wrong("def Stack(items): ...", STACK).startswith("it is not a class statement; it has to be a class with")


def test_many_mismatches_are_counted():
    message = wrong("class Stack(Sized): ...")
    assert message.startswith("it lacks `def __init__(self, items=())`; it lacks `def push(")
    assert message.endswith("; and 5 more")


STACK = "class Stack:\n    def push(self, x): ...\n    def pop(self): ...\nassert Stack"


@pytest.mark.parametrize(
    "code",
    [
        "class Base:\n    def push(self, x): ...\nclass Mixin(Base): ...\nclass Stack(Mixin):\n    def pop(self): ...",
        "class Stack(list):\n    def push(self, x): self.append(x)",
        "class Stack:\n    if fast:\n        def push(self, x): ...\n    pop = take",
        "try:\n    class Stack:\n        def push(self, x): ...\n        def pop(self): ...\nfinally: ...",
        "from shop import Base\nclass Stack(Base): ...",
    ],
)
def test_methods_may_be_inherited_and_assigned(code):
    assert wrong(code, STACK) == ""


@pytest.mark.parametrize(
    "code",
    [
        "class Stack(Stack): ...",
        "class A(B): ...\nclass B(A): ...\nclass Stack(A): ...",
        "class Stack(object, abc.ABC, typing.Generic[T]): ...",
    ],
)
def test_a_base_that_gives_nothing_is_no_excuse(code):
    assert wrong(code, STACK).startswith("it lacks `def push(self, x)`")


def test_special_methods_may_come_from_a_decorator_or_from_python():
    stub = "class P:\n    x: int\n    def __init__(self, x): ...\n    def __eq__(self, other): ...\nassert P"
    assert wrong("@dataclass\nclass P:\n    x: int", stub) == ""
    assert wrong("class P:\n    x = 1", stub).startswith("it lacks `def __init__(self, x)`")
    assert wrong("class P: ...", "class P:\n    def __init__(self): ...\nassert P") == ""


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import __main__\nK = 1\ndef f(): return __main__.K", "line 1: `__main__` is the notebook"),
        ("def f():\n    from __main__ import K\n    return K", "line 2: `__main__` is the notebook"),
        ("import math\ndef f(): return math.e", ""),
    ],
)
def test_code_does_not_import_the_notebook(code, told):
    last = static(parse("'go'\ndef f(): ...\nassert f"), ast.parse(code))[-1]

    assert last.passed is not bool(told)
    assert told in last.message


@pytest.mark.parametrize(
    ("stub", "code", "same"),
    [
        ("def f(n): ...", "async def f(n):\n    yield n", True),
        ("def f(n): ...", "async def f(n):\n    def g(): yield n\n    return g", False),
        ("async def f(n) -> AsyncIterator[int]: ...", "def f(n): return other(n)", True),
        ("async def f(n) -> int: ...", "def f(n): return n", False),
    ],
)
def test_an_asynchronous_generator_may_be_written_either_way(stub, code, same):
    verdict = static(parse(f"'go'\n{stub}\nassert f"), ast.parse(code))[0]

    assert verdict.passed is same
    assert ("only one of them is async" in verdict.message) is not same
