"""Histories of a team. What needs DuckDB's extensions runs in an environment of its own, .venv/.team (Makefile)."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_loops.errors import HistoryError
from jupyter_loops.history import History
from jupyter_loops.history.address import Address

ROOT = Path(__file__).parents[2]
TEAM = Path(sys.prefix) / ".team"
EXTENSIONS = list(TEAM.glob("lib/python*/site-packages/duckdb_extension_quack"))
PARTS = {"quack": 18, "sqlite": 18, "postgres": 18, "test_server": 7}  # and how many tests each has


@pytest.mark.skipif(not EXTENSIONS, reason="there is no .venv/.team with DuckDB's extensions: `make test` makes it")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", PARTS)
def test_a_history_of_a_team_keeps_the_contract(part):
    command = [TEAM / "bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", part]
    command += [ROOT / "tests/history" / f"test_{of}.py" for of in ("contract", "server", "migrations")]

    said = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)

    if part == "postgres" and re.search(r"\n\d+ deselected", said.stdout):
        pytest.skip("PostgreSQL is not installed")
    assert re.search(rf"\n{PARTS[part]} passed, \d+ deselected in", said.stdout), said.stdout[-8000:]


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("quack:host:port", "quack:host:port is no address"),
        ("quack:host:1?ssl=on", "with .ssl=off for plain HTTP"),
        ("ducklake:nowhere", "ducklake:sqlite:FILE, or"),
        ("ducklake:postgres:host=db", "CONNECTION.data=FOLDER"),
        ("ducklake:postgres:host=db password=x?data=/y", "use PGPASSWORD"),
        ("ducklake:postgres:postgresql://me:secret@db/loops?data=/y", "use PGPASSWORD"),
        ("quack:host:1?token=x", "use JUPYTER_LOOPS_TOKEN"),
    ],
)
def test_an_address_that_is_none_or_holds_a_secret_is_one_clear_line(place, line):
    with pytest.raises(HistoryError, match=line) as told:
        History(place)
    assert "secret@" not in str(told.value)


def test_addresses_have_one_form_and_a_place_on_this_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    assert Address.of("quack:db.example").text == "quack:db.example:9494"
    assert Address.of("quack:db.example").home == Address.of("quack:db.example:9494?ssl=off").home
    lake = Address.of("ducklake:sqlite:lake.sqlite")
    assert lake.text == f"ducklake:sqlite:{tmp_path}/lake.sqlite?data={tmp_path}/lake.sqlite.files"
    assert lake.home.parent == tmp_path / "jupyter-loops" / "team"
    monkeypatch.setenv("JUPYTER_LOOPS_HISTORY", "quack:db.example")
    assert History().address.text == "quack:db.example:9494"


@pytest.mark.parametrize("place", ["quack:localhost:1", "ducklake:sqlite:lake.sqlite"])
def test_a_missing_extension_says_what_to_install(place, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))  # where DuckDB has what it installed
    monkeypatch.setenv("JUPYTER_LOOPS_TOKEN", "0123456789abcdef")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(HistoryError, match=r'pip install "jupyter-loops\[team\]".*or once, in DuckDB: INSTALL \w+$'):
        History(place).sql("FROM runs")
