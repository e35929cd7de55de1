"""A rolling transcript: the newest rounds as they were, older ones in a line, and a prompt that stops growing."""

from itertools import pairwise

import pytest

from jupyter_loops.core.candidate import Candidate, CandidateKind
from jupyter_loops.core.memory import Memory, PastRound
from jupyter_loops.planning.planner import PromptPlanner
from jupyter_loops.planning.transcript import STEP, TOKENS


def past(n, lines=20):
    body = "\n".join(f"    x{line} = n + {line}" for line in range(lines))
    text = f"def double(n):\n{body}\n    return {n}"
    candidate = Candidate(kind=CandidateKind.CODE, text=text)
    return PastRound(iteration=n, candidate=candidate, feedback=(f"double(2) gave {n}",), why=f"gave {n}, expected 4")


def memory(rounds, **more):
    last = past(rounds).candidate
    return Memory(iteration=rounds + 1, last=last, best=last, rounds=tuple(map(past, range(1, rounds + 1))), **more)


def prompt(a_recipe, rounds, window=None, **more):
    return PromptPlanner(rolling=True).prompt(a_recipe("double(2) == 4"), memory(rounds, **more), window)


def contents(prompt):
    return [message.content for message in prompt.messages]


def test_the_first_prompt_is_that_of_a_fresh_context(a_recipe):
    recipe = a_recipe("double(2) == 4")
    fresh, rolling = (PromptPlanner(rolling=rolling).prompt(recipe, Memory(), None) for rolling in (False, True))

    assert rolling == fresh


def test_rounds_are_messages_of_the_two_that_speak(a_recipe):
    asked = prompt(a_recipe, 2, hints=("multiply",))

    assert [message.role for message in asked.messages] == ["system", "user", "assistant", "user", "assistant", "user"]
    assert "return 1" in contents(asked)[2]
    assert "double(2) gave 1" in contents(asked)[3]
    assert "multiply" in contents(asked)[-1]
    assert "multiply" not in contents(asked)[3]
    assert sum(text.count("return 2") for text in contents(asked)) == 1


def test_a_round_without_a_candidate_says_so(a_recipe):
    unread = PastRound(iteration=1, candidate=None, feedback=("no code block",), why="no code block")
    asked = PromptPlanner(rolling=True).prompt(a_recipe(), Memory(iteration=2, rounds=(unread,)), None)

    assert contents(asked)[-1].startswith("Your last answer could not be used:\n- no code block")


def test_the_prompt_stops_growing_and_older_rounds_stay_in_a_line(a_recipe):
    tokens = [prompt(a_recipe, rounds).tokens for rounds in range(1, 51)]
    last = prompt(a_recipe, 50)

    assert tokens[0] < tokens[3] < tokens[6]
    assert max(tokens) <= TOKENS
    assert "- round 10: gave 10, expected 4" in contents(last)[1]
    assert next(part for part in last.parts if part.name == "transcript").dropped > 0


def test_a_prompt_is_mostly_the_one_of_the_round_before(a_recipe):
    """Which a provider has in its cache: the beginning moves STEP rounds at a time."""
    asked = [contents(prompt(a_recipe, rounds)) for rounds in range(20, 20 + 2 * STEP)]
    stable = [new[: len(old) - 1] == old[:-1] for old, new in pairwise(asked)]

    assert sum(stable) >= len(stable) * (STEP - 1) / STEP - 1


@pytest.mark.parametrize("window", [700, 1500, 4096])
def test_it_fits_into_a_short_window_with_the_last_round(a_recipe, window):
    planner = PromptPlanner(rolling=True, max_tokens=300)
    asked = planner.prompt(a_recipe("double(2) == 4"), memory(12), window)

    assert asked.tokens <= window - 300
    assert "double(2) gave 12" in contents(asked)[-1]


def test_a_fresh_start_shows_no_round(a_recipe):
    asked = PromptPlanner(rolling=True).prompt(a_recipe(), memory(5).fresh(), None)

    assert len(asked.messages) == 2
