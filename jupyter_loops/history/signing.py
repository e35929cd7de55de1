"""Signatures of the chain of runs, with a key that is not in the file: more than a proof against edits.

Whoever can write a history can compute all of its hashes again, but cannot sign them without the key. Beside the key
is the last signed head of each history. It shows when the newest runs were cut off together with their signatures, or
when the file was replaced by an older copy.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_loops.errors import HistoryError

from . import spares
from .audit import AuditFinding
from .lease import Cursor, run
from .lock import FileLock

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY, LAST = "signing.key", "signed.json"
PATIENCE = 5.0  # seconds to wait for another kernel that signs
NEWEST = "SELECT number, hash FROM heads ORDER BY number DESC LIMIT 1"
FIRST = "SELECT hash FROM heads WHERE number = 1"
SIGN = "INSERT INTO signatures (number, key, signature, signed_at) VALUES ($number, $key, $signature, now()::TIMESTAMP)"
SIGNED = """
SELECT number, key, signature, hash, signatures.signed_at FROM signatures LEFT JOIN heads USING (number) ORDER BY ALL
"""


def folder() -> Path:
    """Where the key is: in the user's configuration."""
    import platformdirs

    return platformdirs.user_config_path("jupyter-loops", appauthor=False)


def sign(cursor: Cursor) -> str:
    """Sign the newest head, inside the caller's transaction; gives what was signed. Makes the key where none is.

    Raises HistoryError.
    """
    rows = run(cursor, NEWEST)
    if not rows:
        raise HistoryError("there is no run yet, and so nothing to sign")
    (number, digest), key = rows[0], _key()
    public = key.public_key().public_bytes_raw().hex()
    signature = key.sign(_message(number, digest)).hex()
    run(cursor, SIGN, {"number": number, "key": public, "signature": signature})
    _remember(cursor, number, digest)
    return f"signed up to head {number} with the key in {folder() / KEY}; its public half is {public}"


def findings(cursor: Cursor) -> list[AuditFinding]:
    """Signatures that do not fit, and a chain that is shorter or another than the one that was signed here."""
    signed = run(cursor, SIGNED)
    problems = [
        f"the signature of head {number} by key {key} does not fit"
        for number, key, signature, digest, _ in signed
        if not _fits(number, key, signature, digest)
    ]
    number, digest = _recall(cursor)
    if number and (number, digest) not in {
        (signed_number, signed_digest) for signed_number, _, _, signed_digest, _ in signed
    }:
        problems.append(f"head {number} was signed on this machine, and is not there as it was: cut off, or put back")
    if not signed and not problems:
        problems.append("nobody has signed it: %loops verify --sign does")
    return [AuditFinding("any", None, what) for what in problems]


def describe(cursor: Cursor) -> str:
    """Who signed how much of it, and when."""
    ((newest, _),), (number, key, _, _, moment) = run(cursor, NEWEST), run(cursor, SIGNED)[-1]
    whose = "the key of this machine" if key == _public_key() else "not the key of this machine: ask its owner"
    return f"signed up to head {number} of {newest} on {moment:%Y-%m-%d %H:%M} UTC by {key} ({whose})"


def _message(number: int, digest: str) -> bytes:
    return f"jupyter-loops history, head {number}: {digest}".encode()


def _fits(number: int, key: str, signature: str, digest: str | None) -> bool:
    _needed()
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(signature), _message(number, digest or ""))
    except (InvalidSignature, ValueError):
        return False
    return True


def _key() -> Ed25519PrivateKey:
    """The user's key; made, for the owner only, where there is none."""
    _needed()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    path = folder() / KEY
    try:
        if not path.exists():
            spares.build(path.parent)
            _place(path, Ed25519PrivateKey.generate().private_bytes_raw().hex())
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise HistoryError(f"others can read {path}, and could sign with it: chmod 600, or delete it for a new one")
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text(encoding="ascii")))
    except OSError as error:
        raise HistoryError(f"the key in {path} cannot be used: {error.strerror}") from error
    except ValueError as error:
        raise HistoryError(f"{path} holds no key; move it away for a new one") from error


def _place(path: Path, text: str) -> None:
    """Write a file whole, or not at all; who was quicker has written it."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        with contextlib.suppress(FileExistsError):
            os.link(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _public_key() -> str:
    """The public half of the key here; empty where there is none."""
    return str(_key().public_key().public_bytes_raw().hex()) if (folder() / KEY).exists() else ""


def _remember(cursor: Cursor, number: int, digest: str) -> None:
    lock = FileLock.wait(folder() / LAST, PATIENCE)
    if lock is None:
        raise HistoryError(f"{folder() / LAST} is in use by another kernel, and nothing was signed")
    try:
        signed_heads = _read(lock.path)
        signed_heads[_first(cursor)] = [number, digest]
        body = json.dumps(signed_heads).encode()
        os.lseek(lock.fd, 0, os.SEEK_SET)
        os.write(lock.fd, body)
        os.ftruncate(lock.fd, len(body))
    finally:
        lock.close()


def _recall(cursor: Cursor) -> tuple[int, str]:
    number, digest = _read(folder() / LAST).get(_first(cursor), (0, ""))
    return number, digest


def _first(cursor: Cursor) -> str:
    """What tells one history from another."""
    rows = run(cursor, FIRST)
    return str(rows[0][0]) if rows else ""


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}


def _needed() -> None:
    try:
        import cryptography.hazmat.primitives.asymmetric.ed25519  # noqa: F401
    except ImportError as error:
        raise HistoryError('signatures need a package that is not here: pip install "jupyter-loops[signed]"') from error
