from __future__ import annotations

from collections.abc import Callable

import pytest

from jupyter_loops.core.recipe import Check, Recipe, Target, TargetKind


def _function(name: str, doc: str = "Does it.") -> Target:
    return Target(
        name=name, kind=TargetKind.FUNCTION, source=f'def {name}(n: int) -> int:\n    """{doc}"""\n    ...', doc=doc
    )


def _recipe(*checks: str, hidden: tuple[str, ...] = (), **more: object) -> Recipe:
    facts: dict[str, object] = {"name": "loop", "goal": "Do it.", "targets": (_function("double"),)}
    stated = [Check(name=source, source=f"assert {source}") for source in checks]
    stated += [Check(name=source, source=f"assert {source}", hidden=True) for source in hidden]
    return Recipe(**(facts | {"checks": tuple(stated)} | more))  # type: ignore[arg-type]


@pytest.fixture
def a_function() -> Callable[..., Target]:
    return _function


@pytest.fixture
def a_recipe() -> Callable[..., Recipe]:
    return _recipe
