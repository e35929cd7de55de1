"""A history on a server, when things go wrong there. Runs where DuckDB's extensions are: see test_team.py."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("duckdb_extension_quack", reason="runs in the environment of a team, see test_team.py")

from jupyter_loops.errors import HistoryError, QueryError
from jupyter_loops.history import History, store, writer

from .test_contract import RUN, TOKEN, data, free_port

__all__ = ["data"]


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def serve(data, tmp_path, port):
    """Starts `jupyter loops serve-history`, as a person does; again after it was ended."""
    processes = []

    def begin():
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyter_loops.command",
                "serve-history",
                tmp_path / "h.duckdb",
                "--port",
                str(port),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        processes.append(process)
        assert process.stdout.readline() == f"quack:localhost:{port} answers; Ctrl-C ends it\n"
        return process

    yield begin
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture
def history(serve, port):
    opened = History(f"quack:localhost:{port}")
    yield opened
    opened.close()


def test_a_server_that_goes_away_delays_and_loses_nothing(serve, history, a_run, monkeypatch):
    monkeypatch.setattr(writer, "GATHER", 0.01)
    monkeypatch.setattr(writer, "RETRY", 0.05)
    monkeypatch.setattr(writer, "SAY", 0.0)
    monkeypatch.setattr("jupyter_loops.history.quack.HURRY", 0.3)
    server = serve()
    for record in a_run()[:9]:
        history.append(record)
    history.flush()
    server.send_signal(signal.SIGKILL)
    server.wait()

    start = time.perf_counter()
    for record in a_run()[9:]:
        history.append(record)
    assert time.perf_counter() - start < 1  # appending waits for nobody
    with pytest.raises(HistoryError, match=r"quack:localhost:\d+ does not answer"):
        history.sql("FROM runs")
    assert any("will follow" in notice for notice in history.notices)

    serve()
    assert len(history.records(RUN)) == len(a_run())
    assert history.run("slug")["stop_reason"] == "verified"
    assert history.verify() == []


def test_ctrl_c_ends_the_server_and_the_file_is_whole(serve, history, a_run, tmp_path):
    server = serve()
    for record in a_run():
        history.append(record)
    history.close()
    server.send_signal(signal.SIGINT)

    assert server.wait(10) == 0
    assert TOKEN not in server.stdout.read()
    here = History(tmp_path / "h.duckdb")
    assert here.run("slug")["events"] == len(a_run())
    assert here.verify() == []
    here.close()


def test_a_wrong_token_and_none_are_one_clear_line(serve, port, monkeypatch):
    serve()
    monkeypatch.setenv("JUPYTER_LOOPS_TOKEN", "not-the-right-token")
    with pytest.raises(HistoryError, match=r"^quack:localhost:\d+ refuses the token in JUPYTER_LOOPS_TOKEN$") as told:
        History(f"quack:localhost:{port}").sql("FROM runs")
    assert "not-the-right-token" not in f"{told.value} {told.value.__cause__}"
    monkeypatch.delenv("JUPYTER_LOOPS_TOKEN")
    with pytest.raises(HistoryError, match="wants a token: set the environment variable JUPYTER_LOOPS_TOKEN"):
        History(f"quack:localhost:{port}").sql("FROM runs")


def test_the_token_is_nowhere_where_anybody_looks(serve, history, a_run, data, tmp_path):
    serve()
    for record in a_run():
        history.append(record)
    asked = [
        "FROM duckdb_secrets()",
        "FROM duckdb_databases()",
        "FROM duckdb_settings()",
        "FROM quack_active_connections()",
    ]
    said = [str(history.sql(query).rows) for query in asked]
    session = history._opened().store.lease.session()
    said += [str(session.execute(query).fetchall()) for query in asked[:3]]
    history.close()

    assert TOKEN not in "".join(said)
    for path in [*data.rglob("*"), *tmp_path.glob("h.duckdb*")]:
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes(), path


def test_a_client_reaches_the_history_and_no_other_file_of_the_server(serve, history):
    serve()
    for query in ["FROM read_text('/etc/hostname')", "FROM glob('/*')"]:
        with pytest.raises(QueryError, match=r"(?i)disabled by configuration|permission"):
            history.sql(query)


def test_the_file_of_a_server_is_told_to_be_in_use(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "PATIENCE", 0.2)
    server = serve()
    here = History(tmp_path / "h.duckdb")
    answer = here.sql("FROM runs")
    here.close()

    assert re.search(f"in use by another program.*PID {server.pid}.*read from a copy of it", answer.note)


def test_serving_wants_a_long_token_and_a_file(tmp_path):
    command = [sys.executable, "-m", "jupyter_loops.command", "serve-history"]
    for file, token, line in [
        (tmp_path / "h.duckdb", "short", "set JUPYTER_LOOPS_TOKEN to a secret of 16 characters"),
        ("quack:elsewhere", TOKEN, "a history file is served, and quack:elsewhere:9494 is none"),
    ]:
        env = os.environ | {"JUPYTER_LOOPS_TOKEN": token}
        told = subprocess.run([*command, str(file)], capture_output=True, text=True, env=env, check=False)
        assert told.returncode == 1
        assert told.stderr.startswith(f"jupyter loops: {line}")
        assert len(told.stderr.splitlines()) == 1
    assert list(Path(tmp_path).iterdir()) == []
