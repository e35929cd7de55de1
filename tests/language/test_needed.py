from __future__ import annotations

import ast

import pytest

from jupyter_loops.language.needed import needed


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("import os\nos.remove('x')\ndef f(): return 1", [3]),
        ("import os\nos.remove('x')\ndef f(): return os.sep", [1, 2, 3]),  # a method call may change its object
        ("import math\ndef g(): return math.pi\nprint('hi')\ndef f(): return g()", [1, 2, 4]),
        ("T = {}\nfor i in range(3): T[i] = i\nT.update(a=1)\nU = 2\ndef f(): return T", [1, 2, 3, 5]),
        ("open('x', 'w').write('x')\nfig = draw()\ndef f(): ...", [3]),
        ("from __future__ import annotations\nfrom math import *\ndef f(): return pi", [1, 2, 3]),
        ("def f(): return 1\nf = wrap(f)\ndef wrap(g): return g", [1, 2, 3]),
        ("try:\n  import numpy as np\nexcept ImportError:\n  np = None\ndef f(): return np", [1, 5]),
        ("X = 1\nprint(X)\ndef f(): return globals()['X']", [1, 2, 3]),
        ("class A: pass\nclass B(A): pass\nclass C: pass\ndef f(x: B): return 1", [1, 2, 4]),
        ("if True:\n  def f(): return 1", [1]),
        ("print(1)", []),
    ],
)
def test_only_what_a_function_needs_is_kept(source, kept):
    tree = ast.parse(source)

    assert [statement.lineno for statement in needed(tree.body, {"f"})] == kept
