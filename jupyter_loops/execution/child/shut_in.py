"""Shuts a candidate's process in: made ready before the fork, half of it done at birth, the rest before the first word.

Whatever fails raises, so that the process ends: a candidate never runs in less than what its level says.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from . import landlock, privileges, seccomp
from .mounts import View

# Of the process itself alone, by /proc: what libraries read to know how much they may use. DuckDB dies without.
_READ = ("cgroup", "status", "statm", "stat", "maps", "cmdline")
_LISTED = ("fd", "task")
_NO_VIEW = "landlock without namespaces of one's own: candidates can use no locks of multiprocessing, and no chmod ({})"
_NO_SCOPES = "landlock before Linux 6.12 does not hold signals: candidates may end processes of yours"
_NO_LANDLOCK = "bubblewrap without landlock: candidates can read the notebook's folder ({})"


class ChildRestrictions:
    """What one plan means. Make it in the fork server; call `begin` and then `shut_in` in each candidate's process."""

    def __init__(self, plan: dict[str, Any]) -> None:
        """Of a plan by `grants.plan`; for one thread. Raises OSError where it cannot be made."""
        self._capabilities: int = plan["capabilities"]
        self._tcp: bool = plan["sockets"]
        self._filter = b""
        self._ruleset: landlock.Ruleset | None = None
        self._rules: landlock.Rules | None = None
        privileges.load()
        self._view, self.notes = _view(plan) if plan["view"] else (None, ())
        metadata = plan["level"] != "landlock" or self._view is not None
        if _is_enabled(plan["seccomp"], seccomp.available()):
            self._filter = seccomp.program(sockets=plan["sockets"], metadata=metadata)
            seccomp.prepared(self._filter)
        if _is_enabled(plan["landlock"], landlock.available()):
            self._rules = landlock.Rules(plan["readable"], plan["writable"], listed=plan["listed"])
            if plan["level"] == "landlock" and not landlock.holds_signals():
                self.notes += (_NO_SCOPES,)
        elif plan["level"] == "bubblewrap":
            self.notes += (_NO_LANDLOCK.format(landlock.available()),)

    def begin(self) -> None:
        """Give up what needs no word of the candidate: all but the files. The working folder is `/` then, in places.

        Raises OSError.
        """
        if self._rules is not None:
            self._ruleset = self._rules.ruleset(tcp=self._tcp)
            self._rules.close()
            self._allow_itself(self._ruleset)
        if self._view is not None:
            self._view.enter()
        privileges.drop(self._capabilities)
        if self._view is not None:
            self._view.open_to_the_kernel()
        if self._filter:
            seccomp.install(self._filter)

    def shut_in(self, folder: str) -> None:
        """From now on only `folder`, the candidate's own, and what the plan names. Raises OSError."""
        if self._ruleset is not None:
            self._ruleset.allow(folder)
            self._ruleset.enforce()

    @staticmethod
    def _allow_itself(ruleset: landlock.Ruleset) -> None:
        with suppress(FileNotFoundError):  # where nobody has mounted it
            for name in _READ:
                ruleset.allow(f"/proc/self/{name}", landlock.READ)
            for name in _LISTED:
                ruleset.allow(f"/proc/self/{name}", landlock.LIST)


def shut_in(plan: dict[str, Any], folder: str) -> None:
    """All of it at once, for a process that was not forked from one that made it ready. Raises OSError."""
    restrictions = ChildRestrictions(plan)
    restrictions.begin()
    restrictions.shut_in(folder)


def _view(plan: dict[str, Any]) -> tuple[View | None, tuple[str, ...]]:
    """The candidates' own view of files, where there can be one; what is to be said where there cannot."""
    try:
        return View(plan["view"], plan["readable"], plan["scratch"]), ()
    except OSError as error:
        return None, (_NO_VIEW.format(error),)


def _is_enabled(mode: str, missing: str) -> bool:
    """Whether it is to be done: `always`, `never`, or `if it can`. Raises OSError where it must and cannot."""
    if mode == "always" and missing:
        raise OSError(missing)
    return mode != "never" and not missing
