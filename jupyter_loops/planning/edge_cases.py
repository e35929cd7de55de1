"""Inputs that a task's own words allow and its examples may not show. Nothing here knows of a hidden check."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator

from jupyter_loops.core.recipe import Recipe, Target, TargetKind
from jupyter_loops.core.syntax_tree import parse_module

MOST = 8  # cases in a prompt

_BY_TYPE = {  # a type's name in an annotation: what is easily forgotten of its values
    "str": "empty, only spaces, upper and lower case, letters with accents such as é and ü",
    "int": "0, 1, negative, very large",
    "float": "0, negative, very small, not whole",
    "list": "empty, one item, equal items, not sorted",
    "List": "empty, one item, equal items, not sorted",
    "Sequence": "empty, one item, equal items",
    "tuple": "empty, equal items",
    "dict": "empty, keys of other types or upper case",
    "Dict": "empty, keys of other types or upper case",
    "set": "empty, one item",
    "DataFrame": "no rows, missing values, equal rows, another index",
    "Series": "no rows, missing values, equal values",
    "ndarray": "no items, NaN, one dimension more or less",
    "None": "None",
    "Optional": "None",
    "bytes": "empty, not text",
    "date": "the last day of a month, 29 February",
    "datetime": "midnight, the end of a year, with and without a time zone",
}
_BY_WORD = {  # the beginning of a word in the task: what it brings up
    "ascii": "letters outside ASCII, which have a base letter in ASCII (é is e: unicodedata.normalize)",
    "word": "words with nothing, or with several separators, between them",
    "hyphen": "a separator at the start or at the end",
    "sort": "equal items, and items that are sorted already",
    "prime": "0, 1 and 2",
    "digit": "numbers of one digit, and negative numbers",
    "even": "0 and negative numbers",
    "odd": "negative numbers",
    "vowel": "upper case letters, and a y at the end",
    "bracket": "brackets that close before they open",
    "parenthes": "parentheses that close before they open",
    "divis": "division by zero",
    "averag": "nothing to average",
    "mean": "nothing to average",
    "max": "several that are largest",
    "larg": "several that are largest, or none",
    "small": "several that are smallest, or none",
    "uniq": "everything equal",
    "duplic": "everything equal",
    "substring": "one that overlaps itself",
    "round": "numbers that lie exactly between two",
    "date": "days, months and years that do not exist",
    "palindrom": "an empty text, and one of a single letter",
    "upper": "text without letters",
    "lower": "text without letters",
}


def edge_cases(recipe: Recipe) -> list[str]:
    """Up to MOST cases, one line each: by the type of each parameter, then by the words of the task."""
    cases = [case for target in recipe.targets for case in _of_parameters(target)]
    words = re.findall(r"[a-z]+", " ".join([recipe.goal, *(target.doc for target in recipe.targets)]).lower())
    cases += [case for start, case in _BY_WORD.items() if any(word.startswith(start) for word in words)]
    return list(dict.fromkeys(cases))[:MOST]


def _of_parameters(target: Target) -> Iterator[str]:
    if target.kind is not TargetKind.FUNCTION:
        return
    stub = parse_module(textwrap.dedent(target.source)).body[0]
    assert isinstance(stub, ast.FunctionDef | ast.AsyncFunctionDef)
    for parameter in [*stub.args.posonlyargs, *stub.args.args, *stub.args.kwonlyargs]:
        names = re.findall(r"\w+", ast.unparse(parameter.annotation)) if parameter.annotation else []
        if allowed := next((_BY_TYPE[name] for name in names if name in _BY_TYPE), ""):
            yield f"`{parameter.arg}`: {allowed}"
