"""The levels of isolation that this machine has."""

import shutil

import pytest

from jupyter_loops.execution.isolation import _why_not_landlock as no_landlock

LEVELS = [
    "process",
    pytest.param("landlock", marks=pytest.mark.skipif(bool(no_landlock()), reason=no_landlock() or "it works")),
    pytest.param("bubblewrap", marks=pytest.mark.skipif(not shutil.which("bwrap"), reason="no bwrap")),
]


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest) -> str:
    return request.param
