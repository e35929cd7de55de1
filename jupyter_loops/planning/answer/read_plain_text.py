"""A text that is the whole answer, without thoughts, fence and quotes around it; its indentation stays."""

from __future__ import annotations

import ast
import json
import re

from jupyter_loops.core.syntax_tree import parse_module
from jupyter_loops.errors import ErrorClass, ReplyError

from .answer_errors import check_length, missing_answer
from .fences import Blocks, Fence, fences
from .json_text import strict
from .template import UNSEEN
from .thoughts import after_thoughts

_MARGIN = re.compile(r"\A(?:[ \t]*\r?\n)*(?: (?=\S))?")  # blank lines, and one space, which many models begin with
_LONGEST = 200_000  # characters of an assignment
_QUOTES = {'"': '"', "'": "'", "“": "”", "«": "»"}


def read_text(answer: str, name: str, *, cut: bool = False) -> str:
    """JSON text of an object whose one key holds the answer itself. Raises ReplyError."""
    check_length(answer)
    reply, _ = after_thoughts(answer, Blocks(lambda _: None).of)
    text = _unfenced(reply.lstrip(UNSEEN).strip())
    if text == reply.lstrip(UNSEEN).strip():
        text = _MARGIN.sub("", reply.lstrip(UNSEEN)).rstrip()
    if (value := _named(text, name)) is not None:
        text = value
    elif len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        text = text[1:-1]
    if not text.strip():
        raise missing_answer(answer, reply, "is empty", f"give the text of {name}")
    if cut:
        raise ReplyError("the text is not whole: give a shorter one", ErrorClass.TRUNCATED)
    return json.dumps({name: text}, ensure_ascii=False)


def _named(text: str, name: str) -> str | None:
    """The text where it is the value of its target in JSON or in Python; else None."""
    parsed = strict(text) if text.lstrip().startswith("{") else None
    if parsed:
        value = parsed.value.get(name) if isinstance(parsed.value, dict) and len(parsed.value) == 1 else None
        return value if isinstance(value, str) else None
    if len(text) > _LONGEST or not re.match(rf"\s*{re.escape(name)}\s*(?::\s*str\s*)?=", text):
        return None
    try:
        [node] = parse_module(text.strip()).body
        value = ast.literal_eval(node.value) if isinstance(node, ast.Assign | ast.AnnAssign) and node.value else None
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, str) else None


def _unfenced(text: str) -> str:
    """The content of the fence that stands around all of the text, other fences in it or not."""
    marks, open_ones = fences(text), list[Fence]()
    if not marks or marks[0].start or marks[-1].end < len(text):
        return text
    for mark in marks:
        if open_ones and mark.closes(open_ones[-1]):
            open_ones.pop()
            if not open_ones and mark is not marks[-1]:
                return text
        elif mark.opens and (not open_ones or mark.info):
            open_ones.append(mark)
    return text if open_ones else text[marks[0].end : marks[-1].start].strip("\r\n")
