from __future__ import annotations

import ast

import pytest

from jupyter_loops.core.candidate import Candidate, CandidateKind, Exit, Layer
from jupyter_loops.core.imports import Imports
from jupyter_loops.core.memory import Memory
from jupyter_loops.core.ports import Case
from jupyter_loops.language import parse
from jupyter_loops.planning.planner import PromptPlanner
from jupyter_loops.verification.verifier import LayeredVerifier

RECIPE = parse('import json\ndef f(x: int) -> int:\n    "Doc."\nassert f(1) == 1')


@pytest.mark.parametrize(
    ("allowed", "denied", "text", "refused"),
    [
        (None, (), "import os", ""),
        (None, ("os",), "import os", "os"),
        (None, ("os",), "import os.path as p", "os.path"),
        (None, ("os",), "from os import path", "os.path"),
        (None, ("os.path",), "import os", ""),
        (None, ("os.path",), "from os import path", "os.path"),
        (None, ("os",), "import osmium", ""),
        (None, ("os",), "__import__('os')", "os"),
        (None, ("os",), "import importlib\nimportlib.import_module('os.path')", "os.path"),
        (("math",), (), "import math", ""),
        (("math",), (), "from math import *", ""),
        (("math",), (), "import re", "re"),
        (("xml.dom",), (), "from xml import dom", ""),
        (("xml.dom",), (), "import xml", "xml"),
        (("math",), (), "import json", ""),  # the set-up has it, so the candidate may
        (("os",), ("os.path",), "import os.path", "os.path"),
        (("math",), (), "from . import x", ""),
        ((), (), "import math", "math"),
    ],
)
def test_lists_name_modules_and_stand_for_what_is_in_them(allowed, denied, text, refused):
    said = Imports.of(allowed, denied, RECIPE.setup).refusal(ast.parse(text))

    assert (f"`{refused}` must not be imported here" in said) if refused else said == ""


async def test_the_static_layer_names_the_module_and_what_is_allowed():
    verifier = LayeredVerifier(imports=Imports.of(("math",), (), RECIPE.setup))
    bad = Candidate(kind=CandidateKind.CODE, text="import math\nimport socket\ndef f(x): return x")

    case = Case(recipe=RECIPE, candidate=bad)
    assert not await verifier.before(case)
    (verdict,) = [each for each in case.verdicts if not each.passed]

    assert verdict.layer is Layer.STATIC
    assert verdict.message == "line 2: `socket` must not be imported here: only json, math may be imported"


def test_the_model_is_told_the_rule_before_it_breaks_it():
    rule = Imports.of(None, ("os", "subprocess"), "").rule
    prompt = PromptPlanner(imports=rule).prompt(RECIPE, Memory(), None)

    assert "Rule: os, subprocess must not be imported." in prompt.messages[1].content
    assert [part.name for part in PromptPlanner().prompt(RECIPE, Memory(), None).parts].count("imports") == 0


DYNAMIC = [
    "import colorsys",
    "from colorsys import rgb_to_hsv",
    "__import__('color' + 'sys')",
    "import importlib; importlib.import_module('color' + 'sys')",
    "exec('import ' + 'colorsys')",
    "eval('__import__(\"colorsys\")')",
    "def g():\n  import colorsys\ng()",
    "class A:\n  import colorsys",
    "[__import__(n) for n in ('colorsys',)]",
]


@pytest.mark.parametrize("text", DYNAMIC)
async def test_an_import_that_only_shows_when_it_happens_is_refused(text, open_sandbox, make_recipe):
    imports = Imports(denied=frozenset({"colorsys"}))
    async with open_sandbox("process", make_recipe("assert f(1)"), imports=imports) as box:
        executed = (await box.run(text)).executed

    assert executed.exit is Exit.RAISED
    assert executed.fault.message.startswith("`colorsys")
    assert executed.fault.message.endswith("must not be imported here: colorsys must not be imported")
    assert executed.fault.frames[0].where == "candidate"


async def test_an_import_during_a_check_is_refused_and_the_checks_own_are_not(open_sandbox, make_recipe):
    from jupyter_loops.core.recipe import Check

    checks = ("assert f(1) == 1", Check(name="own", source="assert colorsys", prelude="import colorsys", line=20))
    recipe = make_recipe(*checks, setup="def own():\n    import colorsys\n    return colorsys\n")
    imports = Imports(allowed=frozenset({"json"}))
    async with open_sandbox("process", recipe, imports=imports) as box:
        lazy = await box.run("def f(x):\n    import colorsys\n    return 1")
        through_the_setup = await box.run("def f(x): return len([own()])")
        library = await box.run("import json\ndef f(x): return json.loads('1')")

    assert lazy.passed == [False, True]
    assert "only json may be imported" in lazy.verdicts[0].message
    assert through_the_setup.passed == [True, True], "a function of the cell's own may import what it likes"
    assert library.passed == [True, True]


async def test_a_library_that_may_be_used_brings_in_what_it_needs(open_sandbox, make_recipe):
    imports = Imports(allowed=frozenset({"statistics"}))
    async with open_sandbox("process", make_recipe("assert f(1) == 1"), imports=imports) as box:
        outcome = await box.run("import statistics\ndef f(x): return statistics.mean([x, x])")

    assert outcome.passed == [True], outcome.executed.fault


@pytest.mark.parametrize("text", ["import nothing_of_that_name", "def f(x):\n  import nothing_of_that_name"])
async def test_what_is_not_installed_is_said_to_be_and_nothing_is_installed(text, open_sandbox, make_recipe):
    async with open_sandbox("process", make_recipe("assert f(1)")) as box:
        outcome = await box.run(text)

    fault = outcome.executed.fault or outcome.verdicts[0].fault
    assert fault.message == (
        "No module named 'nothing_of_that_name' (not installed here, and a loop never installs packages)"
    )
