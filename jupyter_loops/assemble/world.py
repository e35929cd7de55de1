"""What a run finds: its cell, the notebook's names that it reads, and the limits of a candidate."""

from __future__ import annotations

import re
from collections.abc import Mapping

from jupyter_loops.core.imports import Imports
from jupyter_loops.core.ports import World
from jupyter_loops.core.recipe import Recipe

from .options import Options


def make_world(recipe: Recipe, options: Options, names: Mapping[str, object]) -> World:
    """What the sandbox is given. Raises PreflightError."""
    from jupyter_loops.execution.tests import digest, locate

    imports = Imports.of(options.allow_imports, options.deny_imports, recipe.setup)
    tests, roots = locate(recipe)
    return World(
        recipe=recipe,
        names={name: names[name] for name in sorted(recipe.uses) if name in names},
        offered=names,
        limits=options.limits,
        imports=imports,
        tests=tests,
        roots=roots,
        tests_digest=digest(roots),
        all_checks=options.all_checks,
    )


def spoken_of(world: World) -> dict[str, object]:
    """The names that set-up and checks read, and those of the notebook that the goal or a docstring mentions."""
    recipe = world.recipe
    said = "\n".join([recipe.goal, *(target.doc for target in recipe.targets)])
    mentioned = set(re.findall(r"[^\W\d]\w{2,}", said)) | set(re.findall(r"`([^\W\d]\w*)`", said))
    made = {target.name for target in recipe.targets}
    others = {name: world.offered[name] for name in sorted(mentioned - made) if name in world.offered}
    return dict(world.names) | others
