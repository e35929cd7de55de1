"""Restricts a candidate's process: prepared before the fork, applied at its start, completed before its code runs.

Every failure raises, so that the process ends: a candidate never runs with less isolation than its level has.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from . import landlock, privileges, seccomp
from .mounts import View

# Files of /proc/self that libraries read to learn their limits. DuckDB aborts without them.
_READ = ("cgroup", "status", "statm", "stat", "maps", "cmdline")
_LISTED = ("fd", "task")
_NO_VIEW = "landlock without namespaces of one's own: candidates can use no locks of multiprocessing, and no chmod ({})"
_NO_SCOPES = "landlock before Linux 6.12 does not hold signals: candidates may end processes of yours"
_NO_LANDLOCK = "bubblewrap without landlock: candidates can read the notebook's folder ({})"


class ChildRestrictions:
    """The restrictions of one plan. Make them in the fork server; then call `begin` and `shut_in` in each candidate."""

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
        """Apply all restrictions but those of files. The working folder may be `/` afterwards.

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
        """Restrict files to `folder`, the candidate's, and the paths of the plan. Raises OSError."""
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
    """Apply all restrictions at once, in a process that was not forked from a prepared one. Raises OSError."""
    restrictions = ChildRestrictions(plan)
    restrictions.begin()
    restrictions.shut_in(folder)


def _view(plan: dict[str, Any]) -> tuple[View | None, tuple[str, ...]]:
    """The mount namespace of candidates; a note for the user where none can be made."""
    try:
        return View(plan["view"], plan["readable"], plan["scratch"]), ()
    except OSError as error:
        return None, (_NO_VIEW.format(error),)


def _is_enabled(mode: str, missing: str) -> bool:
    """Whether a restriction applies: `always`, `never`, or `if it can`. Raises OSError if `always` is impossible."""
    if mode == "always" and missing:
        raise OSError(missing)
    return mode != "never" and not missing
