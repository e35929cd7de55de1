"""What a run has spent, reserved, and may spend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .amounts import clock, count, usd

NAMES = ("usd", "tokens", "seconds", "iterations")


class Spending:
    """The numbers behind the gauges; a live ledger's word counts more than the sum of the events."""

    def __init__(self) -> None:
        self.limits: dict[str, float | None] = dict.fromkeys(NAMES)
        self.spent = dict.fromkeys(NAMES, 0.0)
        self.reserved = dict.fromkeys(NAMES, 0.0)
        self.priced = True
        self._ledger = False
        self._over = False

    def limit(self, limits: Mapping[str, Any]) -> None:
        """Take over the limits that are named."""
        self.limits |= {name: limits[name] for name in NAMES if name in limits}

    def reserve(self, call: Mapping[str, Any]) -> None:
        """A call is about to leave."""
        if not self._ledger:
            self.reserved |= {"usd": call.get("reserved_usd") or 0.0, "tokens": call.get("reserved_tokens") or 0}

    def settle(self, call: Mapping[str, Any]) -> None:
        """A call is over; its price may be unknown."""
        if not self._ledger:
            self.reserved = dict.fromkeys(NAMES, 0.0)
            self.spent["usd"] += call.get("usd") or 0.0
            self.spent["tokens"] += (call.get("prompt_tokens") or 0) + (call.get("completion_tokens") or 0)

    def ledger(self, spent: Mapping[str, float], reserved: Mapping[str, float]) -> None:
        """The ledger's own numbers; events are no longer added up."""
        self._ledger = True
        self.spent |= {name: float(spent[name]) for name in ("usd", "tokens") if name in spent}
        self.reserved |= {name: float(reserved[name]) for name in ("usd", "tokens") if name in reserved}

    def final(self, usage: Mapping[str, float]) -> None:
        """The run is over: nothing is reserved any more."""
        self.spent |= {name: float(usage[name]) for name in NAMES if name in usage}
        self.reserved = dict.fromkeys(NAMES, 0.0)
        self._over = True

    def go_on(self) -> None:
        """The run had ended, and has not."""
        self._over = False

    def gauges(self) -> dict[str, dict[str, Any]]:
        """JSON: a gauge each for money, tokens, time and rounds."""
        return {
            name: {
                "spent": self.spent[name],
                "reserved": self.reserved[name],
                "limit": self.limits[name] if self.priced or name != "usd" else None,
                "landing": self._projected(name),
                "text": self._text(name),
            }
            for name in NAMES
        }

    def _projected(self, name: str) -> float | None:
        """Spending after the last allowed round, if the rounds left cost as much as the ones before."""
        done, rounds = self.spent["iterations"], self.limits["iterations"]
        if self._over or name == "iterations" or self.limits[name] is None or rounds is None or not 0 < done < rounds:
            return None
        return self.spent[name] / done * rounds

    def _text(self, name: str) -> str:
        spent, limit = self.spent[name], self.limits[name]
        if name == "usd":
            if not self.priced:
                return "price unknown"
            return usd(spent) if limit is None else f"{usd(spent, coarse=limit)} of {usd(limit)}"
        write = {"tokens": count, "seconds": clock}.get(name, "{:.0f}".format)
        return write(spent) if limit is None else f"{write(spent)} of {write(limit)}"
