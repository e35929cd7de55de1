"""The first real migration: a next version adds a table, two columns and a reason to stop, and every kind of history
goes on. The next version is a copy of the package; it meets a history that this one has written.

The places of a team need DuckDB's extensions, which another environment has: test_team.py runs this there.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import jupyter_loops
from jupyter_loops.errors import NewerHistoryError
from jupyter_loops.history import History

from .test_contract import PLACES, cluster, data, free_port, place

__all__ = ["cluster", "data", "place"]

NEXT = '''
STEPS = (*STEPS, """
-- What a person called a run.
-- Example: FROM labels
CREATE TABLE labels (
    run_id VARCHAR,  -- of runs
    label  VARCHAR   -- the name
);
ALTER TABLE notes ADD COLUMN mood VARCHAR;  -- of who wrote it
ALTER TABLE calls ADD COLUMN retries INTEGER;  -- how often it was sent again
""")
'''


@pytest.fixture
def next_version(tmp_path):
    """Runs the next version with a history."""
    package = tmp_path / "next" / "jupyter_loops"
    shutil.copytree(
        Path(jupyter_loops.__file__).parent, package, ignore=shutil.ignore_patterns("static", "labextension", "*.pyc")
    )
    with (package / "history" / "steps.py").open("a") as steps:
        steps.write(NEXT)

    def run(*arguments):
        command = [sys.executable, Path(__file__).with_name("the_next_version.py"), *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": str(package.parent), "PYTHONSAFEPATH": "1"}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def written(place, records):
    history = History(place)
    for record in records:
        history.append(record)
    history.flush()
    history.close()


def holds(found):
    """What has to be true of any kind of history that the next version goes on with."""
    assert found["before"] == found["after"] == []
    assert found["version"] == 0  # steps that are still to be done
    assert found["ends"] == [["slug", "verified"], ["next", "bored"]]
    assert found["described"] == "of who wrote it"
    assert "labels" in found["tables"]
    assert found["drawn"]


@pytest.mark.parametrize("place", [kind for kind in PLACES if kind != "quack"], indirect=True)
def test_a_history_of_today_goes_on_in_the_next_version(place, a_run, next_version):
    written(place, a_run())

    holds(next_version(place))

    with pytest.raises(NewerHistoryError, match="upgrade jupyter-loops"):
        History(place).sql("FROM runs")


@pytest.mark.skipif("quack" not in PLACES, reason="runs in the environment of a team, see test_team.py")
def test_a_file_of_today_that_the_next_version_serves_by_quack_goes_on(tmp_path, data, a_run, next_version):
    file = tmp_path / "served.duckdb"
    written(file, a_run())

    holds(next_version(file, free_port()))
