"""A child process that breaks costs no round: the same candidate is tried once more, in a new child."""

import pytest

from jupyter_loops.assemble import Adapters, Options, launch
from jupyter_loops.errors import SandboxError
from jupyter_loops.execution.sandbox import ZygoteSandbox
from jupyter_loops.history import open_history
from jupyter_loops.language import parse
from jupyter_loops.planning.models.replay import ReplayModel

CELL = '''
def double(n: int) -> int:
    """Twice n."""

assert double(2) == 4
'''
RIGHT = "```python\ndef double(n):\n    return n + n\n```"


class Fragile(ZygoteSandbox):
    """Breaks the first few times that a candidate is to be tried."""

    breaks = 1

    def attempt(self, candidate):
        if self.breaks:
            self.breaks -= 1
            raise SandboxError("the child is gone")
        return super().attempt(candidate)


@pytest.fixture
def pursue(tmp_path):
    path = str(tmp_path / "history.duckdb")

    def pursue(breaks):
        sandbox = Fragile(isolation="process")
        sandbox.breaks = breaks
        options = Options(history=path, sandbox="process")
        return launch(parse(CELL, "task"), options, None, [], Adapters(ReplayModel([RIGHT]), sandbox))

    yield pursue
    open_history(path).close()


def test_once_is_tried_again_in_the_same_round_and_pays_for_nothing(pursue):
    run = pursue(1)

    assert run.wait(30).reason == "verified"
    assert (run.usage.iterations, run.usage.calls) == (1, 1)
    moves = [record for record in run.history.records(run.id) if record["kind"] == "state_changed"]
    assert any("once more, in a new child: the child is gone" in move["note"] for move in moves)


def test_twice_ends_the_run_with_the_round_on_the_record(pursue):
    run = pursue(2)

    assert run.wait(30).reason == "error"
    assert run.usage.iterations == 1
