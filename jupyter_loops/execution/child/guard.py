"""Keeps a candidate from editing its own exam: the world is compared before its checks and after them."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from .callers import callers
from .digest import content
from .residue import Residue
from .seal import exam, own_classes, reached, surroundings
from .sentry import sentry
from .stamp import stamp
from .watching import Watch, watch
from .world import World

Used = tuple[tuple[str, ...], tuple[str, ...]]  # names and attributes that a check uses, and does not change itself
Finding = tuple[str, str]  # what was done (changes, leaves, reaches), and to what
Checks = Sequence[Mapping[str, Any]]

_PLAIN = (int, float, str, bytes, bool, type(None))
_OURS = frozenset({"__builtins__", "__annotations__", "__warningregistry__", "__doc__"})
_GONE = object()


class Guard(NamedTuple):
    """Functions, and not methods: a candidate may replace what a class has, but not what these hold."""

    begin: Callable[[], None]  # in the process of the candidate, before it runs
    after_candidate: Callable[[], str]  # what makes it impossible to go on; empty when nothing does
    look: Callable[[], None]  # at what the candidate changed: nothing of it runs from then until its checks do
    before_checks: Callable[[Checks], list[Finding]]
    after_checks: Callable[[Checks], list[Finding]]
    watch: Callable[[Mapping[str, Any]], Watch]  # over what one check uses, while it is running
    own: frozenset[type]  # classes of the user's


def guarded(world: World) -> Guard:
    """Look at the world as it is, once for all candidates; each fork begins with a guard that has seen nothing else.

    Names that were bound anew get their values back.
    """
    names, digests, targets = world.names, world.digests, {target.name for target in world.targets}
    given = {name: value for name, value in names.items() if name not in targets | _OURS}
    around, inside, own = surroundings(given, world.ours), exam(given, targets), own_classes(given)
    restore_builtins, who = _builtins_keeper(), callers(names, world.sources, world.roots)

    residue, (post, refused), news = Residue(names), sentry(who, world.sources), _once()
    clear = residue.clear
    moved = set(world.state)  # names that set-up and checks change by themselves
    late: list[Finding] = []
    watches: dict[Used, Watch] = {}

    def begin() -> None:
        residue.begin()
        post()

    def after_candidate() -> str:
        late.extend(("changes", name) for name in restore_builtins())
        left, threads = clear()
        late.extend(("leaves", each) for each in left)
        return f"{threads} thread{'s' * (threads > 1)} still running" if threads > 0 else ""

    def look() -> None:
        late.extend(("changes", each) for each in (*restore_builtins(), *around(), *inside()))

    def before_checks(checks: Checks) -> list[Finding]:
        anew = _rebound(given, names, reached(given, _all(checks, "reads")) - moved)
        names.update({name: given[name] for name in anew})
        for used in {_used(check) for check in checks}:
            watches[used] = watch(names, given.keys() - moved, *map(set, used))
        return news([*late, *(("changes", name) for name in anew), *(("reaches", each) for each in refused)])

    def after_checks(checks: Checks) -> list[Finding]:
        moved.update(_all(checks, "changes"))
        read = reached(given, _all(checks, "reads")) - moved
        changed = [*restore_builtins(), *_rebound(given, names, read), *around(), *inside()]
        changed += [name for name in read & digests.keys() if content(names.get(name)) != digests[name]]
        left, threads = clear()
        left += ["a thread that is still running"] * (threads > 0)
        found = {"changes": changed, "leaves": left, "reaches": refused}
        return news([(kind, each) for kind, each_of in found.items() for each in each_of])

    return Guard(begin, after_candidate, look, before_checks, after_checks, lambda check: watches[_used(check)], own)


def _builtins_keeper() -> Callable[[], list[str]]:
    before, number = dict(vars(builtins)), stamp(vars(builtins))
    was = number(0)

    def restore() -> list[str]:
        """Put the builtins back; name those that were changed or removed."""
        nonlocal was
        if number(0) == was:
            return []
        now = vars(builtins)
        changed = [name for name, value in before.items() if name != "_" and now.get(name, now) is not value]
        now.update(before)
        was = number(0)
        return changed

    return restore


def _once() -> Callable[[list[Finding]], list[Finding]]:
    told: set[Finding] = set()

    def news(found: list[Finding]) -> list[Finding]:
        """What was not said before."""
        fresh = sorted(set(found) - told)
        told.update(fresh)
        return fresh

    return news


def _used(check: Mapping[str, Any]) -> Used:
    return tuple(name for name in check["reads"] if name not in check["changes"]), tuple(check["parts"])


def _rebound(given: Mapping[str, object], names: Mapping[str, object], read: set[str]) -> list[str]:
    return [name for name in read if not _is_same(given[name], names.get(name, _GONE))]


def _all(checks: Checks, key: str) -> set[str]:
    return {name for check in checks for name in check[key]}


def _is_same(before: object, after: object) -> bool:
    return before is after or (type(before) is type(after) and isinstance(before, _PLAIN) and before == after)
