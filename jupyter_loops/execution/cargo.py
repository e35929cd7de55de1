"""The notebook's names, packed once a run in a form that forks can share."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import PickleBuffer
from typing import IO, Any

from jupyter_loops.errors import PreflightError

_ALIGNED = 64  # bytes; numpy is fastest on arrays that start a cache line


@dataclass(frozen=True, slots=True, kw_only=True)
class Cargo:
    """One anonymous file: a pickle stream, then the large buffers that it refers to."""

    file: IO[bytes]
    names: tuple[str, ...]
    pickled: int  # bytes of the stream
    buffers: tuple[tuple[int, int], ...]  # offset and size
    fingerprint: str  # SHA-256 of all of it
    path: Path | None = None  # where a child finds it that cannot be given a descriptor

    def close(self) -> None:
        """Free the memory."""
        self.file.close()


def pack(names: Mapping[str, object], folder: Path | None = None) -> Cargo:
    """Pack the names in order; with `folder`, into a file there. Raises PreflightError naming what cannot travel."""
    path = None if folder is None else folder / "names"
    file = _anonymous_file() if path is None else path.open("w+b", buffering=0)
    try:
        return _pack(names, file, path)
    except BaseException:
        file.close()
        raise


def _pack(names: Mapping[str, object], file: IO[bytes], path: Path | None) -> Cargo:
    out = _Hashed(file)
    loose: list[PickleBuffer] = []
    if names:
        import cloudpickle

        pickler = cloudpickle.Pickler(out, protocol=5, buffer_callback=loose.append)
        for name, value in names.items():
            try:
                pickler.dump(value)
            except Exception as error:
                raise PreflightError(_cannot_travel(name, value, error)) from error
    pickled = out.size
    places = []
    for buffer in loose:
        out.write(bytes(-out.size % _ALIGNED))
        view = buffer.raw()
        places.append((out.size, view.nbytes))
        out.write(view)
        buffer.release()
    file.flush()
    return Cargo(
        file=file,
        names=tuple(names),
        pickled=pickled,
        buffers=tuple(places),
        fingerprint=out.hash.hexdigest(),
        path=path,
    )


class _Hashed:
    """A file that counts and hashes what is written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.size = 0
        self.hash = hashlib.sha256()

    def write(self, piece: Any) -> int:
        view = memoryview(piece)
        self.hash.update(view)
        self._file.write(view)
        self.size += view.nbytes
        return view.nbytes


def _anonymous_file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("names"), "w+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)


def _cannot_travel(name: str, value: object, error: Exception) -> str:
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.").removeprefix("__main__.")
    why = " ".join(str(error).split())[:200]
    return f"{name!r} ({kind}) cannot be sent to the sandbox: {why}. Create it in the set-up of the cell instead"
