"""`%loops sandbox` on this very machine."""

from __future__ import annotations

import shutil

import pytest

from jupyter_loops.execution import isolation
from jupyter_loops.execution.probe import TRIED
from jupyter_loops.notebook import sandbox_table

bwrap = pytest.mark.skipif(not shutil.which("bwrap"), reason="no bwrap")


def columns(table):
    return {row[0]: row[1:] for row in table.rows}


@bwrap
def test_it_shows_what_a_candidate_gets_at_each_level(tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    table = sandbox_table.table(["process", "bubblewrap"])
    can = columns(table)

    assert table.header == ("a candidate can", "process", "bubblewrap")
    assert can.keys() == set(TRIED.values())
    assert can["read your home folder"] == ("yes", "no (No such file or directory)")
    assert can["connect to a port of this machine"][0] == "yes"
    assert can["connect to a port of this machine"][1].startswith("no (")
    assert can["see your other processes"][1].startswith("no")
    assert can["start a program"] == can["use multiprocessing"] == ("yes", "yes")
    assert can["leave a process that lives on"] == ("no (it ended with its attempt)",) * 2
    assert "accidents" in table.note
    assert [path.name for path in tmp_path.iterdir()] == ["home"], "what was laid out is gone"
    assert not list(home.iterdir())


def test_it_says_what_would_be_stronger_and_how(monkeypatch):
    monkeypatch.setattr(isolation, "_why_not_bubblewrap", lambda: "bwrap is not installed")
    monkeypatch.setattr(isolation, "_why_not_landlock", str)

    bubblewrap, landlock = isolation.stronger("process")
    assert bubblewrap.startswith("bubblewrap (bwrap is not installed; install it (Debian: apt install bubblewrap)")
    assert landlock == "landlock (--sandbox landlock)"
    assert isolation.stronger("bubblewrap") == []
