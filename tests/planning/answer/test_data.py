from __future__ import annotations

import json

import pytest

from jupyter_loops.core.recipe import Target, TargetKind
from jupyter_loops.errors import ReplyError
from jupyter_loops.planning.answer.read_json import read_data
from jupyter_loops.planning.answer.read_plain_text import read_text

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
    [
        "Stay warm",
        '"Stay warm"',
        " Stay warm\n",
        "\n\nStay warm",
        "\ufeffStay warm",
        "```\nStay warm\n```",
        "```text\nStay warm\n```",
        "“Stay warm”",
    ],
)
def test_a_text_comes_without_its_wrapping(answer):
    assert json.loads(read_text(answer, "slogan")) == {"slogan": "Stay warm"}


def test_quotes_inside_a_text_stay():
    assert json.loads(read_text('"Warm" is not "hot"', "slogan")) == {"slogan": '"Warm" is not "hot"'}


def test_an_empty_text_is_no_answer():
    with pytest.raises(ReplyError, match="empty"):
        read_text(" ``` ``` ".replace("`", ""), "slogan")


XS = Target(name="xs", kind=TargetKind.DATA, source="xs: list[int]", annotation="list[int]")
NAME = Target(name="name", kind=TargetKind.DATA, source="name: Product", annotation="Product")
PRODUCT = {"type": "object", "properties": {"name": {}, "price": {}}, "required": ["name", "price"]}


@pytest.mark.parametrize(
    "answer",
    [
        "Here is the list [as asked]: [1, 2]",
        "For {project}, as in [a]:\n\n[1, 2]",
        'For {project} I suggest:\n\n{"xs": [1, 2]}',
        '{"xs": [1, 2]}\nand not {"other": 3} or {"ys": [1]}',
        'Not ```json\n{"ys": [3]}\n``` but\n```\n{"xs": [1, 2]}\n```',
        "\ufeff[1, 2]",
        "Thinking of [3] and {4}.\n</think>\n[1, 2]",
        "Sure.\n```json\n[1, 2,] // both\n```",
        "{\u201cxs\u201d\uff1a [1, 2]}",
    ],
)
def test_the_json_that_fits_is_taken_wherever_it_stands(answer):
    assert json.loads(read_data(answer, [XS])) == {"xs": [1, 2]}


def test_the_schema_chooses_where_a_key_has_the_target_s_name():
    schema = {"properties": {"name": PRODUCT}}
    mug = {"name": "mug", "price": 3}

    assert json.loads(read_data(json.dumps(mug), [NAME], schema=schema)) == {"name": mug}
    assert json.loads(read_data(json.dumps({"name": mug}), [NAME], schema=schema)) == {"name": mug}


def test_the_type_chooses_between_two_values():
    schema = {"properties": {"xs": {"type": "array"}}}

    assert json.loads(read_data('[1] and then {"a": 2}', [XS], schema=schema)) == {"xs": [1]}


def test_null_is_a_value():
    assert json.loads(read_data("null", [MUG])) == {"mug": None}
    assert json.loads(read_data('{"mug": null}', [MUG])) == {"mug": None}


@pytest.mark.parametrize("text", ["\t", "a\u2028b", "\x0c", "```", "</think>", "\u200b", "[1] {2}"])
def test_strings_in_json_stay_as_they_are(text):
    assert json.loads(read_data(json.dumps({"mug": text}), [MUG])) == {"mug": text}
    fenced = f"So:\n```json\n{json.dumps({'mug': text}, ensure_ascii=False)}\n```\nDone."
    assert json.loads(read_data(fenced, [MUG])) == {"mug": text}


@pytest.mark.parametrize("answer", ['{"mug": 1, "slogan":', '{"mug": 1, "slogan":}', '{"mug": 1, "slog'])
def test_a_target_is_never_invented(answer):
    with pytest.raises(ReplyError):
        read_data(answer, [MUG, SLOGAN])


def test_prose_in_brackets_is_no_list():
    with pytest.raises(ReplyError, match="not JSON"):
        read_data("I considered [several options] and chose none.", [XS])


def test_json_that_was_cut_is_not_repaired():
    with pytest.raises(ReplyError):
        read_data('{"mug": {"name": "Emb', [MUG], cut=True)
    assert json.loads(read_data('{"mug": 1} and so', [MUG], cut=True)) == {"mug": 1}


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("Okay, the user wants the capital.\nIt is Paris.\n</think>\n\nParis", "Paris"),
        ("<think>It is Paris.</think>Paris", "Paris"),
        ("The tag </think> ends it.", "The tag </think> ends it."),
        ("a\tb\u2028c", "a\tb\u2028c"),
        ("```markdown\n# Use\n```python\nx\n```\nend\n```", "# Use\n```python\nx\n```\nend"),
        ("```a\nx\n```\nand\n```b\ny\n```", "```a\nx\n```\nand\n```b\ny\n```"),
        ("```\n  indented\n```", "  indented"),
        ("  roses\n    red\n", "  roses\n    red"),
        ("\n\n  indented\n", "  indented"),
        ("\tx\ny", "\tx\ny"),
        ("<think>a poem</think>\n\n   far\nnear", "   far\nnear"),
        ("a\r\nb\r\n", "a\r\nb"),
        ("> a quotation", "> a quotation"),
        ('{"slogan": "Paris"}', "Paris"),
        ('```json\n{"slogan": "Paris"}\n```', "Paris"),
        ('```python\nslogan: str = "Paris"\n```', "Paris"),
        ('{"slogan": "Paris", "size": 3}', '{"slogan": "Paris", "size": 3}'),
        ("slogan = Paris", "slogan = Paris"),
        ("The token <|return|> ends it.", "The token <|return|> ends it."),
        ("<s>old</s>", "<s>old</s>"),
        ("I cannot sleep", "I cannot sleep"),
    ],
)
def test_a_text_is_read_as_it_was_written(answer, text):
    assert json.loads(read_text(answer, "slogan")) == {"slogan": text}


def test_a_text_of_only_thoughts_or_cut_is_told_so():
    with pytest.raises(ReplyError, match="only thoughts"):
        read_text("<think>Stay warm", "slogan")
    with pytest.raises(ReplyError, match="not whole"):
        read_text("Stay wa", "slogan", cut=True)


PRODUCT_SCHEMA = {"properties": {"mug": PRODUCT}}
VALUE, EXAMPLE = '{"mug": {"name": "Ember", "price": 3}}', '{"mug": {"name": "any", "price": 0}}'
OF_MUG = '{"type": "object", "properties": {"mug": {"type": "object"}}, "required": ["mug"]}'


@pytest.mark.parametrize(
    "answer",
    [
        f"{VALUE}\n\nSchema:\n{OF_MUG}",
        f"```json\n{VALUE}\n```\nIt follows:\n```json\n{OF_MUG}\n```",
        f"{json.dumps({'name': 'Ember', 'price': 3})}\n\nSchema:\n{json.dumps(PRODUCT)}",
        f"Schema:\n{OF_MUG}\nAnswer:\n{VALUE}",
        f"For example {EXAMPLE} would do. My answer:\n{VALUE}",
        f"Example:\n```json\n{EXAMPLE}\n```\nAnswer:\n{VALUE}",
        f"Example:\n```json\n{EXAMPLE}\n```\nAnswer:\n```json\n{VALUE}\n```",
        f"{VALUE}\n\nFor example, another product would be:\n{EXAMPLE}",
        f"```json\n{VALUE}\n```\nAnother example:\n```json\n{EXAMPLE}\n```",
        f"```json\n{VALUE}\n```\nand not {EXAMPLE}.",
        f"{VALUE}\nand not {EXAMPLE}.",
        f"```json\n{VALUE}\n```".replace("\n", "\r\n"),
        f"> ```json\n> {VALUE}\n> ```",
        f"1. {VALUE}\n2. Done.",
        f"<|channel|>analysis<|message|>{EXAMPLE}<|end|><|channel|>final <|constrain|>json<|message|>{VALUE}<|return|>",
    ],
)
def test_a_value_is_told_from_its_schema_and_from_examples(answer):
    assert json.loads(read_data(answer, [MUG], schema=PRODUCT_SCHEMA)) == json.loads(VALUE)


def test_a_reference_in_a_sentence_is_no_list():
    assert json.loads(read_data("[1, 2]\nas in [3]", [XS])) == {"xs": [1, 2]}
