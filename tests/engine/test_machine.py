"""The state machine is data, and an illegal step is a bug that raises."""

import itertools

import pytest

from jupyter_loops.core.state import State
from jupyter_loops.engine.state_machine import TRANSITIONS, StateMachine
from jupyter_loops.errors import TransitionError


def a_machine():
    said = []
    return StateMachine(said.append), said


def test_walks_one_round_and_says_every_step():
    machine, said = a_machine()

    for state in (State.PLAN, State.EXECUTE, State.OBSERVE, State.VERIFY, State.DECIDE, State.END):
        machine.move(state, 1)

    assert [(event.source, event.to) for event in said] == list(
        itertools.pairwise(["prepare", "plan", "execute", "observe", "verify", "decide", "end"])
    )


@pytest.mark.parametrize(
    ("source", "to"),
    [(s, t) for s in State for t in State if s is not State.WAIT and t not in TRANSITIONS[s]],
)
def test_an_illegal_step_raises_and_changes_nothing(source, to):
    machine, said = a_machine()
    machine.state = source

    with pytest.raises(TransitionError):
        machine.move(to, 1)

    assert machine.state is source
    assert said == []


def test_waiting_goes_back_only_to_where_it_came_from():
    machine, _ = a_machine()
    machine.move(State.PLAN, 1)
    machine.move(State.WAIT, 1, "paused")

    with pytest.raises(TransitionError):
        machine.move(State.EXECUTE, 1)
    machine.move(State.PLAN, 1)

    assert machine.state is State.PLAN


def test_every_state_can_reach_the_end_and_the_end_is_final():
    reachable = {State.END}
    while True:
        more = {state for state, targets in TRANSITIONS.items() if targets & reachable} - reachable
        if not more:
            break
        reachable |= more

    assert reachable == set(State)
    assert TRANSITIONS[State.END] == frozenset()


def test_times_the_phases_of_a_round():
    machine, _ = a_machine()
    machine.move(State.PLAN, 1)
    machine.new_round()
    machine.move(State.EXECUTE, 1)

    [(state, seconds)] = machine.phases
    assert state is State.PLAN
    assert 0 <= seconds < 1
