"""How the notebook's names are packed."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest

from jupyter_loops.errors import PreflightError
from jupyter_loops.execution import namespace_payload
from jupyter_loops.execution.namespace_payload import _Hashed, pack


class Slow(io.RawIOBase):
    """Takes a few bytes at a time, as the system does from 2 GiB on."""

    def __init__(self) -> None:
        self.taken = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, piece) -> int:
        self.taken += piece[:1000]
        return min(1000, len(piece))


@pytest.mark.parametrize("large", [1 << 22, 100])
def test_what_the_system_takes_in_pieces_arrives_whole_and_hashed(large, monkeypatch):
    monkeypatch.setattr(namespace_payload, "_LARGE", large)
    file = Slow()
    out = _Hashed(file, None)
    array = np.arange(10_000.0)
    sizes = [out.write(b"start"), out.write(array.data), out.write(np.zeros((3, 3)).data)]

    assert sizes == [5, 80_000, 72]
    assert bytes(file.taken) == b"start" + array.tobytes() + bytes(72)
    assert out.hash.hexdigest() == hashlib.sha256(file.taken).hexdigest()
    assert out.size == len(file.taken)


def test_the_fingerprint_is_that_of_the_whole_file():
    packed = pack({"a": np.arange(1_000_000), "b": [1, "x"]})
    packed.file.seek(0)

    assert packed.fingerprint == hashlib.sha256(packed.file.read()).hexdigest()
    packed.close()


def test_more_than_allowed_is_refused_before_it_is_written():
    with pytest.raises(PreflightError, match="too large: more than 1 MiB"):
        pack({"a": np.zeros(1_000_000)}, most=1 << 20)
