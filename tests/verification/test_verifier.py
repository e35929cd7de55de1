import asyncio
from textwrap import dedent

import pytest

from jupyter_loops.core.candidate import Candidate, CandidateKind, Layer
from jupyter_loops.core.ports import Case
from jupyter_loops.language import parse
from jupyter_loops.verification.verifier import LayeredVerifier

SLUG = parse('def slugify(text: str, sep: str = "-") -> str:\n    "Doc."\nassert slugify("A b") == "a-b"')


def code(text):
    return Candidate(kind=CandidateKind.CODE, text=dedent(text))


def before(recipe, candidate):
    case = Case(recipe=recipe, candidate=candidate)
    asyncio.run(LayeredVerifier().before(case))
    return case.verdicts


def failures(text, recipe=SLUG):
    return [verdict for verdict in before(recipe, code(text)) if not verdict.passed]


def test_a_good_candidate_passes_every_layer_that_needs_no_execution():
    verdicts = before(SLUG, code("import re\ndef slugify(text, sep='-'):\n    return re.sub('x', sep, text)"))
    assert [(verdict.layer, verdict.passed) for verdict in verdicts] == [
        (Layer.PARSE, True),
        (Layer.STATIC, True),
    ]


def test_a_syntax_error_names_its_line_and_stops_there():
    (verdict,) = failures("def slugify(text, sep='-'):\n    return text.(\n")
    assert verdict.layer is Layer.PARSE
    assert verdict.message == "line 2: invalid syntax: return text.("
    assert verdict.fault.frames[0].line == 2


def test_each_layer_is_timed_and_the_first_that_fails_is_the_last():
    parsed, defined = before(SLUG, code("def slugify(text, sep='-'): return text"))
    assert parsed.seconds > 0
    assert defined.seconds > 0
    assert [verdict.layer for verdict in before(SLUG, code("def slugify("))] == [Layer.PARSE]


@pytest.mark.parametrize("text", ["\0", "x = " + "(" * 5000, "return 1", "-" * 100_000 + "1"])
def test_no_text_breaks_the_parse_layer(text):
    (verdict,) = failures(text)
    assert verdict.layer is Layer.PARSE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "the code does not define it; it has to be `def slugify(text: str, sep: str='-') -> str`"),
        ("slugify = str.lower", "it is not a function statement"),
        ("async def slugify(text, sep='-'): ...", "only one of them is async"),
        ("def slugify(text): ...", "the code says `def slugify(text)`"),
        ("def slugify(text, sep): ...", "the code says `def slugify(text, sep)`"),
        ("def slugify(string, sep='-'): ...", "the code says `def slugify(string, sep='-')`"),
        ("def slugify(*args, **kwargs): ...", "the code says"),
        ("def outer():\n    def slugify(text, sep='-'): ...", "the code does not define it"),
    ],
)
def test_a_function_has_to_have_its_stub_s_signature(text, said):
    (verdict,) = failures(text)
    assert verdict.check == "`slugify` is defined as its stub says"
    assert verdict.message.startswith(said)


def test_keyword_only_parameters_and_stars_are_compared():
    recipe = parse("def f(a, /, *rest, key: int, flag: bool = False, **more):\n    'Doc.'\nassert f")
    assert not failures("def f(a, /, *rest, flag=True, key=0, **others): ...", recipe)
    assert failures("def f(a, /, *rest, flag, key, **more): ...", recipe)
    assert failures("def f(a, /, *rest, key, flag=False): ...", recipe)


def test_the_last_definition_counts_also_inside_a_try():
    assert not failures("def slugify(x): ...\ntry:\n    def slugify(text, sep=''): ...\nexcept ValueError: pass")


def test_a_frame_target_has_to_be_assigned():
    recipe = parse("'go'\nout: pd.DataFrame\nassert len(out)")
    assert failures("result = 1", recipe)[0].message == "nothing assigns `out`: the code has to end with it"
    assert failures("out: object", recipe)
    assert not failures("out = pd.DataFrame()", recipe)


GOOD = "def slugify(text, sep='-'):\n    return text\n"


def test_repeating_an_import_or_the_very_same_set_up_is_no_tampering():
    recipe = parse("'go'\nimport math\nclass Box:\n    size: int\nx: int\ndef f(): ...\nassert f() == math.pi and x")
    assert not failures("import math\nclass Box:\n  size: int\nx = 3\ndef f(): return math.pi", recipe)


def test_ordinary_code_is_not_forbidden():
    assert not failures("import sys, inspect\nlimit = sys.maxsize\nsig = inspect.signature(print)\n" + GOOD)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1, "b": 2}', ""),
        ('{"a": 1}', "lacks 'b'"),
        ('{"a": 1, "b": 2, "c": 3}', "has no use for 'c'"),
        ("[1]", "a JSON object is needed, and this is an array"),
        ("{", "not JSON: Expecting property name"),
        ("[" * 100_000, "not JSON: nested too deeply"),
    ],
)
def test_data_is_an_object_of_the_targets(text, said):
    recipe = parse("'go'\na: int\nb: list[int]\nassert a and b")
    (verdict,) = before(recipe, Candidate(kind=CandidateKind.DATA, text=text))
    assert verdict.passed is not bool(said)
    assert verdict.message.startswith(said)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("def f(a):\n    return a", "def f( a ):\n  '''Doc.'''\n  return (a)  # why", True),
        ("def f(a): return a", "def f(a): return -a", False),
        ("f(", "f(\n", True),
        ("f(", "g(", False),
        ("x = 0x" + "f" * 9000, "x = 0x" + "f" * 9000 + " ", True),
    ],
)
def test_the_same_proposal_has_the_same_digest(one, other, same):
    digests = {LayeredVerifier().digest(Candidate(kind=CandidateKind.CODE, text=text)) for text in (one, other)}
    assert (len(digests) == 1) is same


def test_the_order_of_keys_does_not_change_a_data_digest():
    texts = ['{"a": 1, "b": [1, 2]}', '{"b":[1,2],\n"a":1}']
    assert len({LayeredVerifier().digest(Candidate(kind=CandidateKind.DATA, text=text)) for text in texts}) == 1
