"""What was examined is what arrives: the whole module after the whole set-up, and the user's objects untouched."""

from __future__ import annotations

import dataclasses
import inspect
import linecache
import multiprocessing
import pickle
import subprocess
import sys
import traceback
import typing

import cloudpickle
import pytest

from jupyter_loops.core.candidate import Candidate, CandidateKind, Delivery
from jupyter_loops.core.delivered_module import module_name
from jupyter_loops.delivery import deliver
from jupyter_loops.errors import DeliveryError
from jupyter_loops.language import parse

STUB = 'def f(n: int) -> int:\n    """What is wanted."""\n\nassert f(3) == 9'


def delivered(setup: str, code: str, **namespace: object) -> dict[str, typing.Any]:
    """The notebook after code for the target `f` was delivered."""
    recipe = parse(f"{setup}\n{STUB}", "squares")
    deliver(recipe, Candidate(kind=CandidateKind.CODE, text=code), Delivery(), namespace)
    return namespace


def given(body: str, values: dict[str, object], **namespace: object) -> dict[str, typing.Any]:
    """The notebook after JSON for data targets was delivered."""
    candidate = Candidate(kind=CandidateKind.DATA, text="{}")
    deliver(parse(f"'Some data.'\n{body}", "data"), candidate, Delivery(values=values), namespace)
    return namespace


REGISTRY = """
reg = {}
def add(g):
    reg[g.__name__] = g
    return g
@add
def sq(n): return n * n
"""
DISPATCH = """
from functools import singledispatch
@singledispatch
def sq(n): return 0
@sq.register
def _(n: int): return n * n
"""
DECORATED = """
E = [1]
def dec(g):
    E.append(1)
    return g
@dec
def other(): pass
def f(n): return n ** len(E)
"""
HANDLERS = """
H = {}
def handles(k):
    def take(g):
        H[k] = g
        return g
    return take
@handles(1)
def _(n): return n * n
def f(n): return H[1](n)
"""


@pytest.mark.parametrize(
    ("setup", "code"),
    [
        ('cfg = {"e": 1}\ncfg["e"] = 3', "def f(n): return cfg['e'] * n"),
        ('cfg = {"e": 1}\ncfg.update(e=3)', "def f(n): return cfg['e'] * n"),
        ("class C:\n    rate = 1\nC.rate = 3", "def f(n): return C.rate * n"),
        (REGISTRY, "f = reg['sq']"),
        (DISPATCH, "def f(n): return sq(n)"),
        ("try:\n    import math as mm\nexcept ImportError:\n    pass", "def f(n): return mm.isqrt(n ** 4)"),
        ("if True:\n    def sq(n): return n * n", "def f(n): return sq(n)"),
        ("from operator import *", "def f(n): return mul(n, n)"),
        ("def begin():\n    global E\n    E = 2\nbegin()", "def f(n): return n ** E"),
        ("", "T = [1] * 10\ndef fill():\n    for i in range(10): T[i] = i * i\nfill()\ndef f(n): return T[n]"),
        ("", DECORATED),
        ("", HANDLERS),
        ("", "try:\n    from math import isqrt as q\nexcept ImportError:\n    q = None\ndef f(n): return q(n ** 4)"),
    ],
)
def test_the_state_is_the_one_of_the_exam(setup, code):
    assert delivered(setup, code)["f"](3) == 9


def test_only_targets_and_what_they_need_of_the_setup_are_bound():
    names = delivered("import math as m\nimport json\nE = 2\nunused = [1]", "K = 1\ndef f(n): return int(m.pow(n, E))")

    assert sorted(names) == ["E", "f", "m"]


def test_a_setup_that_nothing_reads_does_not_run():
    assert sorted(delivered("import json\nraise RuntimeError('not here')", "def f(n): return n * n")) == ["f"]


@pytest.mark.parametrize(
    ("setup", "code"),
    [
        ('cfg["e"] = 3', "def f(n): return cfg['e'] * n"),
        ('d = cfg\nd["e"] = 3', "def f(n): return cfg['e'] * n"),
        ('def fill(c): c["e"] = 3\nx = fill(cfg)', "def f(n): return cfg['e'] * n if x is None else 0"),
        ('def fill(): cfg["e"] = 3\nfill()', "def f(n): return cfg['e'] * n"),
        ('old = cfg.pop("e")\ncfg = {**cfg, "e": old + 2}', "def f(n): return cfg['e'] * n"),
        ("", "cfg['e'] = 3\ndef f(n): return cfg['e'] * n"),
        ("", "def fill(): cfg['e'] = 3\nfill()\ndef f(n): return cfg['e'] * n"),
    ],
)
def test_the_users_own_objects_are_not_changed(setup, code):
    mine = {"e": 1}
    names = delivered(setup, code, cfg=mine)

    assert names["f"](3) == 9
    assert mine == {"e": 1}


def test_what_is_not_changed_is_given_as_it_is():
    rows = [1, 2]
    names = delivered("total = sum(rows)", "def f(n): return rows", rows=rows)

    assert names["f"](3) is rows


def test_what_would_be_changed_and_cannot_be_copied_is_named():
    names = {"lock": __import__("threading").Lock()}
    with pytest.raises(DeliveryError, match="`lock` of the notebook would be changed, and cannot be copied"):
        delivered("lock.held = 1", "def f(n): return lock", **names)


def test_source_tracebacks_and_pickle_work():
    setup = "from dataclasses import dataclass\n\n@dataclass\nclass P:\n    # a point\n    x: int = 0"
    code = "from enum import Enum\nclass Side(Enum):\n    LEFT = 1\n\n"
    code += "def f(n):\n    # the root\n    return P(1 // n), Side.LEFT\n"
    f = delivered(setup, code)["f"]
    linecache.clearcache()

    assert inspect.getsource(f) == "def f(n):\n    # the root\n    return P(1 // n), Side.LEFT\n"
    point, side = f(1)
    assert inspect.getsource(type(side)) == "class Side(Enum):\n    LEFT = 1\n"
    assert inspect.getsource(type(point)) == "@dataclass\nclass P:\n    # a point\n    x: int = 0\n"
    assert pickle.loads(pickle.dumps((point, side, f))) == (point, side, f)
    with pytest.raises(ZeroDivisionError) as caught:
        f(0)
    assert "return P(1 // n), Side.LEFT" in "".join(traceback.format_exception(caught.value))
    assert typing.get_type_hints(type(point)) == {"x": int}


def test_the_module_has_the_name_that_it_had_in_the_exam():
    code = "RATE = 0.2 if __name__ == '__main__' else 0.9\ndef f(n): return RATE, OURS, __name__, f.__module__"
    rate, ours, name, module = delivered("OURS = __name__ == '__main__'", code)["f"](3)
    assert (rate, ours) == (0.9, True)
    recipe = parse(f"OURS = __name__ == '__main__'\n{STUB}", "squares")
    assert name == module == module_name(recipe.name, recipe.setup, code)


def test_a_registry_of_the_cells_own_class_is_filled_anew_by_each_delivery():
    setup = "class Base:\n    subs = []\n    def __init_subclass__(cls): Base.subs.append(cls.__name__)"
    names: dict[str, object] = {}
    for _ in range(2):
        names = delivered(setup, "class Sub(Base): ...\ndef f(n): return list(Base.subs)", **names)
        assert names["f"](3) == ["Sub"]


def test_workers_get_it_by_value_and_forked_ones_by_reference():
    f = delivered("", "def helper(n): return n * n\ndef f(n): return helper(n)\n")["f"]
    program = f"import pickle; print(pickle.loads({cloudpickle.dumps(f)!r})(3))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert told.stdout == "9\n", told.stderr
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.map(f, [3]) == [9]


def test_postponed_annotations_and_self_reference_arrive():
    setup = "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    setup += "@dataclass\nclass Tree:\n    left: Tree | None"
    names = delivered(setup, "def f(n):\n    return Tree(Tree(None))")

    assert typing.get_type_hints(names["Tree"]) == {"left": names["Tree"] | None}
    plain = delivered(
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    n: int = 0", "def f(n): return P(n)"
    )
    assert dataclasses.fields(plain["P"])[0].type is int


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os\nos.mkdir('left')\ndef f(n): return 9", "line 2: the module changes files"),
        ("import random\nrandom.seed(0)\ndef f(n): return 9", "seeds the random numbers of everybody"),
        ("def f(n): return 9\n1 / 0", "the verified code cannot be defined in the notebook: ZeroDivisionError"),
        ("def g(n): return 9", "`f` is not among what was verified"),
    ],
)
def test_a_module_that_acts_or_breaks_leaves_nothing(code, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"f": "mine"}
    before = {name for name in sys.modules if name.startswith("jupyter_loops_delivered.")}
    with pytest.raises(DeliveryError, match=told):
        deliver(parse(STUB, "squares"), Candidate(kind=CandidateKind.CODE, text=code), Delivery(), names)

    assert names == {"f": "mine"}
    assert [*tmp_path.iterdir()] == []
    assert {name for name in sys.modules if name.startswith("jupyter_loops_delivered.")} == before


def test_nothing_is_printed_while_it_is_defined(capsys):
    delivered(
        "print('set-up')\nE = 2", "import sys\nprint('boo', file=sys.stderr)\nprint('boo')\ndef f(n): return n ** E"
    )

    assert capsys.readouterr() == ("", "")


MODELS = (
    "from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_serializer\nfrom datetime import datetime\n"
)
ALIAS = "class P(BaseModel):\n    name: str = Field(alias='fullName')"
STRICT = "class P(BaseModel):\n    model_config = ConfigDict(strict=True)\n    at: datetime"
SECRET = "class P(BaseModel):\n    s: SecretStr"
SERIALIZER = "class P(BaseModel):\n    n: int\n    @field_serializer('n')\n    def no(self, n): return 'no'"
TYPED = "from typing import TypedDict\nclass P(TypedDict):\n    a: int"
ITSELF = "class P(BaseModel):\n    below: list['P'] = []"


@pytest.mark.parametrize(
    ("body", "value", "arrives"),
    [
        (ALIAS, {"fullName": "Ada"}, "x.name == 'Ada'"),
        (STRICT, {"at": "2024-01-02T03:04:05"}, "x.at.year == 2024"),
        (SECRET, {"s": "abc"}, "x.s.get_secret_value() == 'abc'"),
        (SERIALIZER, {"n": 3}, "x.n == 3"),
        (TYPED, {"a": "1"}, "x == {'a': 1}"),
        (ITSELF, {"below": [{"below": []}]}, "type(x.below[0]) is type(x)"),
        ("P = dict[str, tuple[int, ...]]", {"a": [1, 2]}, "x == {'a': (1, 2)}"),
    ],
)
def test_data_is_validated_as_the_examiner_did(body, value, arrives):
    names = given(f"{MODELS}{body}\nx: P\nassert x", {"x": value})

    assert eval(arrives, names)


def test_data_that_does_not_fit_leaves_nothing():
    names: dict[str, object] = {"a": "mine"}
    with pytest.raises(DeliveryError, match="`b` does not fit its type in the notebook"):
        given("a: int\nb: int\nassert a < b", {"a": 1, "b": "no"}, **names)
