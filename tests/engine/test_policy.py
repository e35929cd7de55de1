"""A hub's limits: what goes beyond one is refused with its name, and a broken policy lets nothing start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv

import pytest

from jupyter_loops import Loop
from jupyter_loops.assemble import Options
from jupyter_loops.attempts.launch_attempts import AttemptOptions, launch_attempts
from jupyter_loops.core import policy as policies
from jupyter_loops.core.policy import HubPolicy
from jupyter_loops.errors import OptionError, PreflightError
from jupyter_loops.language import parse
from jupyter_loops.planning.models.replay import ReplayModel
from tests.kernels import RIGHT, ROOT, WRONG

CELL = 'def double(n: int) -> int:\n    "Twice."\n\nassert double(2) == 4'
TOOL = f'@tool\ndef factor() -> int:\n    "Two."\n    return 2\n\n{CELL}'
FULL = """
usd_per_run = 0.5
usd_per_day = 2
models = ["local*", "script:*"]
endpoints = ["http://localhost:*"]
isolation = "process"
tools = false
"""


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Set the policy of this machine, and of this installation."""
    paths = [tmp_path / "machine.toml", tmp_path / "prefix.toml"]
    monkeypatch.setattr(policies, "places", lambda: tuple(paths))

    def write(*texts):
        for path, text in zip(paths, texts, strict=False):
            path.write_text(text)

    return write


@pytest.mark.parametrize(
    ("options", "cell", "refusal"),
    [
        ({"usd": 0.6}, CELL, "--usd 0.6: this hub allows at most $0.5 a run"),
        ({"usd": None, "tokens": 1000}, CELL, "--usd none: this hub allows at most $0.5 a run"),
        ({"daily_usd": 3.0}, CELL, "--daily-usd 3: this hub allows at most $2 a day"),
        ({"model": "gpt-4o"}, CELL, "--model gpt-4o: this hub allows local*, script:*"),
        ({"fallback": ("local", "gpt-4o")}, CELL, "--fallback gpt-4o: this hub allows"),
        ({"escalate": ("gpt-4o",)}, CELL, "--escalate gpt-4o: this hub allows"),
        ({"judge_model": "gpt-4o"}, CELL, "--judge-model gpt-4o: this hub allows"),
        (
            {"api_base": "http://elsewhere/v1"},
            CELL,
            "--api-base http://elsewhere/v1: this hub allows http://localhost:*",
        ),
        ({"judge_api_base": "http://elsewhere/v1"}, CELL, "--judge-api-base http://elsewhere/v1: this hub allows"),
        ({}, TOOL, "--tools factor: this hub allows no tools"),
        ({"price": "0,0"}, CELL, "--price: this hub limits dollars"),
    ],
)
def test_an_option_beyond_a_limit_is_refused_with_its_name(hub, tmp_path, options, cell, refusal):
    hub(FULL)
    loop = Loop.from_cell(cell)

    with pytest.raises(OptionError) as refused:
        loop.run(history=str(tmp_path / "history.duckdb"), **options)

    assert str(refused.value).startswith(refusal)


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ({"usd": 0.6}, "--usd 0.6: this hub allows at most $0.5 a run"),
        ({"models": ("local", "gpt-4o")}, "--models gpt-4o: this hub allows"),
        ({"model": "gpt-4o"}, "--model gpt-4o: this hub allows"),
    ],
)
def test_a_map_is_held_to_the_same_limits(hub, tmp_path, options, refusal):
    hub(FULL)
    loop = Loop.from_cell('"A word for {row}."\nword: str\nassert word')

    with pytest.raises(OptionError) as refused:
        loop.map([1, 2], history=str(tmp_path / "history.duckdb"), **options)

    assert str(refused.value).startswith(refusal)


def test_a_replay_costs_nothing_and_is_no_way_around(start, hub):
    run = start(CELL, WRONG, RIGHT, usd=0.25)
    run.wait(30)
    hub("usd_per_run = 0.5")
    from jupyter_loops.assemble import replay

    again = replay(run.id, history=str(run.history.path))

    assert again.wait(30).verified
    assert again.usage.usd == 0


def test_a_weaker_level_is_refused_and_auto_becomes_what_holds(start, hub):
    hub('isolation = "bubblewrap"')

    with pytest.raises(OptionError, match=r"--sandbox process: this hub requires bubblewrap or stronger"):
        start(CELL, RIGHT, sandbox="process")


def test_defaults_become_what_the_hub_allows_and_the_run_says_so(start, hub, ear):
    hub("usd_per_run = 0.25\nusd_per_day = 2")

    run = start(CELL, RIGHT)
    run.wait(30)

    assert run.budget.usd == 0.25
    assert ear.of("note_added")[0].message == "this hub: at most $0.25 a run; at most $2 a day"
    ((options,),) = run.history.sql("SELECT options FROM runs").fetchall()
    assert json.loads(options)["daily_usd"] == 2


def test_a_limit_is_not_raised_while_a_run_goes_on(start, hub):
    hub("usd_per_run = 0.25")
    run = start(CELL, WRONG, RIGHT, delay=0.5)

    for change in ({"usd": 0.3}, {"usd": None}):
        with pytest.raises(OptionError, match=r"this hub allows at most \$0.25 a run"):
            run.raise_budget(**change)
    run.raise_budget(usd=0.2, iterations=20)
    assert run.wait(30).verified


def test_the_limit_of_a_map_is_not_raised_while_it_goes_on(hub, tmp_path):
    hub("usd_per_run = 0.25")
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"answers": ["a", "b"], "delay": 0.5}))
    loop = Loop.from_cell('"A word for {row}."\nword: str\nassert word')
    run = loop.map([1, 2], model=f"script:{script}", history=str(tmp_path / "history.duckdb"), sandbox="process")

    for change in ({"usd": 0.3}, {"usd": None}):
        with pytest.raises(OptionError, match=r"this hub allows at most \$0.25 a run"):
            run.raise_budget(**change)
    assert run.budget.usd == 0.25
    run.wait(30)


def test_attempts_share_one_limit_and_none_starts_where_one_is_refused(hub, tmp_path):
    hub('usd_per_run = 0.25\nmodels = ["script:*"]')
    script = tmp_path / "script.json"
    script.write_text(json.dumps([WRONG, RIGHT]))
    options = Options(model=f"script:{script}", history=str(tmp_path / "history.duckdb"), sandbox="process")

    with pytest.raises(OptionError, match="--models gpt-4o: this hub allows script:"):
        launch_attempts(parse(CELL, "task"), options, AttemptOptions(models=(f"script:{script}", "gpt-4o")))
    group = launch_attempts(parse(CELL, "task"), options, AttemptOptions())

    assert group.budget.usd == 0.25
    assert group.wait(30).verified


def test_a_model_of_unknown_price_is_refused_whatever_other_limits_there_are(start, hub):
    hub("usd_per_run = 0.25")

    with pytest.raises(PreflightError, match="this hub limits dollars: ask its administrator for a price"):
        start(CELL, model=ReplayModel([RIGHT], price=None), tokens=10_000).wait(30)


def test_the_hubs_price_counts(hub, start, tmp_path):
    script = tmp_path / "script.json"
    script.write_text(json.dumps([RIGHT]))
    hub(f'usd_per_run = 0.25\n[prices]\n"script:{script}" = "3,15"')
    run = Loop.from_cell(CELL).run(
        model=f"script:{script}", history=str(tmp_path / "history.duckdb"), sandbox="process"
    )
    run.wait(30)

    assert run.usage.usd > 0
    run.history.close()


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("usd_per_run = ", 1, "Invalid value"),
        ("\nusd_per_rnu = 1", 2, "there is no limit usd_per_rnu; did you mean usd_per_run?"),
        ("tools = true\nusd_per_run = '5'", 2, "usd_per_run takes a number of US dollars above 0, got '5'"),
        ("usd_per_day = -1", 1, "usd_per_day takes a number of US dollars above 0, got -1"),
        ("usd_per_day = nan", 1, "usd_per_day takes a number"),
        ("usd_per_day = true", 1, "usd_per_day takes a number"),
        ('models = "local"', 1, "models takes a list of patterns, got 'local'"),
        ('isolation = "auto"', 1, "isolation takes one of process, landlock, bubblewrap, container, got 'auto'"),
        ('tools = "off"', 1, "tools takes true or false, got 'off'"),
        ("[prices]\nx = 3", 1, 'prices takes "in,out" for each model'),
        ("tools = true\n[prices]\nx = 'cheap'", 2, 'prices takes "in,out" for each model'),
        ("[prices]\nx = '1'", 1, 'prices takes "in,out" for each model'),
    ],
)
def test_a_broken_policy_lets_nothing_start_and_names_its_line(hub, tmp_path, text, line, what):
    hub(text)

    with pytest.raises(PreflightError) as broken:
        Loop.from_cell(CELL).run(history=str(tmp_path / "history.duckdb"))

    at = f"{tmp_path / 'machine.toml'}, line {line}: {what}"
    assert str(broken.value).startswith(f"the hub's policy is broken, and no loop starts until it is mended: {at}")


def test_a_policy_that_cannot_be_read_lets_nothing_start(start, hub, tmp_path):
    (tmp_path / "machine.toml").mkdir()

    with pytest.raises(PreflightError, match=r"machine\.toml: cannot be read"):
        start(CELL, RIGHT)


def test_of_two_policies_the_stricter_holds(hub):
    hub(
        'usd_per_run = 1\nmodels = ["local*", "gpt-4o-mini"]\nisolation = "landlock"',
        'usd_per_run = 2\nusd_per_day = 5\nmodels = ["local:smol", "claude*"]\ntools = false',
    )

    policy = HubPolicy.here()

    assert (
        str(policy) == "at most $1 a run; at most $5 a day; models local:smol; isolation landlock or stronger; no tools"
    )
    assert len(policy.sources) == 2


def test_without_a_file_nothing_is_limited(start, hub):
    run = start(CELL, RIGHT, usd=5.0)
    run.wait(30)

    assert run.budget.usd == 5.0


def test_a_policy_below_the_prefix_of_an_installation_holds_for_its_users(tmp_path):
    """A real installation: another Python with its own prefix."""
    venv.create(tmp_path / "hub", symlinks=True)
    (packages,) = (tmp_path / "hub").glob("lib/python*/site-packages")
    (packages / "below.pth").write_text(
        f"import site; site.addsitedir({next(p for p in sys.path if 'site-packages' in p)!r})"
    )
    etc = tmp_path / "hub" / "etc" / "jupyter"
    etc.mkdir(parents=True)
    (etc / "jupyter_loops.toml").write_text('usd_per_run = 0.5\nmodels = ["local*"]\n')
    code = f"from jupyter_loops import Loop\nLoop.from_cell({CELL!r}).run(model='gpt-4o', usd=0.1)"
    env = os.environ | {"PYTHONPATH": str(ROOT), "JUPYTER_LOOPS_HISTORY": str(tmp_path / "history.duckdb")}
    python = str(tmp_path / "hub" / "bin" / "python")

    refused = subprocess.run([python, "-c", code], capture_output=True, text=True, env=env, check=False)
    words = [python, "-m", "jupyter_loops.command", "doctor", "--environment", "--json"]
    told = subprocess.run(words, capture_output=True, text=True, env=env, check=False)

    assert refused.stderr.strip().endswith("OptionError: --model gpt-4o: this hub allows local*")
    found = {one["item"]: one["observed"] for one in json.loads(told.stdout)}
    assert found["policy"] == f"at most $0.5 a run; models local* ({etc / 'jupyter_loops.toml'})"


def test_help_tells_the_limits(hub):
    from jupyter_loops.notebook import help as pages

    hub(FULL)
    told = pages.full(lambda name: None)
    hub("usd_per_run = ")
    broken = pages.full(lambda name: None)

    assert "Limits of this hub, which no option raises: at most $0.5 a run; at most $2 a day; models local*" in told
    assert "the hub's policy is broken" in broken
