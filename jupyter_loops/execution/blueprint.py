"""What a child needs to know to build its world; of the checks, nothing."""

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
    """What makes a check ready for the child. By name: verification stands above this package."""
    made: Program = import_module(_PROGRAM).program
    return made


def blueprint(
    world: World, cargo: NamespacePayload, start: ChildLauncher, examiner: str, *, fork: bool
) -> Mapping[str, Any]:
    """The order to build a world with what is in `cargo`; with `fork` for many candidates, else for one."""
    recipe, platform = world.recipe, start.platform
    return cargo.order() | {
        "path": [] if start.isolation == "container" else import_paths(),
        "python": list(sys.version_info[:2]),
        "limits": _held(world.limits) if platform.holds else None,
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
            {"name": each.name, "kind": each.kind.value, "source": each.source}
            | {"annotation": each.annotation, "line": each.line}
            for each in recipe.targets
        ],
    }


def _held(limits: Limits) -> dict[str, Any]:
    """What a child asks the system to hold it to."""
    each = limits.seconds if limits.cpu_seconds is None else limits.cpu_seconds
    return asdict(limits) | {"cpu_seconds": limits.life_cpu_seconds or each}


def _import_rules(imports: Imports) -> dict[str, Any] | None:
    """The lists as the child needs them to refuse what only shows at run time; None where there are none."""
    if not imports:
        return None
    allowed = None if imports.allowed is None else sorted(imports.allowed)
    return {"allowed": allowed, "denied": sorted(imports.denied), "rule": imports.rule}
