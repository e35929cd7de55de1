# ruff: noqa: E501  # a trick is easier to read on one line
"""assert pytest("tests/test_x.py"): a real pytest, on the user's own file, that a candidate cannot talk round."""

import shutil

import pytest

from jupyter_loops.assemble import Adapters, Options, launch
from jupyter_loops.errors import PreflightError
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.history import open_history
from jupyter_loops.language import parse
from jupyter_loops.planning.models.replay import ReplayModel

CELL = '''
def double(n: int) -> int:
    """Twice n."""

assert pytest("tests/test_double.py")
'''
TESTS = """
import pytest
from task import double

@pytest.mark.parametrize("n", [0, 2, 21])
def test_doubles(n):
    assert double(n) == 2 * n

class TestMore:
    def test_by_fixture(self, double, seven):
        assert double(seven) == 14
"""
CONFTEST = "import pytest\n\n@pytest.fixture\ndef seven():\n    return 7\n"
RIGHT = "def double(n):\n    return n + n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_double.py").write_text(TESTS)
    (tmp_path / "tests" / "conftest.py").write_text(CONFTEST)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def pursue(folder):
    path = str(folder / "history.duckdb")

    def pursue(*codes, cell=CELL, level="process", **options):
        model = ReplayModel([f"```python\n{code}\n```" for code in codes])
        options = Options(history=path, sandbox=level, iterations=len(codes) or 1, fresh=True, **options)
        run = launch(
            parse(cell, "task"), options, None, [], Adapters(model, ZygoteSandbox(isolation=level, watched=False))
        )
        return run, run.wait(60)

    yield pursue
    open_history(path).close()


@pytest.mark.parametrize(
    "level",
    ["process", pytest.param("bubblewrap", marks=pytest.mark.skipif(not shutil.which("bwrap"), reason="no bwrap"))],
)
def test_a_real_pytest_passes_and_its_failures_are_told(pursue, level):
    run, end = pursue("def double(n):\n    return 4", RIGHT, level=level)

    assert end.reason == "verified", end
    first = run.history.sql(
        "SELECT passed, message, details FROM verdicts WHERE layer = 'checks' ORDER BY seq"
    ).fetchall()[0]
    assert not first[0]
    assert first[1].startswith("tests/test_double.py: 3 of 4 tests failed; test_doubles[0]: ")
    assert "assert 4 == (2 * 0)" in first[1]
    assert "TestMore::test_by_fixture" in first[2]


def test_a_node_id_runs_one_test(pursue):
    cell = CELL.replace("test_double.py", "test_double.py::TestMore::test_by_fixture")
    assert pursue("def double(n):\n    return 14", cell=cell)[1].reason == "verified"


def test_a_missing_file_is_told_before_anything_is_spent(folder, pursue):
    with pytest.raises(
        PreflightError, match=r"line 6: there is no test file tests/test_tripple.py beside the notebook"
    ):
        pursue(cell=CELL.replace("test_double", "test_tripple"))


@pytest.mark.parametrize(
    "problem", ["def test_nothing(): import nowhere_at_all", "import nowhere_at_all", "x = 1", "def ("]
)
def test_tests_that_do_not_run_are_no_pass(folder, pursue, problem):
    (folder / "tests" / "test_double.py").write_text(problem)
    run, end = pursue(RIGHT)
    assert end.reason == "iterations"
    assert "tests/test_double.py" in run.cycle.state.last.why


def test_skipped_tests_alone_are_no_pass(folder, pursue):
    (folder / "tests" / "test_double.py").write_text("import pytest\n\ndef test_it():\n    pytest.skip('later')\n")
    run, end = pursue(RIGHT)
    assert end.reason == "iterations"
    assert "every test was skipped" in run.cycle.state.last.why


def test_changed_tests_are_another_question(folder, pursue):
    pursue(RIGHT)
    (folder / "tests" / "test_double.py").write_text(TESTS.replace("== 14", "== 15"))
    model = ReplayModel([f"```python\n{RIGHT}\n```"])
    options = Options(history=str(folder / "history.duckdb"), sandbox="process", iterations=1)
    run = launch(
        parse(CELL, "task"), options, None, [], Adapters(model, ZygoteSandbox(isolation="process", watched=False))
    )

    assert run.wait(60).reason == "iterations"
    assert len(model.asked) == 1


TRICKS = {
    "sys.exit": "import sys\ndef double(n):\n    sys.exit(0)",
    "exit while loading": "import sys\ndef double(n): ...\nsys.exit(0)",
    "os._exit": "import os\ndef double(n):\n    os._exit(0)",
    "os._exit while loading": "import os\ndef double(n): ...\nos._exit(0)",
    "pytest.exit": "def double(n):\n    import importlib\n    importlib.import_module('py' + 'test').exit('done', returncode=0)",
    "pytest.skip": "def double(n):\n    import importlib\n    importlib.import_module('py' + 'test').skip('no')",
    "pytest.xfail": "def double(n):\n    import importlib\n    importlib.import_module('py' + 'test').xfail('no')",
    "SkipTest": "import unittest\ndef double(n):\n    raise unittest.SkipTest('no')",
    "patched while loading": (
        "import importlib\np = importlib.import_module('_py' + 'test.python')\n"
        "p.Function.runtest = lambda self: None\ndef double(n): ..."
    ),
    "a main of its own": (
        "import importlib\np = importlib.import_module('py' + 'test')\np.main = lambda *a, **k: 0\ndef double(n): ..."
    ),
    "a test module of its own": (
        "import sys, types\nm = types.ModuleType('test_double')\nm.__file__ = 'tests/test_double.py'\n"
        "m.test_a = lambda: None\nvars(sys)['mod' + 'ules']['test_double'] = m\ndef double(n): ..."
    ),
    "a conftest in its folder": (
        "open('conftest.py', 'w').write('def pytest_runtest_call(item): return None\\n')\n"
        "open('pytest.ini', 'w').write('[pytest]\\naddopts = --collect-only\\n')\ndef double(n): return 1"
    ),
    "an option in the environment": "import os\nos.environ['PYTEST_ADDOPTS'] = '--collect-only'\ndef double(n): return 1",
    "a finder of its own": (
        "import sys\nclass F:\n    @staticmethod\n    def find_spec(name, path=None, target=None):\n        return None\n"
        "sys.meta_path.insert(0, F)\ndef double(n): return 1"
    ),
    "the tests rewritten": (
        "import pathlib\nfor f in pathlib.Path('{folder}').glob('tests/test_*.py'):\n"
        "    f.write_text('def test_ok(): pass')\ndef double(n): return 1"
    ),
    "an option file while the tests run": (
        "import threading, pathlib\ndef write():\n    while True:\n"
        "        pathlib.Path('pytest.ini').write_text('[pytest]\\npythonpath = .\\naddopts = -p evil\\n')\n"
        "        pathlib.Path('evil.py').write_text('import os; os._exit(0)')\n"
        "def double(n):\n    threading.Thread(target=write, daemon=True).start()\n    return 1"
    ),
    "forever": "def double(n):\n    while True: pass",
    "a flood": "def double(n):\n    print('x' * 10**9)\n    return 2 * n",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_no_trick_makes_the_tests_pass(pursue, folder, trick):
    run, end = pursue(TRICKS[trick].replace("{folder}", str(folder)), timeout=5.0)

    assert end.reason == "iterations", (end, run.cycle.state.last.why)
    assert not run.accepted


def test_plugins_of_the_environment_stay_out(folder, pursue):
    names = "'asyncio', 'timeout', 'hypothesispytest', 'anyio'"
    (folder / "tests" / "test_double.py").write_text(
        f"def test_plain(double, pytestconfig):\n    assert double(1) == 2\n"
        f"    assert not any(pytestconfig.pluginmanager.hasplugin(name) for name in ({names}))\n"
    )
    assert pursue(RIGHT)[1].reason == "verified"
