"""Own and total are different columns, a sum over runs counts nothing twice, and a replay takes nothing."""

from datetime import UTC, datetime

import duckdb
import pytest

from jupyter_loops.core.events import Record, RunEnded
from jupyter_loops.history import History, audit, comments, migrations, steps
from jupyter_loops.history.lease import Lease
from jupyter_loops.history.views import VIEWS
from tests.history.older import TO_SCHEMA_2

SUMS = "SELECT sum(usd), sum(tokens), sum(calls) FROM runs"


@pytest.fixture
def nested(history, started, a_round):
    """A run of one call with two runs inside it, one of which has another inside."""

    def say(run, usage, parent=None, relation=""):
        events = [started(parent=parent, relation=relation), *a_round(1)]
        events.append(RunEnded(reason="verified", message="", usage=usage, iterations=1, best=1))
        for seq, event in enumerate(events, start=1):
            history.append(Record(run, seq, datetime.now(UTC), event))

    for run, count, parent in [("a", 4, None), ("b", 2, "a"), ("c", 1, "a"), ("d", 1, "b")]:
        usage = {"usd": 0.001 * count, "tokens": 15 * count, "seconds": 1.0, "calls": count}  # as its ledger has it
        say(run, usage, parent, "nested" if parent else "")
    say("again", {"usd": 0.0, "tokens": 15, "seconds": 1.0, "calls": 1}, "a", "replay")
    history.flush()
    return history


def test_a_sum_over_runs_is_the_sum_over_calls(nested):
    assert nested.sql(SUMS).fetchall() == [(pytest.approx(0.004), 60, 5)]
    assert nested.sql("SELECT sum(usd) FROM costs").fetchall() == [(pytest.approx(0.004),)]
    assert nested.verify() == []


def test_what_a_run_took_with_those_inside_it_is_in_the_summary(nested):
    rows = nested.sql("SELECT run_id, tokens, total_tokens, total_usd FROM run_summary ORDER BY run_id").fetchall()

    assert rows == [
        ("a", 15, 60, pytest.approx(0.004)),
        ("again", 0, 0, 0.0),
        ("b", 15, 30, pytest.approx(0.002)),
        ("c", 15, 15, pytest.approx(0.001)),
        ("d", 15, 15, pytest.approx(0.001)),
    ]


@pytest.mark.parametrize("view", ["costs", "calls"])
def test_a_replay_takes_nothing_anywhere(nested, view):
    taken = f"SELECT prompt_tokens, completion_tokens, usd FROM {view} WHERE run_id = 'again'"

    assert nested.sql(taken).fetchall() == [(0, 0, 0.0)]


def test_a_history_of_the_version_before_is_put_right_and_verifies(nested, path):
    nested.close()
    with duckdb.connect(str(path)) as old:  # as version 1 had it
        old.execute("UPDATE runs SET usd = 0.004, tokens = 60, calls = 4 WHERE run_id = 'a'")
        old.execute("UPDATE runs SET tokens = 15 WHERE run_id = 'again'")
        old.execute("UPDATE calls SET prompt_tokens = 10, completion_tokens = 5, usd = 0.001 WHERE run_id = 'again'")
        old.execute(
            VIEWS[VIEWS.index("CREATE VIEW run_summary") :].partition(";")[0].replace("VIEW", "OR REPLACE VIEW", 1)
        )
        old.execute(TO_SCHEMA_2 + "DELETE FROM schema_versions WHERE version > 1")

    now = History(path)
    assert now.sql(SUMS).fetchall() == [(pytest.approx(0.004), 60, 5)]
    assert now.verify() == []
    assert path.with_name("history.duckdb.v1").exists()
    now.close()


def test_a_column_that_a_step_adds_is_described_and_does_not_disturb_the_proof(nested, path, monkeypatch):
    added = (*steps.STEPS, "ALTER TABLE iterations ADD COLUMN mood VARCHAR;  -- how it went\n")
    nested.close()
    monkeypatch.setattr(audit, "STEPS", added)
    journals = path.with_name("history.duckdb.journal")

    migrations.migrate(Lease(path, journals / "turnstile"), journals, added)

    described = {table.name: table.columns for table in comments.described(added)}
    assert described["iterations"]["mood"] == "how it went"
    with duckdb.connect(str(path)) as now:
        assert audit.rows(now) == []
