"""Many processes on one file: real processes, real kills, real locks."""

import os
import random
import subprocess
import sys
import time
from datetime import UTC, datetime

from jupyter_loops.core.events import NoteAdded, Record
from jupyter_loops.history import History, lease, writer

KILLS = int(os.environ.get("JUPYTER_LOOPS_KILLS", "20"))


def complete(history, run, rounds):
    seqs = [seq for (seq,) in history.sql("SELECT seq FROM events WHERE run_id = $run ORDER BY seq", {"run": run})]
    return seqs == list(range(1, 5 * rounds + 3))


def test_two_processes_write_and_a_third_asks_and_nobody_waits_in_vain(history, writer, path):
    history.flush()
    writers = [writer("one", 120), writer("two", 120)]
    asked = 0
    while any(process.poll() is None for process in writers):
        history.sql("SELECT count(*), max(seq) FROM events")
        asked += 1

    assert [process.returncode for process in writers] == [0, 0]
    assert asked > 10
    assert complete(history, "one", 120)
    assert complete(history, "two", 120)
    assert history.notices == []


def test_nothing_that_was_appended_is_lost_when_a_process_is_killed(history, writer, path):
    chance = random.Random(7)
    acknowledged = {}
    for n in range(KILLS):
        process = writer(f"run-{n}", 200)
        stop_after = chance.randrange(1, 120)
        lines = []
        for line in process.stdout:
            lines.append(line)
            if len(lines) >= stop_after:
                break
        time.sleep(chance.random() * 0.02)
        process.kill()
        rest = process.stdout.read()
        process.wait()
        acknowledged[f"run-{n}"] = int(([*lines, *rest.splitlines(keepends=True)])[-1])

    for run, last in acknowledged.items():
        seqs = [seq for (seq,) in history.sql("SELECT seq FROM events WHERE run_id = $run ORDER BY seq", {"run": run})]
        assert seqs == list(range(1, len(seqs) + 1)), run
        assert len(seqs) in {last, last + 1}, run  # the last append may have succeeded without being told
    assert history.verify() == []
    assert list(path.with_name("history.duckdb.journal").glob("*.damaged")) == []


def test_a_program_that_holds_the_file_delays_and_loses_nothing(history, a_run, holder, monkeypatch):
    monkeypatch.setattr(writer, "GATHER", 0.01)
    monkeypatch.setattr(writer, "SAY", 0.5)
    monkeypatch.setattr(writer, "RETRY", 0.05)
    history.flush()
    process = holder(2.5)
    start = time.perf_counter()
    for record in a_run():
        history.append(record)
    assert time.perf_counter() - start < 1  # appending waits for nobody

    assert process.wait(5) == 0
    rows = history.sql("SELECT count(*) FROM events").fetchall()

    assert rows == [(len(a_run()),)]
    assert history.note == ""
    (told,) = [notice for notice in history.notices if "in use by another program" in notice]
    assert f"PID {process.pid}" in told


def test_a_foreign_reader_does_not_stop_queries(history, a_run, holder):
    for record in a_run():
        history.append(record)
    history.flush()
    holder(30, "True")
    history.append(Record("later", 1, datetime.now(UTC), NoteAdded(iteration=1, message="waits in the journal")))

    assert len(history.records("later")) == 1
    assert history.run("slug")["stop_reason"] == "verified"


def test_anyone_may_open_the_file_with_duckdb_while_a_run_goes_on(history, a_run, path):
    for record in a_run()[:5]:
        history.append(record)
    history.flush()
    code = "import duckdb, sys; print(duckdb.connect(sys.argv[1]).execute('SELECT count(*) FROM events').fetchall())"

    answer = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)

    assert answer.stdout == "[(5,)]\n"
    history.append(a_run()[5])
    history.flush()


def test_a_suspended_process_in_front_of_the_queue_does_not_stop_the_others(history, a_run, monkeypatch):
    from jupyter_loops.history.lock import FileLock

    monkeypatch.setattr(lease, "TURN", 0.1)
    history.flush()
    blocked = FileLock.take(history.path.with_name("history.duckdb.journal") / "turnstile")

    history.append(a_run()[0])
    assert len(history.sql("FROM runs")) == 1
    blocked.close()


def test_a_run_can_go_on_in_another_process_with_its_chain_unbroken(path, a_run):
    records = a_run()
    first = History(path)
    for record in records[:9]:
        first.append(record)
    first.close()

    second = History(path)
    for record in records[9:]:
        second.append(record)

    assert second.verify() == []
    assert len(second.records(records[0].run)) == len(records)
    second.close()


def test_events_that_are_drained_twice_are_stored_once(history, a_run):
    from jupyter_loops.history.body import chain, encode
    from jupyter_loops.history.journal_frame import pack
    from jupyter_loops.history.segment import Segment

    records = a_run()
    for record in records:
        history.append(record)
    history.flush()
    again = Segment.create(history.path.with_name("history.duckdb.journal"))  # as after a crash before its deletion
    tip = ""
    for record in records:
        body, texts = encode(record)
        tip = chain(tip, body)
        again.append(pack(record.run, record.seq, tip, body, texts.items()))
    again.close()

    assert len(history.records(records[0].run)) == len(records)
    assert history.sql("SELECT count(*) FROM iterations").fetchall() == [(2,)]
    assert history.run("slug")["tokens"] == 30


def test_two_histories_of_one_process_on_one_file_take_turns(history, path, a_run):
    other = History(path)
    for mine, theirs in zip(a_run("mine"), a_run("theirs"), strict=True):
        history.append(mine)
        other.append(theirs)
    history.flush()
    other.flush()

    assert len(history.records("mine")) == len(other.records("theirs")) == len(history.records("theirs"))
    other.close()


def test_a_process_ends_in_time_though_another_program_holds_the_file(history, start, holder, tmp_path):
    code = (
        "import pathlib, sys, time; from datetime import UTC, datetime; from jupyter_loops.history import History;"
        "from jupyter_loops.core.events import NoteAdded, Record; history = History(sys.argv[1]);"
        "say = lambda n: history.append(Record('r', n, datetime.now(UTC), NoteAdded(iteration=1, message='m')));"
        "say(1); history.flush(); print('ready', flush=True);"
        "[time.sleep(0.01) for _ in iter(pathlib.Path(sys.argv[2]).exists, True)]; say(2); time.sleep(1.5)"
    )
    process = start("-c", code, history.path, tmp_path / "held")
    assert process.stdout.readline() == "ready\n"
    blocker = holder(30)
    (tmp_path / "held").touch()

    assert process.wait(10) == 0
    blocker.kill()
    blocker.wait()
    assert len(history.records("r")) == 2
