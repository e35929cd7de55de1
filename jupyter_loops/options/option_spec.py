"""One declaration of an option: the field of Options, the parser, the trait, `--help`, completion and the page."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import Field, dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
GROUPS = ("model", "limits", "verification", "sandbox", "history", "map", "output")  # in the order of the help


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of the line. Without a reader it is a flag."""

    name: str  # as a Python name; dashes on the line
    help: str
    group: str = "output"
    short: str = ""
    shape: str = ""  # how its value is written in the help
    read: Callable[[str], Any] | None = None
    of: str = ""  # the option that this flag turns off
    several: bool = False  # may be given again; values with a semicolon between them
    formerly: str = ""  # a name that is still read, with a notice
    positive: bool = False  # a number above zero

    @property
    def long(self) -> str:
        """As it is written."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def former(self) -> str:
        """As it was written before; empty where it has no other name."""
        return self.formerly and f"--{self.formerly.replace('_', '-')}"


def notice(former: str, today: str) -> None:
    """Warn that an option has another name today."""
    warnings.warn(f"the option {former} is called {today} today", FutureWarning, stacklevel=4)


def option(default: T, help: str, group: str, *, off: tuple[str, str] | None = None, **spec: Any) -> T:  # noqa: A002
    """The field of an option; `spec` as of Option, `off` is the flag that turns it off, and its help."""
    return field(default=default, metadata={"spec": {"help": help, "group": group, **spec}, "off": off})


def specs(declared: Field[Any]) -> tuple[Option, ...]:
    """The option of a field, and the flag that turns it off."""
    spec, off = declared.metadata["spec"], declared.metadata["off"]
    on = Option(name=declared.name, **spec)
    return (on,) if off is None else (on, Option(name=off[0], help=off[1], group=on.group, of=on.name))
