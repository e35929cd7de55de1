"""`%loops repair`: what is left of a history, wherever it is, is in a new one, and the old file is kept."""

import contextlib
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from jupyter_loops.command import main
from jupyter_loops.core.events import Record
from jupyter_loops.errors import HistoryError, NewerHistoryError
from jupyter_loops.history import History
from jupyter_loops.history.lease import FORMAT
from jupyter_loops.history.lock import FileLock

BLOCK, FIRST = 65536, 12288


def write(path, *runs):
    history = History(path)
    for run in runs:
        for record in run:
            history.append(record)
    history.close()


def block_of(path, table, column):
    """Where the first block of a column is that no other column shares."""
    with duckdb.connect() as memory:
        memory.execute(f"ATTACH '{path}' AS file (READ_ONLY)")
        rows = memory.execute(
            f"SELECT block_id FROM pragma_storage_info('file.{table}') WHERE column_name = $column AND block_id > 0 "
            "ORDER BY start",
            {"column": column},
        ).fetchall()
    return FIRST + rows[0][0] * BLOCK


def damage(path, at, size=64):
    content = bytearray(path.read_bytes())
    content[at : at + size] = b"\xa5" * size
    path.write_bytes(content)


def runs(history):
    return [run for (run,) in history.sql("SELECT run_id FROM runs ORDER BY ALL")]


@pytest.fixture
def opened(path):
    histories = []

    def open_it(where=path):
        histories.append(History(where))
        return histories[-1]

    yield open_it
    for history in histories:
        history.close()


def test_what_is_around_a_damaged_block_is_saved_and_the_rest_is_told(path, opened, a_run):
    write(path, *(a_run(f"run{n:03}", rounds=20) for n in range(40)))
    damage(path, block_of(path, "events", "body") + 1000)
    before = path.read_bytes()
    history = opened()
    with pytest.raises(HistoryError, match="%loops repair makes a history of what is left"):
        list(history.records(runs(history)[0]))

    done = history.repair()

    assert 20 < done.runs < 40
    assert done.old_file.name.startswith("history.duckdb.damaged-2")
    assert done.old_file.read_bytes() == before
    said = str(done)
    assert said.startswith(f"saved {done.runs} runs with {done.events:,} events, from history.duckdb; the old file is ")
    assert "missing: up to " in said
    assert "whole runs (run" in said
    assert len(runs(history)) == done.runs
    assert all("missing from here" in finding.what for finding in history.verify())  # of one run that was cut
    assert runs(opened()) == runs(history)


def test_a_block_of_a_column_that_the_events_tell_anyway_costs_nothing(path, opened, a_run):
    write(path, *(a_run(f"run{n:03}", rounds=20) for n in range(10)))
    damage(path, block_of(path, "verdicts", "details") + 100)

    done = opened().repair()

    assert (done.runs, done.missing) == (10, [])
    assert opened().verify() == []


def test_journals_and_backups_give_what_the_file_does_not(path, opened, a_run):
    write(path, a_run("old"))
    shutil.copy(path, path.with_name("history.duckdb.v2"))
    history = opened()
    history.flush()
    for record in a_run("new"):
        history.append(record)
    path.write_bytes(b"nothing of it is left" * 1000)

    done = history.repair()

    assert runs(history) == ["new", "old"]
    assert done.sources == ["history.duckdb.v2", "the journals"]
    assert history.verify() == []
    assert done.old_file.read_bytes() == b"nothing of it is left" * 1000


def test_a_kernel_with_a_run_goes_on_after_the_repair(path, opened, started, a_round):
    history = opened()
    events = [started(), *a_round(1), *a_round(2)]
    for seq, event in enumerate(events, start=1):
        history.append(Record("run", seq, datetime.now(UTC), event))
        if seq == 10:
            history.flush()
            damage(path, 4096, 8192)
        if seq == 15:
            opened().repair()  # as from another kernel

    assert [seq for (seq,) in history.sql("SELECT seq FROM events ORDER BY seq")] == list(range(1, len(events) + 1))
    assert history.verify() == []


def test_a_damaged_log_costs_what_is_behind_the_damage_and_no_more(path, opened, a_run):
    write(path, a_run("stored"))
    code = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); c.execute(\"SET checkpoint_threshold = '1GB'\")\n"
        "for n in range(20): c.execute('INSERT INTO texts VALUES ($n, $text)', {'n': n, 'text': str(n) * 9999})\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, path], check=False)
    log = path.with_name("history.duckdb.wal")
    damage(log, log.stat().st_size // 2)
    before, history = log.read_bytes(), opened()
    with pytest.raises(HistoryError, match="%loops repair"):
        history.sql("FROM runs")

    done = history.repair()

    assert runs(history) == ["stored"]
    assert history.verify() == []
    (said,) = done.missing
    kept, all_ = int(re.search(r"first ([\d,]+) bytes", said)[1].replace(",", "")), len(before)
    assert 0.4 * all_ < kept < 0.6 * all_
    assert not log.exists()
    assert done.old_file.with_name(f"{done.old_file.name}.wal").read_bytes() == before


@pytest.mark.parametrize("table", ["runs", "verdicts", "texts"])
def test_a_half_history_is_made_whole(path, opened, a_run, table):
    write(path, a_run("whole"))
    with duckdb.connect(str(path)) as outside:
        outside.execute(f"DROP TABLE {table}")

    done = opened().repair()

    assert runs(opened()) == ["whole"]
    assert opened().verify() == []
    empty = "7 texts that are nowhere: their hashes are kept, as of forgotten ones"
    assert done.missing == (["the table texts of history.duckdb", empty] if table == "texts" else [])


def test_without_its_runs_a_history_says_at_once_what_to_do(path, opened, a_run):
    write(path, a_run("whole"))
    with duckdb.connect(str(path)) as outside:
        outside.execute("DROP TABLE runs")

    with pytest.raises(HistoryError, match="lacks its table runs: %loops repair"):
        opened().sql("FROM events")


def test_another_programs_database_stays_where_there_is_nothing_of_ours(path, opened):
    with duckdb.connect(str(path)) as other:
        other.execute("CREATE TABLE precious (x INTEGER)")
    before = path.read_bytes()

    with pytest.raises(HistoryError, match="nothing of a history was found"):
        opened().repair()
    assert path.read_bytes() == before
    assert {one.name for one in path.parent.iterdir()} == {"history.duckdb", "history.duckdb.journal"}


def test_another_programs_database_in_the_place_of_a_history_is_kept_beside_it(path, opened, a_run):
    write(path, a_run("ours"))
    shutil.move(path, path.with_name("history.duckdb.v2"))
    with duckdb.connect(str(path)) as other:
        other.execute("CREATE TABLE precious (x INTEGER)")
    history = opened()
    with pytest.raises(HistoryError, match=r"not a history of jupyter-loops.*%loops repair"):
        history.sql("FROM runs")

    kept = history.repair().old_file

    assert runs(history) == ["ours"]
    with duckdb.connect(str(kept)) as other:
        assert other.execute("FROM precious").fetchall() == []


def test_a_sound_history_is_left_alone(path, opened, a_run):
    write(path, a_run())
    before = path.read_bytes()

    with pytest.raises(HistoryError, match="can be read from end to end: %loops verify"):
        opened().repair()
    assert path.read_bytes() == before
    with pytest.raises(HistoryError, match="there is no file"):
        opened(path.with_name("none.duckdb")).repair()


def test_a_newer_history_is_left_alone(path, opened, a_run):
    write(path, a_run())
    with duckdb.connect(str(path)) as newer:
        newer.execute("INSERT INTO schema_versions VALUES (99, now()::TIMESTAMP)")
    before = path.read_bytes()

    with pytest.raises(NewerHistoryError, match="schema version 99"):
        opened().repair()
    assert path.read_bytes() == before


def test_a_history_in_use_is_left_alone_and_who_has_it_is_told(path, opened, a_run, holder):
    write(path, a_run())
    process = holder(30)

    with pytest.raises(HistoryError, match=f"in use by another program.*PID {process.pid}"):
        opened().repair()


def test_what_was_pruned_or_forgotten_does_not_come_back(path, opened, a_run):
    write(path, a_run("pruned"), a_run("forgotten"), a_run("kept", source="another cell"))
    history = opened()
    shutil.copy(path, path.with_name("history.duckdb.v2"))
    history.sql("UPDATE runs SET updated_at = '2020-01-01' WHERE run_id = 'pruned'", write=True)
    assert history.prune(timedelta(days=90), keep_verified=False) == ["pruned"]
    history.close()
    with duckdb.connect(str(path)) as outside:
        outside.execute("DROP TABLE texts")  # so that the backup is asked

    opened().repair()

    assert runs(opened()) == ["forgotten", "kept"]
    assert opened().verify() == []


def test_a_run_that_is_lost_is_put_down_and_is_no_alarm_later(path, opened, a_run):
    write(path, a_run("lost"), a_run("saved"))
    with duckdb.connect(str(path)) as outside:
        for table in ("events", "runs", "iterations", "calls", "actions", "verdicts", "notes"):
            outside.execute(f"DELETE FROM {table} WHERE run_id = 'lost'")
        outside.execute("DROP TABLE runs")
    history = opened()

    done = history.repair()

    assert done.missing == ["1 whole run (lost)"]
    assert history.verify() == []
    assert history.sql("SELECT what FROM heads WHERE run_id = 'lost' ORDER BY number").fetchall() == [
        ("ended",), ("lost",),
    ]  # fmt: skip
    ((lost,),) = history.sql("SELECT noted_at FROM heads WHERE what = 'lost'").fetchall()
    assert history.whole_since() == lost


def test_a_damaged_journal_beside_it_is_taken_in(path, opened, a_run):
    history = opened()
    history.flush()
    token = history.journal.token
    for record in a_run("new"):
        history.append(record)
    history.journal.close()
    (file,) = path.with_name("history.duckdb.journal").glob(f"*{token}*")
    file.rename(file.with_suffix(".damaged"))
    path.write_bytes(b"x" * 20_000)

    done = opened().repair()

    assert done.runs == 1
    assert runs(opened()) == ["new"]


def test_nothing_is_left_beside_it_and_nobody_waits(path, opened, a_run):
    write(path, a_run())
    damage(path, 4096, 8192)
    with pytest.raises(HistoryError, match="nothing of a history was found"):
        opened().repair()

    left = {one.name for one in path.with_name("history.duckdb.journal").iterdir()}
    assert left == {"turnstile"}
    with contextlib.closing(FileLock.wait(path.with_name("history.duckdb.journal") / "turnstile", 0.0)) as free:
        assert free is not None


def test_the_command_line_repairs_too(path, a_run, capsys):
    write(path, a_run("one"))
    shutil.copy(path, path.with_name("history.duckdb.v2"))
    path.write_bytes(b"x" * 20_000)

    assert main(["repair", str(path)]) == 0
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == f"saved 1 run with {len(a_run())} events, from history.duckdb.v2"
    assert main(["repair", str(path)]) == 1
    assert "can be read from end to end" in capsys.readouterr().err


def test_a_log_of_another_block_size_is_no_hindrance(path, opened, a_run):
    """A history that somebody copied with DuckDB has other blocks, and is read all the same."""
    write(path, a_run("copied"))
    other = path.with_name("other.duckdb")
    with duckdb.connect() as memory:
        memory.execute(
            f"ATTACH '{path}' AS old (READ_ONLY); ATTACH '{other}' AS new ({FORMAT.replace('65536', '16384')})"
        )
        memory.execute("COPY FROM DATABASE old TO new")
    with duckdb.connect(str(other)) as outside:
        outside.execute("DROP TABLE calls")

    assert opened(other).repair().runs == 1
    assert opened(other).verify() == []
