import stat
import subprocess
import sys

import duckdb
import pytest

from jupyter_loops.errors import HistoryError, NewerHistoryError, QueryError
from jupyter_loops.history import History, default_path, migrations, open_history
from jupyter_loops.history.lease import Lease


def test_importing_the_history_loads_no_duckdb():
    code = "import sys, jupyter_loops.history; print([m for m in ('duckdb', 'pandas', 'pyarrow') if m in sys.modules])"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_history_that_is_not_used_leaves_no_file(path):
    History(path).close()

    assert list(path.parent.iterdir()) == []


def test_the_environment_chooses_the_default_file(monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTER_LOOPS_HISTORY", str(tmp_path / "mine.duckdb"))

    assert default_path() == History().path == tmp_path / "mine.duckdb"


def test_without_a_choice_the_file_is_in_the_users_data_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("JUPYTER_LOOPS_HISTORY", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    assert default_path().name == "history.duckdb"
    assert default_path().parent.name == "jupyter-loops"


def test_one_path_is_one_history_in_a_process(path, monkeypatch):
    monkeypatch.chdir(path.parent)

    assert open_history(path) is open_history(str(path)) is open_history("history.duckdb")


def test_missing_folders_are_made_for_the_owner_only(tmp_path):
    history = History(tmp_path / "a" / "b" / "history.duckdb")
    history.flush()

    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    history.close()


def test_closing_deletes_the_drained_journal_and_opening_again_goes_on(path, a_run):
    history = History(path)
    for record in a_run():
        history.append(record)
    history.close()
    left = [file.name for file in path.with_name("history.duckdb.journal").iterdir()]
    history.sql("FROM runs")

    assert left == ["turnstile"]
    assert history.run("slug")["stop_reason"] == "verified"
    history.close()


def test_a_newer_history_is_refused_and_not_touched(path, history):
    history.flush()
    history.close()
    with duckdb.connect(str(path)) as newer:
        newer.execute("INSERT INTO schema_versions VALUES (99, now()::TIMESTAMP)")
    before = path.read_bytes()

    with pytest.raises(NewerHistoryError, match="schema version 99"):
        _ = history.journal
    with pytest.raises(NewerHistoryError):
        history.sql("FROM runs")
    assert path.read_bytes() == before


def test_a_newer_history_can_be_looked_at_and_stays_as_it_is(path, history, a_run):
    for record in a_run():
        history.append(record)
    history.close()
    with duckdb.connect(str(path)) as newer:
        newer.execute("INSERT INTO schema_versions VALUES (99, now()::TIMESTAMP)")
    before = path.read_bytes()

    with pytest.raises(NewerHistoryError, match="read_only=True"):
        history.sql("FROM runs")
    glance = History(path, read_only=True)
    assert glance.sql("SELECT loop FROM run_summary").fetchall() == [("slug",)]
    assert glance.run("slug")["stop_reason"] == "verified"
    assert "loop" in {row["name"] for row in glance.schema("runs").dicts()}
    for write in [lambda: glance.append(a_run()[0]), lambda: glance.sql("DELETE FROM runs", write=True)]:
        with pytest.raises(HistoryError, match="for reading only"):
            write()
    with pytest.raises(QueryError):
        glance.sql("FROM read_text('/etc/hostname')")
    assert path.read_bytes() == before


def test_looking_where_there_is_nothing_makes_nothing(tmp_path):
    with pytest.raises(HistoryError, match="there is no history at"):
        History(tmp_path / "none.duckdb", read_only=True).sql("FROM runs")
    assert list(tmp_path.iterdir()) == []


def test_another_programs_database_is_refused_and_not_touched(path):
    with duckdb.connect(str(path)) as other:
        other.execute("CREATE TABLE runs (precious INTEGER)")
    before = path.read_bytes()

    with pytest.raises(HistoryError, match="not a history"):
        _ = History(path).journal
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_not_touched(path):
    path.write_bytes(b"precious" * 1000)

    with pytest.raises(HistoryError, match="not a valid DuckDB database"):
        _ = History(path).journal
    assert path.read_bytes() == b"precious" * 1000


def test_a_place_where_nothing_can_be_kept_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(HistoryError, match=r"no history can be kept in .*JUPYTER_LOOPS_HISTORY"):
        _ = History(tmp_path / "file" / "history.duckdb").journal


def test_a_quote_in_the_path_is_just_a_letter(tmp_path, a_run):
    history = History(tmp_path / "it's; DROP.duckdb")
    history.append(a_run()[0])

    assert len(history.sql("FROM runs")) == 1
    history.close()


def test_an_older_history_is_brought_up_to_date_after_a_backup(path, history, a_run):
    for record in a_run():
        history.append(record)
    history.close()
    steps = (*migrations.STEPS, "CREATE TABLE added (x INTEGER); INSERT INTO added VALUES (7)")
    journals = path.with_name("history.duckdb.journal")

    migrations.migrate(Lease(path, journals / "turnstile"), journals, steps)

    with duckdb.connect(str(path)) as now:
        assert now.execute("FROM added").fetchall() == [(7,)]
        assert now.execute("SELECT max(version) FROM schema_versions").fetchall() == [(len(steps),)]
    backup = path.with_name(f"history.duckdb.v{len(migrations.STEPS)}")
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with duckdb.connect(str(backup)) as then:
        assert then.execute("SELECT count(*) FROM runs").fetchall() == [(1,)]


def test_a_step_that_fails_changes_nothing(path, history):
    history.flush()
    history.close()
    journals = path.with_name("history.duckdb.journal")

    with pytest.raises(duckdb.Error):
        migrations.migrate(
            Lease(path, journals / "turnstile"),
            journals,
            (*migrations.STEPS, "CREATE TABLE added (x INT); SELECT error('x')"),
        )

    assert "added" not in [name for (name,) in history.sql("SELECT table_name FROM duckdb_tables()")]


def test_a_damaged_journal_gives_what_can_be_read_and_is_kept(path, a_run):
    from jupyter_loops.history.body import chain, encode
    from jupyter_loops.history.journal_frame import pack
    from jupyter_loops.history.segment import Segment

    history = History(path)
    history.flush()
    journals = path.with_name("history.duckdb.journal")
    dead, tip, ends = Segment.create(journals), "", []
    for record in a_run():
        body, texts = encode(record)
        tip = chain(tip, body)
        dead.append(pack(record.run, record.seq, tip, body, texts.items()))
        ends.append(dead.size)
    dead.close()
    (file,) = journals.glob("*.journal")
    content = bytearray(file.read_bytes())
    content[ends[4] + 20] ^= 0xFF  # inside the sixth frame
    file.write_bytes(content)

    others = [seq for seq in range(1, len(ends) + 1) if seq != 6]
    assert [seq for (seq,) in history.sql("SELECT seq FROM events ORDER BY seq")] == others
    (kept,) = journals.glob("*.damaged")
    assert any(f"kept in {kept}" in notice for notice in history.notices)
    assert [str(finding) for finding in history.verify() if "missing" in finding.what]
    assert history.run("slug")["stop_reason"] == "verified"
    assert history.recover(kept) == 0  # all of it is there
    history.close()
    elsewhere = History(path.with_name("elsewhere.duckdb"))
    assert elsewhere.recover(kept) == len(others)
    elsewhere.close()
