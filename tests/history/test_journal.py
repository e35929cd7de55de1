import os
import stat
import threading
from datetime import UTC, datetime

import pytest

from jupyter_loops.core.events import CallFinished, NoteAdded, Record, StateChanged
from jupyter_loops.errors import HistoryError
from jupyter_loops.history import segment as segment_file
from jupyter_loops.history.journal import SegmentJournal
from jupyter_loops.history.journal_frame import Entry, behind, pack, read
from jupyter_loops.history.segment import RESERVE, ROOM, SUFFIX, Segment


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "journal"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def journal(folder):
    opened = SegmentJournal(folder, lambda _run: "", lambda: None)
    yield opened
    opened.close()


@pytest.fixture
def flushes(monkeypatch):
    """Counts the flushes to the disk."""
    counted = []
    flush = segment_file._flush
    monkeypatch.setattr(segment_file, "_flush", lambda fd: (counted.append(fd), flush(fd)))
    return counted


def note(seq, text="n", run="r"):
    return Record(run, seq, datetime.now(UTC), NoteAdded(iteration=1, message=text))


def entries(folder):
    """What another process would find in the files."""
    return [entry for path in sorted(folder.glob(f"*{SUFFIX}")) for entry in read(path.read_bytes())]


def test_what_was_appended_is_in_the_file_when_append_returns(journal, folder):
    journal.append(note(1, "hello"))

    (entry,) = entries(folder)
    assert (entry.run, entry.seq) == ("r", 1)
    assert '"message":"hello"' in entry.body


def test_only_events_that_money_or_a_person_stands_behind_wait_for_the_disk(journal, flushes):
    journal.append(Record("r", 1, datetime.now(UTC), StateChanged(iteration=1, source="plan", to="execute")))
    journal.append(note(2))
    assert flushes == []

    journal.append(Record("r", 3, datetime.now(UTC), CallFinished(call=1, iteration=1)))
    assert len(flushes) == 1


def test_threads_that_wait_at_once_share_a_flush(journal, monkeypatch):
    inside, go = threading.Semaphore(0), threading.Event()
    count = []

    def slow(_fd):
        count.append(1)
        inside.release()
        go.wait(10)

    monkeypatch.setattr(segment_file, "_flush", slow)

    def durable(run):
        journal.append(Record(run, 1, datetime.now(UTC), CallFinished(call=1, iteration=1)))

    threads = [threading.Thread(target=durable, args=(f"r{n}",)) for n in range(20)]
    threads[0].start()
    inside.acquire()
    for thread in threads[1:]:
        thread.start()
    while journal._appended == 0 or len(entries(journal._folder)) < 20:
        pass
    go.set()
    for thread in threads:
        thread.join(10)

    assert len(count) == 2  # the first, and one for the nineteen that came meanwhile


def test_appends_of_many_threads_are_whole_and_in_order_within_their_run(journal, folder):
    def write(run):
        for seq in range(1, 51):
            journal.append(note(seq, "x" * seq * 10, run))

    threads = [threading.Thread(target=write, args=(f"r{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = entries(folder)
    assert len(found) == 400
    for n in range(8):
        assert [entry.seq for entry in found if entry.run == f"r{n}"] == list(range(1, 51))


def test_the_folder_and_its_files_are_for_the_owner_only(history, path, a_run):
    history.append(a_run()[0])

    journals = path.with_name("history.duckdb.journal")
    assert stat.S_IMODE(journals.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in journals.iterdir()} == {0o600}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_text_that_the_file_has_is_not_written_again(journal, folder):
    for seq in range(1, 11):
        journal.append(Record("r", seq, datetime.now(UTC), CallFinished(call=1, iteration=1, text="long " * 1000)))

    assert sum(len(entry.texts) for entry in entries(folder)) == 1


def test_a_new_file_is_begun_when_one_is_full_and_repeats_the_texts_it_needs(journal, folder):
    answer = CallFinished(call=1, iteration=1, text="the same")
    journal.append(Record("r", 1, datetime.now(UTC), answer))
    journal.append(note(2, "x" * ROOM))
    journal.append(Record("r", 3, datetime.now(UTC), answer))

    paths = sorted(folder.glob(f"*{SUFFIX}"))
    assert len(paths) == 2
    assert sorted(len(entry.texts) for path in paths for entry in read(path.read_bytes())) == [0, 1, 1]


def test_files_of_one_second_reach_the_database_in_the_order_they_were_begun(history):
    journal = SegmentJournal(history._opened().store.journals, lambda _run: "", lambda: None)
    for seq in range(1, 13):
        journal.append(note(seq, "x" * (ROOM - RESERVE)))
    journal.close()  # as of a process that has died: twelve files, begun within a second or two

    assert history.sql("SELECT seq FROM events ORDER BY seq").fetchall() == [(seq,) for seq in range(1, 13)]
    assert history.verify() == []


def test_what_no_event_of_ours_holds_stops_no_event_behind_it(history):
    journals = history._opened().store.journals
    dead = Segment.create(journals)
    dead.append(
        pack("r", 1, "h", b'{"kind": "noted", "message": "\x1e\x1f"}') + pack("r", 2, "h", b'{"kind": "noted"}')
    )
    dead.close()

    assert history.sql("SELECT seq, body FROM events ORDER BY seq").fetchall() == [
        (1, '{"kind": "noted", "message": ""}'),
        (2, '{"kind": "noted"}'),
    ]


@pytest.mark.parametrize("cut", [1, 5, 11, 12, 13, 40])
def test_a_torn_tail_is_left_out(cut):
    whole = [Entry("r", n, "h", "{}", (("s", "t"),)).pack() for n in (1, 2)]

    found = [entry.seq for entry in read((whole[0] + whole[1])[: len(whole[0]) + cut])]

    assert found == [1]


def test_a_flipped_bit_is_noticed():
    content = bytearray(Entry("r", 1, "h", '{"a": 1}').pack() + Entry("r", 2, "h", "{}").pack())
    content[30] ^= 1

    assert [entry.seq for entry in read(bytes(content))] == [2]
    assert behind(bytes(content), 0) is not None


def test_the_file_of_a_living_process_cannot_be_inherited(journal, folder):
    journal.append(note(1))
    (path,) = folder.glob(f"*{SUFFIX}")

    assert Segment.inherit(path) is None


def test_a_disk_that_refuses_is_an_error_until_there_is_room_and_nothing_is_missing(journal, folder, monkeypatch):
    def full(_fd):
        raise OSError(28, "No space left on device")

    durable = CallFinished(call=1, iteration=1)
    monkeypatch.setattr(segment_file, "_flush", full)
    for _ in range(2):
        with pytest.raises(HistoryError, match="No space left"):
            journal.append(Record("r", 1, datetime.now(UTC), durable))

    monkeypatch.setattr(segment_file, "_flush", os.fsync)
    journal.append(Record("r", 2, datetime.now(UTC), durable))
    assert {entry.seq for entry in entries(folder)} == {1, 2}


def test_a_forked_child_writes_a_journal_of_its_own(history, a_run):
    records = a_run("parent"), a_run("child")
    history.append(records[0][0])
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for record in records[1]:
                history.append(record)
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    for record in records[0][1:]:
        history.append(record)

    assert [run for (run,) in history.sql("SELECT run_id FROM runs ORDER BY run_id").fetchall()] == ["child", "parent"]
    assert len(history.records("child")) == len(history.records("parent")) == len(records[0])


def test_a_name_that_another_process_has_gives_way_to_the_next(tmp_path):
    (tmp_path / f"now-{os.getpid()}-token-00000003{SUFFIX}").touch()
    Segment.create(tmp_path, "token", "now", 3).append(b"x")

    assert sorted(path.name.split("-")[-1] for path in tmp_path.iterdir()) == ["00000003.journal", "00000004.journal"]
