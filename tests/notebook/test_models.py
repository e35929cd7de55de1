"""`%loops model`, and servers of this machine that it finds."""

from __future__ import annotations

import http.server
import json
import threading
import time

import pytest

from jupyter_loops.errors import OptionError, PreflightError
from jupyter_loops.notebook.model_table import model
from jupyter_loops.planning.models.nearby import served


@pytest.fixture
def server():
    """Gives the port of a server that answers with what is put into its list."""
    answers = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = answers[0]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running.server_port, answers
    running.shutdown()
    running.server_close()


def test_what_a_server_of_this_machine_offers_comes_with_the_options_that_use_it(server):
    port, answers = server
    answers.append(json.dumps({"data": [{"id": "qwen3:8b"}, {"id": "two words"}, {"id": 7}]}).encode())

    (ollama,) = served({port: "Ollama"})
    (other,) = served({port: "vLLM"})

    assert (ollama.server, ollama.model, ollama.options) == ("Ollama", "qwen3:8b", "--model ollama_chat/qwen3:8b")
    assert other.options == f"--model hosted_vllm/qwen3:8b --api-base http://127.0.0.1:{port}/v1"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"data": 3}', b'{"data": [{}]}', b"[" * 100_000])
def test_whoever_answers_otherwise_is_left_out(server, body):
    port, answers = server
    answers.append(body)

    assert served({port: "vLLM", 9: "nobody"}) == []


def test_every_embedded_model_is_listed_with_its_size_and_where_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    rows = {row[0]: row for row in model([]).rows}

    assert list(rows)[:3] == ["local", "local:1.5b", "local:smol"]
    assert rows["local"][1:] == (
        "Qwen2.5-Coder-0.5B-Instruct, Apache-2.0",
        "491",
        "not here: %loops model fetch local",
        "--model local (the default)",
    )


def test_what_cannot_be_done_is_one_line_with_the_way_out():
    with pytest.raises(OptionError, match="fetch or rm"):
        model(["remove"])
    with pytest.raises(OptionError, match=r"wants a name: local, local:1\.5b, local:smol"):
        model(["rm"])
    with pytest.raises(PreflightError, match="did you mean local:smol"):
        model(["fetch", "local:smoll"])


def test_a_server_that_drips_is_left_out_in_time(monkeypatch):
    monkeypatch.setattr("jupyter_loops.planning.models.nearby._DEADLINE", 0.5)
    over = threading.Event()

    class Dripping(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            while not over.wait(0.1):
                self.wfile.write(b" ")

        def log_message(self, *_):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Dripping)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    begun = time.monotonic()
    assert served({running.server_port: "vLLM"}) == []
    assert time.monotonic() - begun < 5
    over.set()
    running.shutdown()
    running.server_close()
