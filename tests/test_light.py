"""A light installation: what is needed without JupyterLab, LiteLLM and other extras, and what it says of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib

import pytest

from .kernels import RIGHT, ROOT, WRONG

OPTIONAL = [
    "litellm",
    "jupyterlab",
    "xllamacpp",
    "pandas",
    "pyarrow",
    "polars",
    "opentelemetry",
    "pandera",
    "cryptography",
]
BLOCK = f"""
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OPTIONAL!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: (
    None if name.partition(".")[0] in {OPTIONAL!r} else find_spec(name, *rest)
)
"""
RUN = """
from jupyter_loops import Loop
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "jupyter_loops")
run = Loop.from_cell('''
def double(n: int) -> int:
    "Twice."

assert double(2) == 4
''', "twice").run(model=f"script:{script}")
print(run.wait().reason)
print(len(run.chart.cost().data) > 0)
run.show()
print(shell.run_line_magic("loop_sql", "SELECT loop, stop_reason FROM runs"))
print(shell.run_line_magic("loops", "model"))
print(sorted(set(sys.modules) & set(OPTIONAL)))
"""
ASK = """
from jupyter_loops import Loop, LoopError
try:
    Loop.from_cell("'A word.'\\nword: str\\nassert word").run(model="gpt-4o", usd=1.0).wait()
except LoopError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def light(tmp_path):
    """Run code where the extras are not installed."""

    def run(code):
        script = tmp_path / "script.json"
        script.write_text(json.dumps([WRONG, RIGHT]))
        env = os.environ | {
            "PYTHONPATH": str(ROOT),
            "JUPYTER_LOOPS_HISTORY": str(tmp_path / "history.duckdb"),
            "IPYTHONDIR": str(tmp_path / "ipython"),
        }
        text = f"{BLOCK}\nOPTIONAL = {OPTIONAL!r}\nscript = {str(script)!r}\n{code}"
        done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, env=env, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_loops_run_and_are_shown_drawn_and_asked_about_without_the_extras(light):
    text = light(RUN)

    assert text.startswith("verified\nTrue\n")
    assert "twice" in text
    assert "SmolLM2" in text
    assert text.rstrip().endswith("[]")


def test_a_provider_without_litellm_is_one_line_that_says_what_to_install(light):
    assert light(ASK).strip() == (
        "PreflightError models of providers need LiteLLM, which is not installed: "
        "pip install 'jupyter-loops[providers]'. Without it there are local models, and servers by --api-base"
    )


def test_the_heavy_packages_are_extras_and_all_has_them():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = {line.partition(">")[0] for line in project["dependencies"]}
    extras = project["optional-dependencies"]

    assert not needed & set(OPTIONAL)
    assert {"lab", "providers", "local", "frames"} <= set(extras)
    (everything,) = extras["all"]
    assert set(everything.partition("[")[2].rstrip("]").split(",")) == set(extras) - {"all", "team"}
