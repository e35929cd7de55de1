"""Other programs on the same file, and many of our own at once."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

ROUNDS, WRITERS = 10, 8
COMMAND_LINE = shutil.which("duckdb", path=f"{sys.prefix}/.team/bin{os.pathsep}{os.environ['PATH']}")


def test_eight_writers_and_a_reader_all_get_their_turn(path, history):
    import contention

    written, asked = contention.contend(path, ROUNDS, WRITERS)

    assert history.sql("SELECT count(*) FROM events").fetchall() == [(WRITERS * (11 * ROUNDS + 2),)]
    assert history.verify() == []
    seconds = [one["seconds"] for one in written]
    assert max(seconds) <= contention.SLOWEST * sum(seconds) / len(seconds)
    assert asked["waits"]
    assert [one["notices"] for one in (*written, asked)] == [[]] * (WRITERS + 1)


def test_a_new_file_can_be_read_by_the_oldest_duckdb_that_we_run_on(history, path, a_run):
    for record in a_run():
        history.append(record)
    history.close()

    with duckdb.connect(str(path), read_only=True) as outside:
        (version,) = outside.execute(
            "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = 'history'"
        ).fetchone()
    assert version.startswith("v1.5.0")


@pytest.mark.skipif(not COMMAND_LINE, reason="the DuckDB command line is not installed")
def test_the_command_line_reads_while_a_run_goes_on(history, path, a_run):
    for record in a_run():
        history.append(record)
    history.flush()

    said = subprocess.run(
        [COMMAND_LINE, "-readonly", "-csv", "-noheader", path, "SELECT loop, status FROM run_summary"],
        capture_output=True, text=True, check=True, env=os.environ,
    )  # fmt: skip

    assert said.stdout.strip() == "slug,verified"


def test_a_connection_of_this_very_process_delays_and_loses_nothing(history, path, a_run):
    records = a_run()
    for record in records[:5]:
        history.append(record)
    history.flush()
    with duckdb.connect(str(path), read_only=True) as mine:  # as %sql of jupysql does
        for record in records[5:]:
            history.append(record)
        assert mine.execute("SELECT count(*) FROM events").fetchall() == [(5,)]
        with pytest.raises(Exception, match="this very process"):
            history.flush(patience=0.2)
        assert len(history.records(records[0].run)) == len(records)  # from a copy, while it is held
        assert "this very process" in history.note
        held = duckdb.connect(str(path), read_only=True)  # its lock has outlived the copying
        assert held.execute("SELECT count(*) FROM events").fetchall() == [(5,)]
        held.close()

    assert len(history.records(records[0].run)) == len(records)
    assert history.verify() == []
