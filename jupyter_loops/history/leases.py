"""How each kind of history is leased."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .address import Address
from .lease import Lease


def lease(address: Address, turnstile: Path | None, *, also: Sequence[Path] = ()) -> Lease:
    """The lease of a file, of a session on a server, or of a lake."""
    if address.kind == "quack":
        from .quack import QuackLease

        return QuackLease(address, turnstile, also=also)
    if address.kind == "ducklake":
        from .lake import LakeLease

        return LakeLease(address, turnstile, also=also)
    return Lease(address.home, turnstile, also=also)
