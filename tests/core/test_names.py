"""One answer to: which names does a statement bind?"""

import ast
import sys

import pytest

from jupyter_loops.core.names import bindings, binds, reads, wants

NEWER = [
    ("type Pair[T] = tuple[T, T]", {"Pair"}),
    ("def f[T](x: T) -> T: return x", {"f"}),
    ("class Box[T]: pass", {"Box"}),
]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("try:\n    import math as mm\nexcept ImportError:\n    mm2 = None", {"mm", "mm2"}),
        ("if True:\n    def helper(x): return x", {"helper"}),
        ("with open('f') as g:\n    from os import path", {"g", "path"}),
        ("xs = [i for i in range(3)]", {"xs"}),
        ("try:\n    pass\nexcept E as err:\n    pass", {"err"}),
        ("match v:\n    case [a, *b]: pass\n    case {'k': c, **d}: pass\n    case P(x=e) as g: pass", set("abcdeg")),
        ("import a.b as c", {"c"}),
        ("import a.b, d", {"a", "d"}),
        ("from x import *", set()),
        ("from x import a as b, c", {"b", "c"}),
        ("if (n := 3) > 2: pass", {"n"}),
        ("xs = [y := f(x), y ** 2]", {"xs", "y"}),
        ("any((last := x) for x in xs)", {"last"}),
        ("[z for x in xs if (z := [(w := y) for y in x])]", {"z", "w"}),
        ("def f(a=(n := 3)): b = 1", {"f", "n"}),
        ("f = lambda x: (y := x)", {"f"}),
        ("class A(B := object):\n    x = 1", {"A", "B"}),
        ("def f():\n    global x, y\n    x = 1\n    print(y)", {"f", "x"}),
        ("def f():\n    def g():\n        global x\n        import x", {"f", "x"}),
        ("class A:\n    global x\n    x = 1", {"A", "x"}),
        ("del x", set()),
        ("x: int", set()),
        ("x: int = 1", {"x"}),
        ("for i, (j, *k) in xs: pass\nelse: m = 1", set("ijkm")),
        ("async def f():\n    async with a as b: pass", {"f"}),
        ("x = y = 1; z += 1", {"x", "y", "z"}),
        ("d['k'] = 1; o.a = 2", set()),
        *(NEWER if sys.version_info >= (3, 12) else []),
    ],
)
def test_what_a_statement_binds(source, names):
    assert binds(ast.parse(source)) == names


def test_the_last_statement_that_binds_is_the_one_that_counts():
    source = "def f(): pass\ntry:\n    import g\nexcept E as f:\n    g = None\nif g:\n    f = g\nh: int"
    found = dict(bindings(ast.parse(source).body))

    assert {name: statement.lineno for name, statement in found.items()} == {"f": 7, "g": 5}


def test_a_name_that_a_function_deletes_is_its_own():
    assert reads(ast.parse("def f(x):\n    y = 1\n    del y\n    return x + z")) == {"z"}


def test_a_name_that_a_called_function_makes_global_is_not_wanted_from_outside():
    assert wants(ast.parse("def begin():\n    global x\n    x = 1\nbegin()\ny = x").body) == set()
    later = "from __future__ import annotations\nclass Tree:\n    left: Tree | None\n    def f(self, x: Leaf): ..."
    assert wants(ast.parse(later).body) == {"Leaf"}
    assert wants(ast.parse("df = df.dropna()\nn = len(df)").body) == {"df", "len"}
