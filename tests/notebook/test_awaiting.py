import pytest

from jupyter_loops.notebook.awaiting import Awaiting

PLAIN = "get_ipython().run_cell_magic('loop', 'x', 'body')\n"


class Info:
    def __init__(self):
        self.info = self


@pytest.fixture
def awaiting(shell, monkeypatch):
    monkeypatch.setattr(shell, "kernel", object(), raising=False)
    return Awaiting(shell)


async def test_the_outermost_loop_cell_is_awaited(awaiting):
    assert awaiting._transform([PLAIN]) == ["await get_ipython().run_cell_magic('_loop_awaited', 'x', 'body')\n"]


@pytest.mark.parametrize("line", ["x = 1\n", "get_ipython().run_cell_magic('loop_sql', '', 'SELECT 1')\n"])
async def test_other_cells_are_left_alone(awaiting, line):
    assert awaiting._transform([line]) == [line]


async def test_a_loop_cell_inside_a_running_cell_is_left_alone(awaiting):
    outer = Info()
    awaiting._started(outer)
    assert awaiting._transform([PLAIN]) == [PLAIN]
    inner = Info()
    awaiting._started(inner)
    awaiting._ended(inner)
    assert awaiting._transform([PLAIN]) == [PLAIN]
    awaiting._ended(outer)
    assert awaiting._transform([PLAIN]) != [PLAIN]


async def test_a_cell_that_never_began_is_not_counted_and_a_torn_down_one_is(awaiting):
    awaiting._ended(Info())
    awaiting._started(Info())
    awaiting._ended(None)
    assert awaiting._transform([PLAIN]) != [PLAIN]


def test_without_a_running_event_loop_nothing_is_awaited(awaiting):
    assert awaiting._transform([PLAIN]) == [PLAIN]


async def test_without_autoawait_nothing_is_awaited(awaiting, shell):
    shell.autoawait = False
    assert awaiting._transform([PLAIN]) == [PLAIN]


async def test_without_a_kernel_nothing_is_awaited(shell):
    assert Awaiting(shell)._transform([PLAIN]) == [PLAIN]
