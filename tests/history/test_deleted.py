"""What a person deletes, moves or puts back under a living kernel is noticed at the next event, and none is missing."""

import contextlib
import shutil
from datetime import UTC, datetime

import pytest

from jupyter_loops.core.events import Record
from jupyter_loops.errors import HistoryError
from jupyter_loops.history import History, journal, store
from jupyter_loops.history.lease import BusyError


def delete_the_file(path):
    path.unlink()


def delete_the_journal(path):
    shutil.rmtree(path.with_name("h.duckdb.journal"))


def delete_both(path):
    delete_the_file(path)
    delete_the_journal(path)


def delete_the_folder(path):
    shutil.rmtree(path.parent)


def rename_the_folder(path):
    path.parent.rename(path.parent.with_name("renamed"))


def put_a_backup_back(path):
    path.with_name("backup").replace(path)


def copy_a_backup_over_it(path):
    shutil.copyfile(path.with_name("backup"), path)


DEEDS = (
    delete_the_file, delete_the_journal, delete_both, delete_the_folder, rename_the_folder, put_a_backup_back,
    copy_a_backup_over_it,
)  # fmt: skip


@pytest.fixture
def path(tmp_path):
    (tmp_path / "project").mkdir()
    return tmp_path / "project" / "h.duckdb"


@pytest.fixture(params=["", "x" * 60_000], ids=["one file", "many files"])
def events(request, started, a_round):
    said = [started()]
    for n in range(1, 41):
        said += a_round(n, text=f"{n} {request.param}", answer=f"{n} answers {request.param}")
    return said


@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.__name__)
@pytest.mark.parametrize("drained", [True, False], ids=["drained", "in the journal"])
def test_a_run_that_goes_on_is_whole_in_the_end(path, history, events, deed, drained):
    history.flush()
    shutil.copy(path, path.with_name("backup"))
    middle = len(events) // 2
    for seq, event in enumerate(events, start=1):
        if seq == middle:
            if drained:
                history.flush()
            deed(path)
        history.append(Record("run", seq, datetime.now(UTC), event))
        if drained and seq % 50 == 0:
            history.flush()

    assert [seq for (seq,) in history.sql("SELECT seq FROM events ORDER BY seq")] == list(range(1, len(events) + 1))
    assert history.verify() == []
    assert history.sql("SELECT count(*) FROM candidates WHERE text IS NOT NULL").fetchall() == [(40,)]
    said = [notice for notice in history.notices if "was deleted or moved; it" in notice]
    assert said or deed in {put_a_backup_back, copy_a_backup_over_it}
    history.close()
    again = History(path)
    assert len(again.records("run")) == len(events)
    again.close()


@pytest.mark.parametrize("moment", ["before the commit", "after the commit"])
@pytest.mark.parametrize("deed", [delete_the_file, put_a_backup_back], ids=lambda deed: deed.__name__)
def test_a_file_that_is_replaced_while_it_is_written_takes_no_events_along(
    *, path, history, a_run, deed, moment, monkeypatch
):
    history.flush()
    shutil.copy(path, path.with_name("backup"))
    insert, deeds = store.insert, [deed]

    def meanwhile(*arguments):
        if moment == "after the commit":
            insert(*arguments)
        while deeds:
            deeds.pop()(path)
        if moment == "before the commit":
            insert(*arguments)

    for record in a_run("over"):
        history.append(record)
    monkeypatch.setattr(store, "insert", meanwhile)
    with contextlib.suppress(BusyError):
        history.flush()
    history.flush()

    assert history.sql("SELECT run_id FROM runs").fetchall() == [("over",)]
    assert history.verify() == []


@pytest.mark.parametrize("deed", [delete_the_file, delete_both, delete_the_folder], ids=lambda deed: deed.__name__)
def test_a_run_that_was_over_and_stored_goes_with_the_file(path, history, a_run, deed):
    for record in a_run("over"):
        history.append(record)
    history.flush()
    deed(path)
    for record in a_run("later"):
        history.append(record)

    assert history.sql("SELECT run_id FROM runs").fetchall() == [("later",)]
    assert history.verify() == []


def test_nothing_but_a_question_makes_what_was_deleted_anew(path, history, a_run):
    for record in a_run():
        history.append(record)
    history.flush()
    delete_the_folder(path)

    assert history.sql("FROM runs").fetchall() == []
    assert path.exists()
    assert path.with_name("h.duckdb.journal").stat().st_mode & 0o077 == 0


def test_files_of_runs_that_go_on_are_kept_until_they_end_and_no_longer(path, history, started, a_round, a_run):
    history.append(Record("run", 1, datetime.now(UTC), started()))
    for n in range(60):
        event = a_round(n, answer=f"{n} answers {'x' * 60_000}")[2]
        history.append(Record("run", n + 2, datetime.now(UTC), event))
        history.flush()
    log = history.journal
    assert 0 < len(log._retained) <= journal.MAX_RETAINED
    assert len(list(path.with_name("h.duckdb.journal").glob("*.journal"))) <= 2

    ended = a_run()[-1].event
    history.append(Record("run", 62, datetime.now(UTC), ended))
    history.flush()
    assert log._retained == []


def test_a_damaged_file_that_is_moved_away_is_made_anew_and_a_backup_taken_in(path, history, a_run, tmp_path):
    for record in a_run("before"):
        history.append(record)
    history.flush()
    backup = tmp_path / "backup.duckdb"
    shutil.copy(path, backup)
    content = bytearray(path.read_bytes())
    content[4096:40_000] = bytes(range(256)) * 140 + bytes(64)
    path.write_bytes(content)
    for record in a_run("during"):
        history.append(record)
    with pytest.raises(
        HistoryError, match=r"is damaged: .*; %loops repair .*; or move it away, and a new one is made at once"
    ):
        history.sql("FROM runs")

    path.rename(path.with_name("damaged"))
    assert [run for (run,) in history.sql("SELECT run_id FROM runs")] == ["during"]
    with contextlib.closing(History(backup)) as other:
        history.merge(other)
    assert [run for (run,) in history.sql("SELECT run_id FROM runs ORDER BY ALL")] == ["before", "during"]
    assert history.verify() == []
