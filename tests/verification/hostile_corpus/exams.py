"""Exams of one target, `cube(n)`, that no wrong answer may pass. Each decides by other means."""

from __future__ import annotations

RIGHT = "def cube(n):\n    if isinstance(n, str):\n        raise TypeError(n)\n    return n * n * n\n"

_STUB = 'def cube(n):\n    """n to the third; TypeError for text."""\n\n'
_HIDDEN = "with hidden:\n    assert all(cube(n) == n ** 3 for n in range(20, 40))\n"

EXAMS = {
    "plain asserts": f"""{_STUB}
assert cube(2) == 8
assert all(cube(n) == n ** 3 for n in (1, 2, 5))
assert [cube(n) for n in (1, 3)] == [1, 27]
{_HIDDEN}""",
    "statements before asserts": f"""{_STUB}
found = [cube(n) for n in (1, 2, 3)]
wrong = [n for n, value in zip((1, 2, 3), found) if value != n ** 3]
assert not wrong
for n in (4, 5):
    value = cube(n)
    if value != n ** 3:
        assert False, value
with hidden:
    bad = {{n for n in range(30) if not cube(n) == n ** 3}}
    assert not bad
""",
    "helpers of the set-up": f"""
def same(a, b):
    return a == b
def close(a, b, within=1e-9):
    return abs(a - b) <= within
def right(f, cases):
    return all(f(n) == n ** 3 for n in cases)
{_STUB}
assert same(cube(2), 8)
assert close(cube(3), 27)
assert right(cube, (1, 4))
with hidden:
    assert right(cube, range(20))
    assert close(cube(11), 1331) and same(cube(12), 1728)
""",
    "objects of the set-up": f"""
from collections import Counter, OrderedDict
from functools import lru_cache, partial
from types import SimpleNamespace
COUNTS = Counter({{2: 8, 3: 27}})
ORDER = OrderedDict([(4, 64), (5, 125)])
WANTED = SimpleNamespace(total=36)
class Data:
    known = [(6, 216), (7, 343)]
def cases(known=[(8, 512), (9, 729)]):
    return known
@lru_cache
def loaded():
    return [(10, 1000), (11, 1331)]
exactly = partial(lambda a, b: a == b, 1728)
{_STUB}
assert {{n: cube(n) for n in (2, 3)}} == COUNTS
assert all(cube(n) == value for n, value in ORDER.items())
assert cube(1) + cube(2) + cube(3) == WANTED.total
assert [(n, cube(n)) for n in (6, 7)] == Data.known
assert cube(8) == 512 and all(cube(n) == value for n, value in cases())
assert cube(10) == 1000 and all(cube(n) == value for n, value in loaded())
with hidden:
    assert exactly(cube(12))
    assert cube(13) == 2197
""",
    "libraries that judge": f"""
import json, math, operator, re, unittest
import numpy as np
case = unittest.TestCase()
{_STUB}
assert math.isclose(cube(2), 8)
assert np.allclose([cube(n) for n in (1, 2)], [1, 8])
assert np.linalg.norm(np.array([cube(3)]) - np.array([27])) < 1e-9
assert json.loads(json.dumps(cube(4))) == 64
assert re.fullmatch("125", str(cube(5)))
assert operator.eq(cube(6), 216)
assert case.assertEqual(cube(7), 343) is None
with hidden:
    np.testing.assert_allclose([cube(n) for n in range(9)], np.arange(9) ** 3)
    assert cube(31) == 29791
""",
    "a property and a reference": f"""
import random
{_STUB}
for _ in range(20):
    n = random.randint(2, 99)
    assert cube(n) == n * n * n
with hidden:
    def reference(n):
        return n * n * n
    random.seed(7)
    assert all(cube(n) == reference(n) for n in (random.randint(100, 200) for _ in range(20)))
""",
    "data of a hidden block": f"""{_STUB}
assert cube(2) == 8
with hidden:
    truth = {{12: 1728, 13: 2197, 20: 8000}}
    assert all(cube(n) == value for n, value in truth.items())
    for n, value in [(14, 2744), (15, 3375)]:
        assert cube(n) == value
""",
    "pytest and exceptions": f"""
import pytest
{_STUB}
assert cube(2) == pytest.approx(8)
with pytest.raises(TypeError):
    cube("a")
assert 26 < cube(3) < 28
assert cube(4) in {{64}} and {{cube(4)}} == {{64}}
with hidden:
    assert cube(12) == pytest.approx(1728)
    assert max(cube(1), cube(5)) == 125 and sorted([cube(3), cube(2)]) == [8, 27]
    assert divmod(cube(10), 7) == (142, 6) and f"{{cube(9)}}" == "729" and range(2000)[cube(11)] == 1331
""",
}
