"""Limits of a hub, which whoever administrates it sets in files that its users cannot write.

    # /etc/jupyter/jupyter_loops.toml, or etc/jupyter/jupyter_loops.toml below sys.prefix
    usd_per_run = 2.0                        # most US dollars of one run
    usd_per_day = 20.0                       # most US dollars of a user's notebooks in a day (UTC)
    models = ["local*", "openai/gpt-4o-*"]   # patterns of models that may be asked
    endpoints = ["http://localhost:*"]       # patterns of addresses for --api-base
    isolation = "landlock"                   # at least: landlock, bubblewrap, container
    tools = false                            # no @tool and no --tools

    [prices]                                 # dollars for a million tokens, in and out: instead of --price
    "openai/gpt-4o-mini" = "0.15,0.60"

Where both files set a limit, the stricter one holds. A file that cannot be read, or says something that is not in this
list, refuses every run: a policy is never silently open.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path

from jupyter_loops.core.budget import Price
from jupyter_loops.errors import OptionError, PreflightError
from jupyter_loops.nearest import nearest

NAME = "jupyter_loops.toml"
LEVELS = ("process", "landlock", "bubblewrap", "container")  # from weak to strong
_LIMITS = ("usd_per_run", "usd_per_day")
_PATTERNS = ("models", "endpoints")
_LINE = re.compile(r"\(at line (\d+)")


def places() -> tuple[Path, ...]:
    """Where a policy may be; no variable of a user's environment adds to it."""
    return Path("/etc/jupyter") / NAME, Path(sys.prefix) / "etc" / "jupyter" / NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class HubPolicy:
    """What no option may go beyond; None: no limit."""

    usd_per_run: float | None = None
    usd_per_day: float | None = None
    models: tuple[str, ...] | None = None
    endpoints: tuple[str, ...] | None = None
    isolation: str | None = None
    tools: bool = True
    prices: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()  # the files

    @classmethod
    def here(cls) -> HubPolicy:
        """The policy of this machine and this installation. Raises PreflightError, with file and line."""
        policy = cls()
        for place in dict.fromkeys(places()):
            try:
                text = place.read_text(encoding="utf-8")
            except (FileNotFoundError, NotADirectoryError):
                continue
            except (OSError, UnicodeDecodeError) as error:
                raise _broken(place, None, f"cannot be read: {error}") from error
            policy = policy.joined(_read(place, text))
        return policy

    def joined(self, other: HubPolicy) -> HubPolicy:
        """Both policies at once."""
        return HubPolicy(
            usd_per_run=_least(self.usd_per_run, other.usd_per_run),
            usd_per_day=_least(self.usd_per_day, other.usd_per_day),
            models=_both(self.models, other.models),
            endpoints=_both(self.endpoints, other.endpoints),
            isolation=max(filter(None, [self.isolation, other.isolation]), key=LEVELS.index, default=None),
            tools=self.tools and other.tools,
            prices={**other.prices, **self.prices},
            sources=(*self.sources, *other.sources),
        )

    @property
    def in_dollars(self) -> bool:
        """Whether it limits dollars, so that a price has to be known."""
        return self.usd_per_run is not None or self.usd_per_day is not None

    def __str__(self) -> str:
        parts = [
            "" if self.usd_per_run is None else f"at most ${self.usd_per_run:g} a run",
            "" if self.usd_per_day is None else f"at most ${self.usd_per_day:g} a day",
            "" if self.models is None else f"models {', '.join(self.models) or 'none'}",
            "" if self.endpoints is None else f"endpoints {', '.join(self.endpoints) or 'none'}",
            "" if self.isolation is None else f"isolation {self.isolation} or stronger",
            "" if self.tools else "no tools",
        ]
        return "; ".join(filter(None, parts))

    def check_dollars(self, option: str, usd: float | None) -> None:
        """Refuse a limit in dollars that is higher than the hub's. Raises OptionError."""
        most = self.usd_per_day if option == "--daily-usd" else self.usd_per_run
        if most is not None and (usd is None or usd > most):
            span = "a day" if option == "--daily-usd" else "a run"
            raise OptionError(
                f"{option} {'none' if usd is None else f'{usd:g}'}: this hub allows at most ${most:g} {span}"
            )

    def check_model(self, option: str, name: str | None) -> None:
        """Refuse a model that no pattern allows. Raises OptionError."""
        if name and self.models is not None and not any(fnmatchcase(name, pattern) for pattern in self.models):
            raise OptionError(f"{option} {name}: this hub allows {', '.join(self.models) or 'no model'}")

    def check_endpoint(self, option: str, address: str | None) -> None:
        """Refuse an address that no pattern allows. Raises OptionError."""
        if address and self.endpoints is not None and not any(fnmatchcase(address, one) for one in self.endpoints):
            raise OptionError(f"{option} {address}: this hub allows {', '.join(self.endpoints) or 'no address'}")

    def check_level(self, level: str) -> None:
        """Refuse a level of isolation that is weaker than the hub's. Raises OptionError."""
        if self.isolation is not None and LEVELS.index(level) < LEVELS.index(self.isolation):
            raise OptionError(f"--sandbox {level}: this hub requires {self.isolation} or stronger")

    def check_tools(self, names: Iterable[str]) -> None:
        """Refuse tools where they are off. Raises OptionError."""
        if not self.tools and (offered := ", ".join(names)):
            raise OptionError(f"--tools {offered}: this hub allows no tools")


def _read(place: Path, text: str) -> HubPolicy:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        line = int(found[1]) if found else len(text.splitlines())  # at the end of the document
        raise _broken(place, line, str(error).partition(" (at ")[0]) from error
    known = [one.name for one in fields(HubPolicy) if one.name != "sources"]
    for name, value in values.items():
        if name not in known:
            raise _broken(place, _line_of(text, name), f"there is no limit {name}{nearest(name, known)}")
        if wrong := _wrong(name, value):
            raise _broken(place, _line_of(text, name), f"{name} {wrong}, got {value!r:.60}")
    patterns = {name: tuple(values[name]) for name in _PATTERNS if name in values}
    return HubPolicy(**{**values, **patterns, "sources": (str(place),)})


def _wrong(name: str, value: object) -> str:
    """What is expected where a value is not right; empty where it is."""
    if name in _LIMITS:
        right = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")
        return "" if right else "takes a number of US dollars above 0"
    if name in _PATTERNS:
        return (
            "" if isinstance(value, list) and all(isinstance(one, str) for one in value) else "takes a list of patterns"
        )
    if name == "isolation":
        return "" if value in LEVELS else f"takes one of {', '.join(LEVELS)}"
    if name == "tools":
        return "" if isinstance(value, bool) else "takes true or false"
    right = isinstance(value, dict) and all(map(_is_price, value.values()))
    return "" if right else 'takes "in,out" for each model, such as "0.15,0.60"'


def _is_price(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(Price.per_million(value))
    except ValueError:
        return False


def _line_of(text: str, name: str) -> int | None:
    lines = text.splitlines()
    return next(
        (number for number, line in enumerate(lines, 1) if re.match(rf'\s*\[?\s*"?{re.escape(name)}\b', line)), None
    )


def _broken(place: Path, line: int | None, what: str) -> PreflightError:
    at = f"{place}, line {line}" if line else str(place)
    return PreflightError(f"the hub's policy is broken, and no loop starts until it is mended: {at}: {what}")


def _least(first: float | None, second: float | None) -> float | None:
    return min((one for one in (first, second) if one is not None), default=None)


def _both(first: tuple[str, ...] | None, second: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Patterns of which both lists have to allow a name: the narrower list, where one is part of the other."""
    if first is None or second is None:
        return second if first is None else first
    return tuple(one for one in first if any(one == other or fnmatchcase(one, other) for other in second)) + tuple(
        other for other in second if other not in first and any(fnmatchcase(other, one) for one in first)
    )
