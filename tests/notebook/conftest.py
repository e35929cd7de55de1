"""A real shell, and a real kernel driven over its protocol. The model replays a script."""

from __future__ import annotations

import sys

import pytest

from tests import kernels

BODY = '''
def double(n: int) -> int:
    """Twice the number."""
    ...

assert double(2) == 4
with hidden:
    assert double(-3) == -6
'''


@pytest.fixture
def cell(script):
    """The text of a %%loop cell whose model gives these answers."""

    def text(*answers, name="twice", options="", body=BODY, delay=0.0):
        return f"%%loop {name} {script(*answers, delay=delay)} {options}\n{body.strip()}\n"

    return text


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """An InteractiveShell with the extension loaded, as `ipython` has it."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_LOOPS_HISTORY", str(tmp_path / "history.duckdb"))
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}), colors="nocolor")
    shell.run_line_magic("load_ext", "jupyter_loops")
    yield shell
    shell.run_line_magic("unload_ext", "jupyter_loops")
    InteractiveShell.clear_instance()
    if "jupyter_loops.history" in sys.modules:
        sys.modules["jupyter_loops.history"].open_history().close()  # before its folder goes


@pytest.fixture
def kernel(tmp_path):
    kernel = kernels.start(tmp_path)
    yield kernel
    kernel.close()
