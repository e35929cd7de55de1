from __future__ import annotations

import json

import pytest

from jupyter_loops.core.recipe import Target, TargetKind
from jupyter_loops.errors import ReplyError
from jupyter_loops.planning.answer.data import read_data
from jupyter_loops.planning.answer.text import read_text

MUG = Target(name="mug", kind=TargetKind.DATA, source="mug: Product", annotation="Product")
COLOUR = Target(name="colour", kind=TargetKind.DATA, source="", annotation='Literal["red", "blue"]')
SLOGAN = Target(name="slogan", kind=TargetKind.TEXT, source="slogan: str", annotation="str")


@pytest.mark.parametrize(
    "answer",
    [
        '{"mug": {"name": "Ember"}}',
        '{"name": "Ember"}',
        'Here you go:\n```json\n{"mug": {"name": "Ember"}}\n```\nEnjoy!',
        'Of course! {"mug": {"name": "Ember"}} is my answer.',
        "{'mug': {'name': 'Ember',}}",
        '{"mug": {"name": "Ember"',
        '{"mug": {"name": "Ember"}, "note": "extra"}',
        '<think>{"mug": 1}</think>{"mug": {"name": "Ember"}}',
    ],
)
def test_an_object_is_found_mended_and_put_under_its_target(answer):
    assert json.loads(read_data(answer, [MUG])) == {"mug": {"name": "Ember"}}


def test_a_bare_list_is_a_single_target():
    assert json.loads(read_data("[1, 2]", [MUG])) == {"mug": [1, 2]}


def test_one_word_out_of_a_few_may_come_bare():
    assert json.loads(read_data("Red.\n".strip(".\n").lower(), [COLOUR])) == {"colour": "red"}
    assert json.loads(read_data('"blue"', [COLOUR])) == {"colour": "blue"}


def test_several_targets_need_every_key():
    assert json.loads(read_data('{"mug": 1, "slogan": "hot"}', [MUG, SLOGAN])) == {"mug": 1, "slogan": "hot"}
    with pytest.raises(ReplyError, match="lacks the key slogan"):
        read_data('{"mug": 1}', [MUG, SLOGAN])


@pytest.mark.parametrize("answer", ["", "I would rather not.", "{{{"])
def test_an_answer_without_json_is_told_so(answer):
    with pytest.raises(ReplyError, match="mug"):
        read_data(answer, [MUG])


@pytest.mark.parametrize("answer", ["[" * 100_000, '{"a":' * 100_000, "```json\n" + "[" * 100_000 + "\n```"])
def test_brackets_nested_as_deep_as_an_answer_is_long_are_no_json(answer):
    with pytest.raises(ReplyError):
        read_data(answer, [MUG])


@pytest.mark.parametrize(
    "answer",
    ["Stay warm", '"Stay warm"', "  Stay warm\n", "```\nStay warm\n```", "```text\nStay warm\n```", "“Stay warm”"],
)
def test_a_text_comes_without_its_wrapping(answer):
    assert json.loads(read_text(answer, "slogan")) == {"slogan": "Stay warm"}


def test_quotes_inside_a_text_stay():
    assert json.loads(read_text('"Warm" is not "hot"', "slogan")) == {"slogan": '"Warm" is not "hot"'}


def test_an_empty_text_is_no_answer():
    with pytest.raises(ReplyError, match="empty"):
        read_text(" ``` ``` ".replace("`", ""), "slogan")
