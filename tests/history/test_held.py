"""Another program keeps the file open for writing: nobody waits, and who it is is told."""

import os
import time
from datetime import UTC, datetime

import pytest

from jupyter_loops.core.events import NoteAdded, Record
from jupyter_loops.errors import HistoryError
from jupyter_loops.history import History, file_errors


@pytest.fixture
def filled(history, a_run):
    for record in a_run():
        history.append(record)
    history.flush()
    return history


def test_a_query_says_within_a_second_who_has_the_file_and_answers_from_a_copy(filled, holder):
    process = holder(30)
    begun = time.perf_counter()
    result = filled.sql("SELECT loop, stop_reason::VARCHAR FROM runs")

    assert time.perf_counter() - begun < 3  # one, where nobody else wants the machine
    assert result.fetchall() == [("slug", "verified")]
    assert f"in use by another program: {file_errors.Holder(process.pid, 'python', 0.0).name}" in result.note
    assert f"(PID {process.pid}, running since " in result.note
    assert "the history is read from a copy of it" in repr(result)


def test_the_copy_has_what_is_in_the_journals_of_every_kernel(filled, holder, path, start):
    say = (
        "import sys, time; from datetime import UTC, datetime; from jupyter_loops.history import History;"
        "from jupyter_loops.core.events import NoteAdded, Record; history = History(sys.argv[1]); history.journal;"
        "print('open', flush=True); input();"
        "history.append(Record('theirs', 1, datetime.now(UTC), NoteAdded(iteration=1, message='m')));"
        "print('said', flush=True); time.sleep(60)"
    )
    import subprocess
    import sys

    other = subprocess.Popen(
        [sys.executable, "-c", say, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout.readline() == "open\n"
        holder(30)
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "said\n"
        filled.append(Record("mine", 1, datetime.now(UTC), NoteAdded(iteration=1, message="m")))

        assert {run for (run,) in filled.sql("SELECT run_id FROM runs")} >= {"mine", "theirs"}
        filled.append(Record("mine", 2, datetime.now(UTC), NoteAdded(iteration=1, message="m")))
        assert len(filled.records("mine")) == 2
    finally:
        other.kill()
        other.wait()


def test_a_second_question_does_not_wait_at_all(filled, holder):
    holder(30)
    filled.sql("FROM runs")
    begun = time.perf_counter()
    for _ in range(5):
        filled.verified("f1")

    assert time.perf_counter() - begun < 2


def test_a_kernel_that_begins_while_the_file_is_held_keeps_its_journal_and_answers(filled, holder, path):
    holder(30)
    begun = time.perf_counter()
    second = History(path)
    second.append(Record("second", 1, datetime.now(UTC), NoteAdded(iteration=1, message="m")))

    assert time.perf_counter() - begun < 2
    assert second.run("slug")["stop_reason"] == "verified"
    assert len(second.records("second")) == 1
    assert any("in use by another program" in notice for notice in second.notices)
    second.close()


def test_what_changes_the_history_is_refused_at_once_and_says_who_has_it(filled, holder):
    process = holder(30)
    begun = time.perf_counter()
    with pytest.raises(HistoryError, match=f"PID {process.pid}"):
        filled.sql("DELETE FROM lost", write=True)

    assert time.perf_counter() - begun < 4


def test_the_copy_is_private_and_gone_when_the_history_is_closed(filled, holder, path):
    holder(30)
    old = os.umask(0)
    try:
        filled.sql("FROM runs")
    finally:
        os.umask(old)
    (copy,) = path.with_name("history.duckdb.journal").glob("new-*.duckdb")

    assert copy.stat().st_mode & 0o077 == 0
    filled.close()
    assert not copy.exists()
    assert not list(path.with_name("history.duckdb.journal").glob("new-*"))


def test_a_file_that_is_free_again_is_asked_itself(filled, holder):
    process = holder(30)
    filled.sql("FROM runs")
    assert filled.note
    process.kill()
    process.wait()

    filled.sql("FROM runs")
    assert filled.note == ""


def test_a_word_in_a_path_is_not_taken_for_a_file_in_use(tmp_path):
    place = tmp_path / "locked" / "blockchain-history is already attached.duckdb"
    place.parent.mkdir()
    place.write_text("not a database\n" * 1000)
    begun = time.perf_counter()
    with pytest.raises(HistoryError, match="is not a valid DuckDB database and stays as it is; %loops repair"):
        _ = History(place).journal

    assert time.perf_counter() - begun < 3
    assert place.read_text() == "not a database\n" * 1000
