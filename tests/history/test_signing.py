"""Who can write a history can compute its hashes anew, and cannot sign them: the key is elsewhere."""

import shutil
import stat
import subprocess
import sys

import duckdb
import pytest

from jupyter_loops.errors import HistoryError
from jupyter_loops.history import History, signing

WHOLE = [
    f"DELETE FROM {table} WHERE run_id = 'second'"
    for table in ("iterations", "calls", "actions", "verdicts", "notes", "events", "runs", "heads")
]


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    pytest.importorskip("cryptography")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "jupyter-loops"


@pytest.fixture
def filled(history, a_run):
    for record in [*a_run("first"), *a_run("second")]:
        history.append(record)
    history.flush()
    return history


def outside(path, *statements):
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)


def what(history):
    return [finding.what for finding in history.verify(signed=True)]


def test_what_was_signed_verifies_and_the_key_is_the_owners_only(filled, config):
    said = filled.sign()

    assert said.startswith("signed up to head 2 with the key in ")
    assert what(filled) == []
    assert filled.signed().endswith("(the key of this machine)")
    assert {stat.S_IMODE(file.stat().st_mode) for file in config.iterdir()} == {0o600}
    assert stat.S_IMODE(config.stat().st_mode) == 0o700
    assert (config / signing.KEY).read_text() not in str(filled.sql("FROM signatures").fetchall())


def test_runs_after_the_signature_are_not_signed_and_no_alarm(filled, a_run):
    filled.sign()
    for record in a_run("third"):
        filled.append(record)

    assert what(filled) == []
    assert filled.signed().startswith("signed up to head 2 of 3 on ")
    filled.sign()
    assert filled.signed().startswith("signed up to head 3 of 3 on ")


def test_a_history_that_nobody_has_signed_is_told(filled):
    assert what(filled) == ["nobody has signed it: %loops verify --sign does"]


def test_a_chain_that_was_computed_anew_does_not_have_the_signature(filled, path):
    filled.sign()
    outside(
        path,
        "UPDATE heads SET noted_at = '2020-01-01' WHERE number = 2",
        """UPDATE heads SET hash = sha256((SELECT hash FROM heads WHERE number = 1) ||
           json_array(number, run_id, events, tip, what, epoch_us(noted_at))::VARCHAR) WHERE number = 2""",
    )

    assert filled.verify() == []  # the proof against edits alone does not see it
    assert what(filled)[0].startswith("the signature of head 2 by key ")


def test_newest_runs_that_were_cut_off_with_their_signatures_are_missed(filled, path):
    filled.sign()
    outside(path, *WHOLE, "DELETE FROM signatures")

    assert filled.verify() == []
    assert what(filled) == ["head 2 was signed on this machine, and is not there as it was: cut off, or put back"]


def test_an_older_copy_that_was_put_back_is_told(filled, path, a_run, tmp_path):
    filled.sign()
    filled.close()
    shutil.copy(path, tmp_path / "older.duckdb")
    for record in a_run("third"):
        filled.append(record)
    filled.sign()
    filled.close()
    shutil.copy(tmp_path / "older.duckdb", path)

    assert what(filled) == ["head 3 was signed on this machine, and is not there as it was: cut off, or put back"]


def test_a_signature_by_somebody_else_verifies_and_is_told(filled, path, tmp_path, monkeypatch):
    filled.sign()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "theirs"))

    assert what(filled) == []
    assert "(not the key of this machine: ask its owner)" in filled.signed()
    assert not (tmp_path / "theirs").exists()


def test_pruning_does_not_break_a_signature(filled):
    from datetime import timedelta

    filled.sign()
    filled.prune(timedelta(days=-1), keep_verified=False)

    assert what(filled) == []


def test_what_does_not_verify_is_not_signed(filled, path):
    outside(path, "UPDATE runs SET usd = 7")

    with pytest.raises(HistoryError, match="nothing was signed: run first: its rows in runs differ"):
        filled.sign()


def test_an_empty_history_has_nothing_to_sign(history):
    with pytest.raises(HistoryError, match="there is no run yet"):
        history.sign()


def test_a_key_that_others_can_read_is_not_used(filled, config):
    filled.sign()
    (config / signing.KEY).chmod(0o644)

    with pytest.raises(HistoryError, match=r"others can read .*chmod 600"):
        filled.sign()
    (config / signing.KEY).write_text("nonsense")
    (config / signing.KEY).chmod(0o600)
    with pytest.raises(HistoryError, match="holds no key"):
        filled.sign()


def test_without_the_package_one_line_says_what_to_install(filled, path):
    filled.close()
    code = (
        "import sys; sys.modules['cryptography'] = None\nfrom jupyter_loops.history import History\n"
        "from jupyter_loops.errors import HistoryError\n"
        "try: History(sys.argv[1]).sign()\nexcept HistoryError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True).stdout

    assert said == 'signatures need a package that is not here: pip install "jupyter-loops[signed]"\n'


def test_a_copy_of_the_file_keeps_its_signature(filled, path, tmp_path):
    filled.sign()
    filled.close()
    shutil.copy(path, tmp_path / "copy.duckdb")

    copy = History(tmp_path / "copy.duckdb")
    assert what(copy) == []
    copy.close()
