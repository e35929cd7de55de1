import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_loops.notebook.extension import load, unload

ROOT = Path(__file__).parents[2]
MAGICS = {"line": {"loop", "%loop", "loops", "loop_sql"}, "cell": {"loop", "loop_sql", "_loop_awaited"}}


def registered(shell):
    return {kind: names & shell.magics_manager.magics[kind].keys() for kind, names in MAGICS.items()}


def hooks(shell):
    formatter = shell.display_formatter.ipython_display_formatter
    return (
        len(shell.input_transformers_cleanup),
        len(shell.input_transformers_post),
        len(shell.Completer.custom_matchers),
        [type(one).__name__ for one in shell.configurables].count("LoopMagics"),
        len(shell.events.callbacks["pre_run_cell"]),
        len(shell.events.callbacks["post_run_cell"]),
        len(formatter.deferred_printers),
    )


def test_loading_twice_is_as_good_as_once_and_unloading_takes_everything_back(shell):
    loaded = hooks(shell)
    assert registered(shell) == MAGICS
    load(shell)
    assert hooks(shell) == loaded

    unload(shell)
    assert registered(shell) == {"line": set(), "cell": set()}
    assert all(now < before for now, before in zip(hooks(shell), loaded, strict=True))
    unload(shell)

    load(shell)
    assert hooks(shell) == loaded
    assert registered(shell) == MAGICS


def test_loading_imports_nothing_heavy():
    script = (
        "import sys; from IPython.core.interactiveshell import InteractiveShell; ip = InteractiveShell.instance();"
        "ip.run_line_magic('load_ext', 'jupyter_loops');"
        "heavy = 'litellm duckdb plotly anywidget ipywidgets pydantic pandas pyarrow cloudpickle'.split();"
        "heavy += ['jupyter_loops.' + room for room in 'core engine language history assemble view.live_view'.split()];"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.strip() == "[]"


def test_every_default_is_a_documented_trait(shell, capsys):
    shell.run_cell("%config LoopMagics")
    shown = capsys.readouterr().out
    from jupyter_loops.notebook.line import ATTEMPT_OPTIONS, MAP_OPTIONS, OPTIONS

    for option in OPTIONS:
        if option.name not in {"help", "dry_run", *MAP_OPTIONS, *ATTEMPT_OPTIONS}:
            assert f"LoopMagics.{option.of or option.name}=" in shown


def test_the_help_marks_the_flags_that_are_on(shell, capsys):
    shell.run_cell("%loop --help")
    assert "by measured gain for its cost (default)\n" in capsys.readouterr().out
    shell.run_cell("%config LoopMagics.adaptive = False\n%loop --help")
    shown = capsys.readouterr().out
    assert "whatever was measured (default)\n" in shown
    assert "by measured gain for its cost\n" in shown


def test_a_configured_default_is_used_and_shown(shell, capsys):
    shell.run_cell("%config LoopMagics.iterations = 3\n%config LoopMagics.model = 'script:x.json'")
    shell.run_cell("%loop --help")
    shown = capsys.readouterr().out
    assert "most rounds (default 3)" in shown
    assert "(default script:x.json)" in shown


@pytest.mark.parametrize(("setting", "model"), [({}, "local"), ({"JUPYTER_LOOPS_MODEL": "ollama/x"}, "ollama/x")])
def test_the_default_model_is_never_a_paid_one_by_surprise(shell, capsys, monkeypatch, setting, model):
    monkeypatch.delenv("JUPYTER_LOOPS_MODEL", raising=False)
    for name, value in setting.items():
        monkeypatch.setenv(name, value)
    shell.run_cell("%loop --help")
    assert f"(default {model})" in capsys.readouterr().out
