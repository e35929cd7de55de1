"""What a child needs to build its world. The checks are not part of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from importlib import import_module
from typing import Any

from jupyter_loops.core.candidate import Limits
from jupyter_loops.core.imports import Imports
from jupyter_loops.core.mutation import changed_by_functions
from jupyter_loops.core.ports import World
from jupyter_loops.core.recipe import Check

from . import grants
from .child_launcher import ChildLauncher
from .examination import Program
from .isolation import import_paths, setup_folder
from .namespace_payload import NamespacePayload

EXAMINER = "jupyter_loops.verification.check_runner"  # of the child: examine
_REHEARSAL = Check(name="", source="assert rehearsed(7) == 50", line=2)  # of the candidate in child/rehearsal.py
_PROGRAM = "jupyter_loops.verification.program"  # of the kernel: program


@cache
def program() -> Program:
    """The function that prepares a check for the child. Imported by name: `verification` is a higher layer."""
    loaded: Program = import_module(_PROGRAM).program
    return loaded


def blueprint(
    world: World, payload: NamespacePayload, start: ChildLauncher, examiner: str, *, fork: bool
) -> Mapping[str, Any]:
    """The order to build a world with the names in `payload`; with `fork` for many candidates, otherwise for one."""
    recipe, platform = world.recipe, start.platform
    return payload.order() | {
        "path": [] if start.isolation == "container" else import_paths(),
        "python": list(sys.version_info[:2]),
        "limits": _process_limits(world.limits) if platform.holds else None,
        "prefix": sys.prefix,
        "examiner": examiner,
        "rehearsal": program()(_REHEARSAL, 0),
        "role": "examiner",
        "most": world.limits.result_bytes,
        "shut_in": grants.plan(
            start.isolation,
            start.scratch,
            hidden=[path for path in start.shown if str(path) not in import_paths()],
            named=grants.named_files([recipe.setup, *(check.source for check in recipe.checks if not check.hidden)]),
        ),
        "awaits": any(word in recipe.source for word in ("async ", "await ", "asyncio")),
        "watched": start.watched,
        "imports": _import_rules(world.imports),
        "fork": fork,
        "tests": list(world.roots) if world.tests else [],
        "loop": recipe.name,
        "setup": recipe.setup,
        "setup_seconds": world.limits.setup_seconds,
        "state": sorted(changed_by_functions(recipe.setup)),
        "setup_name": f"<loop {recipe.name}>",
        "setup_cwd": str(setup_folder(start.isolation, start.scratch)),
        "targets": [
            {"name": target.name, "kind": target.kind.value, "source": target.source}
            | {"annotation": target.annotation, "line": target.line}
            for target in recipe.targets
        ],
    }


def _process_limits(limits: Limits) -> dict[str, Any]:
    """The limits that a child sets for itself with setrlimit."""
    cpu_seconds = limits.seconds if limits.cpu_seconds is None else limits.cpu_seconds
    return asdict(limits) | {"cpu_seconds": limits.life_cpu_seconds or cpu_seconds}


def _import_rules(imports: Imports) -> dict[str, Any] | None:
    """The lists by which the child refuses imports at run time; None if there are no rules."""
    if not imports:
        return None
    allowed = None if imports.allowed is None else sorted(imports.allowed)
    return {"allowed": allowed, "denied": sorted(imports.denied), "rule": imports.rule}
