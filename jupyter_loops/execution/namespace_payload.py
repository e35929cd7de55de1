"""The notebook's names, pickled once a run in a form that forks can share."""

from __future__ import annotations

import hashlib
import os
import pickle
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from pickle import PickleBuffer
from typing import IO, Any

from jupyter_loops.errors import PreflightError

from . import picklability

NOTHING: dict[str, Any] = {"cargo": None, "names": (), "pickled": 0, "buffers": ()}
_LARGE = 1 << 22  # bytes from which hashing gets a thread
_ALIGNED = 64  # bytes; numpy is fastest on arrays that start a cache line


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespacePayload:
    """One anonymous file: a pickle stream, then the large buffers that it refers to."""

    file: IO[bytes]
    names: tuple[str, ...]
    pickled: int  # bytes of the stream
    buffers: tuple[tuple[int, int], ...]  # offset and size
    size: int  # bytes of all of it
    fingerprint: str  # SHA-256 of all of it
    path: Path | None = None  # for a child that cannot receive a descriptor

    def order(self) -> dict[str, Any]:
        """The fields of an order that a child needs to unpack it."""
        place = None if self.path is None else str(self.path)
        return {"cargo": place, "names": self.names, "pickled": self.pickled, "buffers": self.buffers}

    def close(self) -> None:
        """Free the memory."""
        self.file.close()


def pack(names: Mapping[str, object], path: Path | None = None, most: int | None = None) -> NamespacePayload:
    """Pack the names in order, in at most `most` bytes; with `path`, into that file.

    Raises PreflightError with the name that cannot be pickled.
    """
    file = _anonymous_file() if path is None else path.open("w+b", buffering=0)
    try:
        return _pack(names, _Hashed(file, most), path)
    except BaseException:
        file.close()
        raise


def _pack(names: Mapping[str, object], out: _Hashed, path: Path | None) -> NamespacePayload:
    loose: list[PickleBuffer] = []
    if names:
        pickler = _pickler(out, loose.append)
        for name, value in names.items():
            try:
                pickler.dump(value)
            except PreflightError:
                raise
            except Exception as error:
                raise PreflightError(picklability.explain(name, value, pickler.last, error)) from error
    pickled = out.size
    places = []
    for buffer in loose:
        out.write(bytes(-out.size % _ALIGNED))
        view = buffer.raw()
        places.append((out.size, view.nbytes))
        out.write(view)
        buffer.release()
    out.file.flush()
    _seal(out.file)
    return NamespacePayload(
        file=out.file,
        names=tuple(names),
        pickled=pickled,
        buffers=tuple(places),
        size=out.size,
        fingerprint=out.hash.hexdigest(),
        path=path,
    )


class _Hashed:
    """A file that counts and hashes what is written to it."""

    def __init__(self, file: IO[bytes], most: int | None) -> None:
        self.file, self._most = file, most
        self.size = 0
        self.hash = hashlib.sha256()

    def write(self, piece: Any) -> int:
        view = memoryview(piece).cast("B")
        if self._most is not None and self.size + view.nbytes > self._most:
            raise PreflightError(f"it is too large: more than {self._most / 1024**2:.0f} MiB")
        if view.nbytes < _LARGE:
            self.hash.update(view)
            self._put(view)
        else:  # in parallel: both release the interpreter lock
            hashing = threading.Thread(target=self.hash.update, args=(view,))
            hashing.start()
            try:
                self._put(view)
            finally:
                hashing.join()
        self.size += view.nbytes
        return view.nbytes

    def _put(self, view: memoryview) -> None:
        while view.nbytes:  # the system takes less than 2 GiB at a time
            view = view[self.file.write(view) :]


def _anonymous_file() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("names", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)


def _seal(file: IO[bytes]) -> None:
    """Make the file immutable, because the examiner and all candidates map it."""
    if hasattr(os, "memfd_create"):
        from fcntl import F_ADD_SEALS, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE, fcntl

        with suppress(OSError):  # a named file cannot be sealed; only the level process gives it to a candidate
            fcntl(file, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)


def _pickler(out: _Hashed, buffer_callback: Callable[[PickleBuffer], object]) -> Any:
    """A pickler that records its current object, and refuses objects on a GPU."""
    import cloudpickle

    suspicious: dict[type, bool] = {}

    class NamespacePickler(cloudpickle.Pickler):  # type: ignore[misc] # it has no types
        last: object = None

        def reducer_override(self, value: Any) -> Any:
            self.last, kind = value, type(value)
            if kind not in suspicious:
                suspicious[kind] = picklability.may_be_on_gpu(kind)
            if suspicious[kind] and picklability.is_on_gpu(value):
                raise pickle.PicklingError(picklability.GPU.what)
            return super().reducer_override(value)

    return NamespacePickler(out, protocol=5, buffer_callback=buffer_callback)
