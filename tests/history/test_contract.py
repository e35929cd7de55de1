"""What a history promises, wherever it is kept: in a file, on a server, in a lake.

The places of a team need DuckDB's extensions, which another environment has: test_team.py runs this there.
"""

import contextlib
import importlib.util
import os
import platform
import shutil
import signal
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from jupyter_loops.core.budget import Price
from jupyter_loops.core.events import NoteAdded, Record
from jupyter_loops.errors import HistoryError, QueryError
from jupyter_loops.history import History
from jupyter_loops.history.body import chain, encode
from jupyter_loops.history.journal_frame import pack
from jupyter_loops.history.segment import Segment

ROUNDS = 10
RUN = "20261122T000000-aaaa"
TOKEN = "0123456789abcdef-of-the-tests"
INITDB = shutil.which("initdb") or next(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), None)
TEAM = ["quack", "sqlite", *(["postgres"] if INITDB else [])]
PLACES = ["file", *(TEAM if importlib.util.find_spec("duckdb_extension_quack") else [])]


def machine(folder, n):
    """The environment of a client that has a folder of its own, as on a machine of its own."""
    return os.environ | {"XDG_DATA_HOME": str(folder / f"machine-{n}")}


def free_port():
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def postgres(folder):
    """A PostgreSQL server of its own, below `folder`; gives what a client says to reach it."""
    programs = Path(INITDB).parent
    as_other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []  # it refuses to run as root
    user, port = "postgres" if as_other else os.environ["USER"], free_port()
    if as_other:
        shutil.chown(folder, user)
    quick = "-c fsync=off -c full_page_writes=off -c listen_addresses=localhost"
    server = [programs / "pg_ctl", "-D", folder / "data", "-w", "-l", folder / "log"]
    quietly = partial(subprocess.run, check=True, stdout=subprocess.DEVNULL, cwd=folder)
    quietly([*as_other, programs / "initdb", "-A", "trust", "-U", user, "-D", folder / "data"])
    quietly([*as_other, *server, "-o", f"-p {port} -k {folder} {quick}", "start"])
    try:
        yield f"host=localhost port={port} user={user} dbname=postgres"
    finally:
        quietly([*as_other, *server, "-m", "immediate", "stop"])


@pytest.fixture(scope="module")
def cluster():
    """Where PostgreSQL answers; started once."""
    import tempfile

    with tempfile.TemporaryDirectory(prefix="jupyter-loops-pg-") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101
        with postgres(Path(folder)) as where:
            yield where


@pytest.fixture
def data(tmp_path, monkeypatch):
    """This machine's part: journals and artifacts."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "mine"))
    monkeypatch.setenv("JUPYTER_LOOPS_TOKEN", TOKEN)
    return tmp_path / "mine"


@pytest.fixture(params=PLACES)
def place(request, tmp_path, data):
    """The address of a history that is not there yet."""
    with contextlib.ExitStack() as stack:
        if request.param == "quack":
            from jupyter_loops.history.serving import serving

            yield stack.enter_context(serving(tmp_path / "served.duckdb", port=free_port()))
        elif request.param == "sqlite":
            yield f"ducklake:sqlite:{tmp_path / 'lake.sqlite'}"
        elif request.param == "postgres":
            where = request.getfixturevalue("cluster")
            name = f"lake_{time.time_ns()}"
            subprocess.run(
                ["psql", "-q", f"{where}", "-c", f"CREATE DATABASE {name}"], check=True, stdout=subprocess.DEVNULL
            )
            yield f"ducklake:postgres:{where.replace('dbname=postgres', f'dbname={name}')}?data={tmp_path / 'files'}"
        else:
            yield str(tmp_path / "history.duckdb")


@pytest.fixture
def opened(place):
    """Opens the history, as another kernel would, each time it is called."""
    with contextlib.ExitStack() as stack:

        def begin():
            history = History(place)
            stack.callback(history.close)
            return history

        yield begin


@pytest.fixture
def history(opened):
    return opened()


@pytest.fixture
def filled(history, a_run):
    for record in a_run():
        history.append(record)
    return history


def test_what_happened_is_in_the_tables_as_it_was(filled, a_run):
    assert [one["kind"] for one in filled.records(RUN)] == [record.event.kind for record in a_run()]
    assert filled.records(RUN)[0]["source"] == "assert slug('a') == 'a'"
    row = filled.run("slug")
    assert (row["stop_reason"], row["state"], row["iterations"], row["tokens"]) == ("verified", "end", 2, 30)
    assert row["targets"] == ["slug"]
    assert [one["passed"] for one in filled.rounds(RUN)] == [0, 1]
    assert [one["parts"] for one in filled.calls(RUN)] == [[{"name": "goal", "tokens": 4, "dropped": 1}]] * 2
    verdict = filled.sql("SELECT metric_value, details->>'$.slug(''a'')' FROM verdicts ORDER BY seq LIMIT 1")
    assert verdict.fetchall() == [(0.5, "'b'")]
    assert filled.verify() == []


def test_every_table_and_view_answers_and_is_described(filled):
    names = [name for name, *_ in filled.schema()]
    assert {"runs", "events", "run_summary", "latency", "costs"} <= set(names)
    for name in names:
        filled.sql(f"FROM {name}")
    assert {row["name"]: row["description"] for row in filled.schema("runs").dicts()}["loop"]
    with pytest.raises(QueryError, match="no table"):
        filled.schema("rums")


def test_a_question_has_values_frames_and_a_caret(filled):
    pandas = pytest.importorskip("pandas")
    weights = pandas.DataFrame({"loop": ["slug", "it's"], "weight": [0.5, 2.0], "day": pandas.Timestamp("2026-01-02")})

    found = filled.sql(
        """SELECT loop, weight, day, $list AS l, $text AS t, started_at < $now AS earlier
           FROM runs JOIN weights USING (loop) WHERE run_id = $run""",
        {"run": RUN, "list": ["a", "'; DROP TABLE runs"], "text": "'; --\x01", "now": datetime(2100, 1, 1)},  # noqa: DTZ001 - UTC, as in the history
        frames={"weights": weights},
    )

    row = ("slug", 0.5, pandas.Timestamp("2026-01-02"), ["a", "'; DROP TABLE runs"], "'; --\x01", True)
    assert found.fetchall() == [row]
    with pytest.raises(QueryError, match=r"(?s)LINE 2: FROM rums WHERE loop = \$run\n +\^"):
        filled.sql("SELECT *\nFROM rums WHERE loop = $run", {"run": 1})
    for query in ["FROM read_text('/etc/hostname')", "COPY runs TO '/tmp/leak.csv'", "ATTACH '/tmp/x.duckdb'"]:
        with pytest.raises(QueryError):
            filled.sql(query)
    with pytest.raises(QueryError, match="--write"):
        filled.sql("DELETE FROM runs")


def test_events_that_come_twice_are_stored_once(filled, a_run):
    filled.flush()
    again, tip = Segment.create(filled._opened().store.journals), ""  # as after a crash before its deletion
    for record in a_run():
        body, texts = encode(record)
        tip = chain(tip, body)
        again.append(pack(record.run, record.seq, tip, body, texts.items()))
    again.close()

    assert len(filled.records(RUN)) == len(a_run())
    assert filled.run("slug")["tokens"] == 30
    assert filled.verify() == []


def test_a_run_goes_on_elsewhere_with_its_chain_unbroken(opened, a_run):
    first = opened()
    for record in a_run()[:9]:
        first.append(record)
    first.close()
    second = opened()
    for record in a_run()[9:]:
        second.append(record)

    assert second.verify() == []
    assert second.run("slug")["events"] == len(a_run())


def test_tampering_is_found_and_told(filled):
    filled.sql("UPDATE events SET body = replace(body, 'Make slugs', 'Make money') WHERE seq = 1", write=True)

    assert str(filled.verify(RUN)[0]).startswith(f"run {RUN}, event 1: edited")


def test_rows_that_were_lost_are_computed_anew_from_the_events(filled):
    rounds, row = filled.rounds(RUN), filled.run(RUN)
    filled.sql("UPDATE runs SET events = 3, tip = 'lost', stop_reason = NULL, usd = 0", write=True)
    filled.sql("UPDATE iterations SET passed = NULL", write=True)
    filled.sql("DELETE FROM verdicts", write=True)
    assert filled.verify() != []

    assert filled.mend() == [RUN]

    assert filled.verify() == []
    assert (filled.rounds(RUN), filled.run(RUN)) == (rounds, row)
    assert filled.mend() == []


def test_a_whole_run_that_was_deleted_is_named_by_the_chain_of_runs(filled, a_run):
    for record in a_run("20261122T000001-bbbb"):
        filled.append(record)
    filled.flush()
    for table in ("iterations", "calls", "actions", "verdicts", "notes", "events", "runs"):
        filled.sql(f"DELETE FROM {table} WHERE run_id = '{RUN}'", write=True)

    [finding] = filled.verify()
    assert str(finding).startswith(f"run {RUN}: the whole run is gone, and nobody pruned it")
    assert filled.whole_since() is not None


def test_rows_of_events_that_were_edited_or_are_gone_are_left_as_evidence(filled):
    filled.sql("DELETE FROM events WHERE seq > 5", write=True)
    found = [str(finding) for finding in filled.verify()]

    assert filled.mend() == []
    assert [str(finding) for finding in filled.verify()] == found


def test_what_is_asked_before_a_run_is_answered(filled, a_run):
    assert filled.verified("f1")["text"] == "def slug(t): return 2"
    assert filled.outcomes("slug", "local")[0]["verified"]
    assert filled.approaches("slug", ["local"])[0]["rounds"] == 1
    assert filled.broken_off("slug") is None
    assert [one["run_id"] for one in filled.family(RUN)] == [RUN]
    assert filled.total_usd() == pytest.approx(0.002)
    filled.correct_price("local", Price(prompt=1.0, completion=0.0, source="a person"))
    assert filled.total_usd() == pytest.approx(20)


def test_a_run_of_another_machine_of_the_team_goes_on_until_it_has_been_quiet_for_long(history, started, monkeypatch):
    history.append(Record("theirs", 1, datetime.now(UTC), started(kernel="1@another-machine", journal="elsewhere")))
    history.append(Record("ours", 1, datetime.now(UTC), started(kernel=f"1@{platform.node()}", journal="gone")))

    assert history.goes_on("elsewhere") == (history.address.kind != "file")  # a file's journals are beside it
    assert not history.goes_on("gone")
    monkeypatch.setattr("jupyter_loops.history.queries.QUIET", 0.0)
    assert not history.goes_on("elsewhere")


def test_old_runs_go_and_texts_are_forgotten(history, a_run):
    for record in [*a_run("20200101T000000-old", at=datetime(2020, 1, 1, tzinfo=UTC)), *a_run()]:
        history.append(record)
    history.flush()

    assert history.prune(timedelta(days=90), keep_verified=False) == ["20200101T000000-old"]
    assert history.sql("SELECT run_id FROM runs").fetchall() == [(RUN,)]
    assert history.forget(RUN) > 0
    assert history.sql("SELECT count(*) FROM texts WHERE text IS NOT NULL").fetchall() == [(0,)]
    assert history.verify() == []


def test_runs_travel_in_bundles_and_merges_and_tables(filled, tmp_path):
    bundle = filled.export(RUN, tmp_path / "run.jsonl")
    other = History(tmp_path / "other.duckdb")
    other.load(bundle)
    assert other.records(RUN) == filled.records(RUN)
    assert filled.merge(other) == 0
    filled.sql("DELETE FROM runs", write=True)
    filled.sql("DELETE FROM events", write=True)
    for table in ["iterations", "calls", "actions", "verdicts", "notes"]:
        filled.sql(f"DELETE FROM {table}", write=True)
    assert filled.merge(other) == len(other.records(RUN))
    assert filled.verify() == []
    counted = filled.export_tables(tmp_path / "tables", "csv")
    assert counted["runs"] == 1
    assert (tmp_path / "tables" / "events.csv").stat().st_size > 1000
    other.close()


def test_many_clients_write_at_once_and_nothing_is_lost_or_doubled(place, opened, start, tmp_path, monkeypatch):
    history = opened()
    history.flush()
    script, several = Path(__file__).with_name("write_rounds.py"), 3
    clients = [start(script, place, f"run-{n}", ROUNDS, env=machine(tmp_path, n)) for n in range(several)]
    for client in clients:
        client.communicate(timeout=150)

    assert [client.returncode for client in clients] == [0] * several
    for n in range(several):  # what a client had not stored when it ended is stored by the next on its machine
        monkeypatch.setenv("XDG_DATA_HOME", machine(tmp_path, n)["XDG_DATA_HOME"])
        following = opened()
        following.flush()
        following.close()
    counted = history.sql("SELECT run_id, count(*), max(seq), count(DISTINCT seq) FROM events GROUP BY 1 ORDER BY 1")
    assert counted.fetchall() == [(f"run-{n}", *[5 * ROUNDS + 2] * 3) for n in range(several)]
    assert history.sql("SELECT count(*) - count(DISTINCT sha) FROM texts").fetchall() == [(0,)]
    assert history.verify() == []


def test_clients_that_vanish_lose_nothing_that_was_durable_and_stop_nobody(place, history, start):
    history.flush()
    script = Path(__file__).with_name("write_rounds.py")
    said = {}
    for n in range(3):
        client = start(script, place, f"run-{n}", 200)
        lines = [client.stdout.readline() for _ in range(26 + 12 * n)]  # it drains at 25 and 50
        time.sleep(0.05 * n)
        client.send_signal(signal.SIGKILL)
        said[f"run-{n}"] = int([*lines, *client.stdout.read().splitlines()][-1])

    history.append(Record("later", 1, datetime.now(UTC), NoteAdded(iteration=1, message="others go on")))
    counted = dict(history.sql("SELECT run_id, max(seq) FROM events GROUP BY 1").fetchall())
    assert counted.pop("later") == 1
    for run, last in said.items():
        assert counted[run] in {last, last + 1}, run  # the last append may have succeeded without being told
    assert history.sql("SELECT count(*) - count(DISTINCT (run_id, seq)) FROM events").fetchall() == [(0,)]
    assert history.verify() == []


def test_a_loop_runs_and_costs_nothing_again_and_is_forked(place):
    from jupyter_loops.assemble import Adapters, Options, fork, launch
    from jupyter_loops.execution.sandbox import ZygoteSandbox
    from jupyter_loops.language import parse
    from jupyter_loops.planning.models.replay import ReplayModel

    cell = "def double(n: int) -> int:\n    'Twice n.'\n\nassert double(2) == 4\n"
    answers = ["```python\ndef double(n):\n    return 3\n```", "```python\ndef double(n):\n    return 2 * n\n```"]
    options = Options(history=place, sandbox="process", iterations=4)
    runs = []
    for model, tokens in [(ReplayModel(answers), True), (ReplayModel([]), False)]:
        run = launch(parse(cell, "twice"), options, {}, [], Adapters(model, ZygoteSandbox(isolation="process")))
        assert run.wait().verified
        runs.append(run.id)
        assert bool(run.usage.tokens) is tokens
    adapters = Adapters(ReplayModel(answers[1:]), ZygoteSandbox(isolation="process"))
    forked = fork(runs[0], at=1, history=place, adapters=adapters)
    assert forked.wait().verified
    rows = forked.history.family(runs[0])
    assert [(row["run_id"], row["forked_at"]) for row in rows] == [(runs[0], None), (forked.id, 1)]
    forked.history.close()


def test_looking_only_changes_nothing(filled, place):
    filled.flush()
    glance = History(place, read_only=True)
    assert glance.run("slug")["stop_reason"] == "verified"
    with pytest.raises(HistoryError, match="for reading only"):
        glance.sql("DELETE FROM runs", write=True)
