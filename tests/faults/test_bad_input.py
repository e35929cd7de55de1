"""A mistake, or a world that does not play along: one clear line, a failed cell, and nothing lost."""

from __future__ import annotations

import re
import sqlite3
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pytest

DOUBLE = "def double(n: int) -> int:\n    'Twice the number.'\n"
CHECK = "assert double(2) == 4\n"


@dataclass(frozen=True)
class Mistake:
    """A cell, and the one line that it gets: `{…}` in the options are fixtures, `.*` in the line is anything."""

    title: str
    options: str
    body: str
    said: str
    longest: float = 15.0  # seconds

    def __str__(self) -> str:
        return self.title


MISTAKES = [
    Mistake(
        "an unknown option",
        "{answer} --itterations 3",
        DOUBLE + CHECK,
        "UsageError: %%loop: unknown option --itterations; did you mean --iterations?",
    ),
    Mistake("zero as no limit", "{answer} --usd 0", DOUBLE + CHECK, "UsageError: %%loop: --usd got '0', expected"),
    Mistake(
        "a key on the line",
        "{answer} --api-key {secret}",
        DOUBLE + CHECK,
        "UsageError: %%loop: keys do not belong into a notebook: set the provider's environment variable",
    ),
    Mistake(
        "a missing goal",
        "{answer}",
        "answer: int\nassert answer",
        "UsageError: %%loop: say what you want: start the cell with a string, or give the stub a docstring",
    ),
    Mistake("no target", "{answer}", "'Go.'\nassert 1", "UsageError: %%loop: nothing to produce: add a stub such as"),
    Mistake(
        "a target without a check",
        "{answer}",
        DOUBLE,
        "UsageError: %%loop: line 2: nothing decides whether `double` is right: add an assert that reads it",
    ),
    Mistake(
        "a syntax error",
        "{answer}",
        DOUBLE + "assert double(3) == = 6\n",
        "UsageError: %%loop: line 4: invalid syntax: assert double(3) == = 6",
    ),
    Mistake(
        "a check that names nothing",
        "{answer}",
        DOUBLE + "assert double(3) == exspected",
        "PreflightError: line 4: the check reads `exspected`, which is defined nowhere; did you mean expected?",
    ),
    Mistake(
        "an object that cannot travel",
        "{answer}",
        DOUBLE + "assert double(3) == 6 and lock",
        "PreflightError: 'lock' (_thread.lock) cannot be sent to the sandbox: .*Create it in the set-up of the cell",
    ),
    Mistake(
        "set-up that raises",
        "{answer}",
        "zero = 1 / 0\n" + DOUBLE + "assert double(zero)",
        "SetupError: line 2: ZeroDivisionError: division by zero",
    ),
    Mistake(
        "an unknown model",
        "-m gpt-4o-minni",
        DOUBLE + CHECK,
        "ModelError: no model is called gpt-4o-minni: did you mean gpt-4o-mini or",
    ),
    Mistake(
        "a missing key", "-m gpt-4o-mini", DOUBLE + CHECK, "ModelError: no key for gpt-4o-mini: set OPENAI_API_KEY"
    ),
    Mistake(
        "a server that is not there",
        "-m mine --api-base http://127.0.0.1:9 --tokens 50k --usd none",
        DOUBLE + CHECK,
        "NotVerified: .*error, cannot reach http://127.0.0.1:9: is it running, and is there a network?",
    ),
    Mistake(
        "a price that nobody knows",
        "-m mine --api-base {server}",
        DOUBLE + CHECK,
        "PreflightError: the price of mine is not known, so --usd 1 cannot hold: set a token limit as well, "
        "e.g. --tokens 50000",
    ),
    Mistake(
        "a server that refuses the key",
        "-m mine --api-base {server} --tokens 50k",
        DOUBLE + CHECK,
        "NotVerified: .*error, the key for mine was refused (401): .*[redacted]",
    ),
    Mistake(
        "a script that is not there",
        "-m script:nowhere.json",
        DOUBLE + CHECK,
        "PreflightError: cannot read the script nowhere.json",
    ),
    Mistake(
        "a model that answers nonsense",
        "{nonsense}",
        DOUBLE + CHECK,
        "NotVerified: .*repetition, the last 6 answers held no candidate; try a hint, or another model",
    ),
    Mistake(
        "a model that answers nonsense until the last round",
        "{nonsense} -n 3",
        DOUBLE + CHECK,
        "NotVerified: .*iterations, 3 rounds of 3 rounds used; no candidate yet; raise it with --iterations",
    ),
    Mistake(
        "a judge without a rubric",
        "{answer}",
        DOUBLE + CHECK + "assert judge(double, STYLE_GUIDE) > 0.5",
        "PreflightError: line 5: the check reads `STYLE_GUIDE`, which is defined nowhere",
    ),
    Mistake(
        "an approval where nobody is",
        "{answer}",
        DOUBLE + CHECK + "assert approve(double)",
        "PreflightError: line 5: approve(…) waits for a person, and nobody can answer here: .*--auto-approve",
    ),
    Mistake(
        "a history that is no database",
        "{answer} --history {garbage}",
        DOUBLE + CHECK,
        "HistoryError: .*garbage.duckdb is not a valid DuckDB database and stays as it is; .*choose another file",
    ),
    Mistake(
        "a history that is somebody else's database",
        "{answer} --history {foreign}",
        DOUBLE + CHECK,
        "HistoryError: .*not a history of jupyter-loops; choose another path",
    ),
    Mistake(
        "a history of a newer version",
        "{answer} --history {newer}",
        DOUBLE + CHECK,
        "NewerHistoryError: .*schema version 99, .*: upgrade jupyter-loops, or choose another file with --history",
    ),
    Mistake(
        "a history in a file",
        "{answer} --history {garbage}/h.duckdb",
        DOUBLE + CHECK,
        "HistoryError: no history can be kept in .*: Not a directory; choose another file with --history",
    ),
]


@pytest.fixture(scope="module")
def kernel(kernels):
    kernel = kernels(OPENAI_API_KEY=None)
    assert kernel.run("import threading; lock = threading.Lock(); expected = 6; kept = [1, 2, 3]").ok
    return kernel


@pytest.fixture(scope="module")
def server(secret_of_the_server):
    """An OpenAI-compatible server that refuses everybody, and says their key while it does."""

    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self):  # the name that http.server asks for
            self.rfile.read(int(self.headers["Content-Length"]))
            answer = f'{{"error": {{"message": "Incorrect API key provided: {secret_of_the_server}"}}}}'.encode()
            self.send_response(401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    serving.server_close()


@pytest.fixture(scope="module")
def secret_of_the_server():
    return "sk-live-9cX2kPq7Lm4Tz8Vw1RbY"


@pytest.fixture
def answer(script, right):
    return script(right)


@pytest.fixture
def nonsense(script):
    return script(*(f"I am sorry, number {n}." for n in range(12)))


@pytest.fixture
def garbage(tmp_path):
    (tmp_path / "garbage.duckdb").write_bytes(b"this is no database " * 1000)
    return tmp_path / "garbage.duckdb"


@pytest.fixture
def foreign(tmp_path):
    with duckdb.connect(str(tmp_path / "foreign.duckdb")) as connection:
        connection.execute("CREATE TABLE runs (mine INTEGER)")
    return tmp_path / "foreign.duckdb"


@pytest.fixture
def newer(tmp_path):
    with duckdb.connect(str(tmp_path / "newer.duckdb")) as connection:
        connection.execute("CREATE TABLE schema_versions (version INTEGER, applied TIMESTAMP)")
        connection.execute("INSERT INTO schema_versions VALUES (99, now()::TIMESTAMP)")
    return tmp_path / "newer.duckdb"


@pytest.mark.parametrize("mistake", MISTAKES, ids=str)
def test_it_gets_one_line_and_loses_nothing(request, kernel, mistake):
    needed = {name: request.getfixturevalue(name) for name in re.findall(r"{(\w+)}", mistake.options)}
    reply = kernel.run(f"%%loop mistake {mistake.options.format(**needed)}\n{mistake.body}")

    assert not reply.ok  # so that Run All stops
    (line,) = reply.screen
    assert re.match(".*".join(map(re.escape, mistake.said.split(".*"))), line), line
    assert len(line) < 500
    assert "sk-" not in line
    assert reply.seconds < mistake.longest
    assert kernel.run("kept, expected, double if 'double' in globals() else None").result == "([1, 2, 3], 6, None)"


def test_without_a_network_it_ends_soon_and_the_key_is_nowhere(kernel, secret):
    kernel.run(f"import os; os.environ['OPENAI_API_KEY'] = {secret!r}")
    reply = kernel.run(f"%%loop mistake -m gpt-4o-mini\n{DOUBLE}{CHECK}")
    kernel.run("del os.environ['OPENAI_API_KEY']")

    assert not reply.ok
    (line,) = reply.screen
    assert re.match("NotVerified: .*error, cannot reach the provider of gpt-4o-mini: .*is there a network", line), line
    assert reply.seconds < 20
    assert secret not in str(reply.outputs)


def test_a_mistake_in_sql_or_in_a_line_magic_is_one_line_too(kernel):
    for code, said in [
        ("%loop_sql SELECT nothing FROM runs", "UsageError: Binder Error"),
        ("%loop_sql DELETE FROM runs", "UsageError: DELETE would change the history"),
        ("%loops stpo", "UsageError: %loops: unknown subcommand stpo; did you mean stop?"),
        ("%loop x", "UsageError: a loop needs a body"),
    ]:
        reply = kernel.run(code)
        assert not reply.ok
        assert reply.screen[0].startswith(said)
        assert not any("Traceback" in line for line in reply.screen)


def test_a_file_of_somebody_else_is_left_as_it_was(kernel, script, right, tmp_path):
    path = tmp_path / "letters.duckdb"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE letters (text)")
    before = path.read_bytes()

    assert not kernel.run(f"%%loop mistake {script(right)} --history {path}\n{DOUBLE}{CHECK}").ok
    assert path.read_bytes() == before
    assert Path(path).stat().st_size == len(before)
