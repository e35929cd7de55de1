"""A module that candidates may import is looked for before anything is spent, in a dry run as well."""

import pytest

from jupyter_loops.assemble.preview import dry_run
from jupyter_loops.errors import OptionError
from jupyter_loops.language import parse
from jupyter_loops.options import Options

CELL = "def double(n: int) -> int:\n    'Twice n.'\n\nassert double(2) == 4\n"


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        (("math", "pandsa"), r"--allow-imports got pandsa, and there is no such module here; did you mean pandas\?"),
        (("zzz_none.sub",), r"--allow-imports got zzz_none, and there is no such module here"),
    ],
)
def test_a_module_that_is_not_there_is_told(modules, message, start):
    with pytest.raises(OptionError, match=message):
        dry_run(parse(CELL, "double"), Options(allow_imports=modules))
    with pytest.raises(OptionError, match=message):
        start(CELL, allow_imports=modules)


def test_modules_that_are_there_pass(start):
    run = start(CELL, "```python\ndef double(n):\n    return 2 * n\n```", allow_imports=("math", "numpy.linalg"))

    assert run.wait(30).reason == "verified"
