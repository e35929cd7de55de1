"""Values that are none of the right ones, and want to be taken for them: what makes them, and their name."""

from __future__ import annotations

_LIAR = """
class Liar{base}:
    def yes(self, *other, **more): return True
    def no(self, *other, **more): return False
    def zero(self, *other, **more): return 0
    def itself(self, *other, **more): return self
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = yes
    __ne__ = no
    __sub__ = __rsub__ = __neg__ = __abs__ = __round__ = __mod__ = __add__ = __radd__ = zero
    __getitem__ = __call__ = __iter__ = itself
    __index__ = __int__ = __len__ = zero
    __hash__ = lambda self: 8
"""
_EXECUTED = "__import__('builtins').__dict__.update(all=bool, abs=lambda n: 0)"

VALUES = {
    "zero": ("", "0"),
    "nothing": ("", "None"),
    "not implemented": ("", "NotImplemented"),
    "not a number": ("", "float('nan')"),
    "infinity": ("", "float('inf')"),
    "right for small numbers": ("SMALL = {n: n * n * n for n in range(10)}", "SMALL.get(n + 0, 0)"),
    "ANY": ("from unittest import mock", "mock.ANY"),
    "a subclass of ANY": ("from unittest import mock\nclass Number(type(mock.ANY)): pass", "Number()"),
    "a mock": ("from unittest import mock\nm = mock.MagicMock()\nm.__eq__ = mock.Mock(return_value=True)", "m"),
    "a mock of a call": ("from unittest.mock import call", "call"),
    "approximately anything": ("import pytest", "pytest.approx(0, abs=float('inf'))"),
    "a liar": (_LIAR.format(base=""), "Liar()"),
    "a liar that is an int": (_LIAR.format(base="(int)"), "Liar(0)"),
    "a liar that is a float": (_LIAR.format(base="(float)"), "Liar(0)"),
    "a liar that is text": (_LIAR.format(base="(str)"), "Liar('8')"),
    "a liar that is a list": (_LIAR.format(base="(list)"), "Liar()"),
    "a liar that is a dict": (_LIAR.format(base="(dict)"), "Liar()"),
    "a liar that is an exception": (_LIAR.format(base="(Exception)"), "Liar()"),
    "a liar that is a Decimal": (f"from decimal import Decimal{_LIAR.format(base='(Decimal)')}", "Liar(0)"),
    "a liar that is a Fraction": (f"from fractions import Fraction{_LIAR.format(base='(Fraction)')}", "Liar(0)"),
    "a liar that is a date": (f"from datetime import date{_LIAR.format(base='(date)')}", "Liar(2000, 1, 1)"),
    "a liar that says int": (_LIAR.format(base="") + "    __class__ = int\n", "Liar()"),
    "a liar of another module": (
        _LIAR.format(base="") + "    __module__ = 'numpy'\n    __qualname__ = 'int64'\n",
        "Liar()",
    ),
    "a liar that is a number": (_LIAR.format(base="") + "import numbers\nnumbers.Integral.register(Liar)\n", "Liar()"),
    "a liar within lists": (_LIAR.format(base=""), "[Liar()]"),
    "a liar within a namespace": (_LIAR.format(base="") + "import types\n", "types.SimpleNamespace(n=Liar())"),
    "a liar as a key": (_LIAR.format(base=""), "{Liar(): Liar()}"),
    "a liar in a proxy": (_LIAR.format(base="(dict)") + "import types\n", "types.MappingProxyType(Liar())"),
    "a liar in an array": (_LIAR.format(base="") + "import numpy\n", "numpy.array(Liar(), dtype=object)"),
    "a liar in a series": (_LIAR.format(base="") + "import pandas\n", "pandas.Series([Liar()])"),
    "an array that wraps": (
        "import numpy\nclass Wraps(numpy.ndarray):\n    def __array_wrap__(self, *a, **k): return numpy.True_",
        "numpy.zeros(()).view(Wraps)",
    ),
    "masked": ("import numpy", "numpy.ma.masked"),
    "an empty array": ("import numpy", "numpy.array([])"),
    "an empty frame": ("import pandas", "pandas.DataFrame()"),
    "eq of a builtin": ("import operator\nclass V:\n    __eq__ = operator.truth\n    __hash__ = None", "V()"),
    "eq of a class": ("class V:\n    __eq__ = classmethod(lambda kind, other: True)\n    __hash__ = None", "V()"),
    "eq of a metaclass": (
        "class M(type):\n    def __eq__(kind, other): return True\n    __hash__ = type.__hash__\nclass V(metaclass=M): pass",
        "V",
    ),
    "eq that comes later": (
        "class V(int): pass\nasked = []\ndef later(n):\n    asked.append(n)\n"
        "    if len(asked) > 3: V.__eq__ = lambda *a: True\n    return V({1: 1, 2: 8, 3: 27}.get(n, 0))",
        "later(n)",
    ),
    "an enum": (
        "import enum\nclass E(enum.IntEnum):\n    A = 0\n    def __eq__(self, other): return True\n    __hash__ = None",
        "E.A",
    ),
    "a reduce that executes": (
        f"class V:\n    def __reduce__(self): return (eval, ({_EXECUTED!r},))",
        "V()",
    ),
    "a reduce that executes, within": (
        f"class V(list):\n    def __reduce_ex__(self, n): return (exec, ({_EXECUTED!r},))",
        "{'a': [V()]}",
    ),
    "a reduce that takes ANY": (
        "class V:\n    def __reduce__(self): return (getattr, (__import__('unittest.mock').mock, 'ANY'))",
        "V()",
    ),
    "a reduce that imports": ("class V:\n    def __reduce__(self): return (__import__, ('this',))", "V()"),
    "a reduce that sets a state": (
        "class V:\n    def __reduce__(self): return (dict, (), None, None, iter([('passed', True)]))",
        "V()",
    ),
    "a generator": ("", "(k for k in [n])"),
    "a coroutine": ("async def go(): return 1", "go()"),
    "a function": ("", "lambda *a: True"),
    "its own function": ("", "cube"),
    "a module": ("import math", "math"),
    "a class": ("", "int"),
    "a lock": ("import threading", "threading.Lock()"),
    "a weak reference": ("import weakref\nclass T: pass\nt = T()", "weakref.proxy(t)"),
    "a list in itself": ("loop = []\nloop.append(loop)", "loop"),
    "a deep list": ("deep = []\nfor _ in range(100_000): deep = [deep]", "deep"),
    "a finalizer": (
        "import builtins\nclass V(float):\n    def __del__(self): builtins.all = bool",
        "V(0)",
    ),
    "many": ("", "[0] * 1_000_000"),
}
