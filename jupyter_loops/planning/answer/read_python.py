"""Finds the Python code in an answer, however the model wrapped it."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Collection, Sequence
from itertools import islice

from jupyter_loops.core.examples import blanked, examples, lines_of
from jupyter_loops.core.names import binds, reads
from jupyter_loops.errors import ErrorClass, ReplyError

from .answer_errors import check_code, check_length, missing_answer
from .fences import Block, Blocks
from .join_blocks import last_definition, without_sibling_imports
from .other_forms import other_forms, without_label
from .patience import afford
from .python import START, Code, breaks_off, code, fault, salvaged
from .repeats import repeats
from .thoughts import after_thoughts

_PYTHON = frozenset({"python", "py", "python3", "ipython", "pycon"})
_BUILTINS = frozenset(dir(builtins))
_DEFINITION = re.compile(r"^(?:(?:async +)?def|class) +\w", re.MULTILINE)  # at the margin
_STARTS = 5  # lines of bare text at which code may begin


def read_code(answer: str, names: Sequence[str], *, setup: str = "", cut: bool = False) -> str:
    """The code in an answer that binds `names`, as it was written, with blank lines in place of examples.

    Code that does not parse, or binds other names, is returned as it is: the verification says what is wrong
    with it. `cut` says that the answer was cut at its length limit. Raises ReplyError when there is no code,
    or when the cut went through it.
    """
    check_length(answer)
    chosen = _find_code(answer, names, cut=cut)
    if isinstance(chosen, str):
        return check_code(chosen)
    check_code(chosen.text)
    afford()
    omitted = examples(chosen.text, chosen.body, names) | repeats(chosen.body, setup, names)
    return blanked(chosen.text, chosen.body, omitted)


def _find_code(answer: str, names: Sequence[str], *, cut: bool) -> Code | str:
    answer = without_label(answer)
    if (full_answer := code(answer)) and set(names) <= full_answer.bound:
        return full_answer
    reply, blocks = after_thoughts(answer, Blocks(code, breaks_off).of)
    return (
        _in_blocks(blocks, names, cut=cut)
        or (None if blocks else _in_text(reply, names, cut=cut))
        or _in_other_form(reply, blocks, names)
        or _for_feedback(answer, reply, blocks, names, cut=cut)
    )


def _in_blocks(blocks: Sequence[Block[Code]], names: Sequence[str], *, cut: bool) -> Code | None:
    """The last block that binds all names, or else all blocks joined, or else what can be salvaged of one."""
    parsed = without_sibling_imports([block.value for block in blocks if block.value is not None])
    if complete := last_definition(parsed, names):
        return _with_needs(complete, parsed, names)
    joined = _joined(blocks)
    if joined and set(names) <= joined.bound:
        return joined
    broken = (block for block in reversed(blocks) if block.value is None)
    saved = (salvaged(block.text, names, unfinished=cut or not block.closed) for block in broken)
    return next(filter(None, saved), None)


def _in_text(text: str, names: Sequence[str], *, cut: bool) -> Code | None:
    """Code without a fence, among prose."""
    starts = list(islice(START.finditer(text), _STARTS))
    for start in starts:
        if start[0][0].isspace() and not starts[0][0][0].isspace():
            continue  # a method, or the body of something else
        bare = text[start.start() :]
        parsed = code(bare)
        parsed = parsed if parsed and set(names) <= parsed.bound else salvaged(bare, names, unfinished=cut)
        if parsed:
            return parsed
    return None


def _in_other_form(reply: str, blocks: Sequence[Block[Code]], names: Sequence[str]) -> Code | None:
    """Code that a model has put into something else: JSON, a quotation, an item of a list."""
    is_broken = (
        any(block.value is None and _is_python(block) for block in blocks) or _DEFINITION.search(reply) is not None
    )
    for form in other_forms(reply, is_broken=is_broken):
        blocks = Blocks(code, breaks_off).of(form)
        bare = None if blocks else code(form)
        if found := _in_blocks(blocks, names, cut=False) or (bare if bare and set(names) <= bare.bound else None):
            return found
    return None


def _for_feedback(
    answer: str, reply: str, blocks: Sequence[Block[Code]], names: Sequence[str], *, cut: bool
) -> Code | str:
    """The code that comes nearest: its fault is feedback for the model. Raises ReplyError where there is no code."""
    texts = [block.text for block in blocks if block.value is None and _is_code(block)]
    if not blocks and (start := START.search(reply)):
        texts = [reply[start.start() :]]
    joined = _joined(blocks)
    missing = set(names) - (joined.bound if joined else set())
    if joined and (not texts or not any(_mentions(text, missing) for text in texts)):
        return joined
    if not texts:
        required = f"give one ```python block that defines {' and '.join(names)}"
        raise missing_answer(answer, reply, "has no code", required)
    text = max(texts, key=lambda text: (_mentions(text, names), len(text)))
    if cut:
        error = fault(text)
        raise ReplyError(f"the code is not whole, line {error.lineno or 1}: {error.msg}", ErrorClass.TRUNCATED)
    return text


def _joined(blocks: Sequence[Block[Code]]) -> Code | None:
    """The blocks that parse, one after the other, without those that only show something."""
    shown = [
        block.value
        for block in blocks
        if block.value is not None and block.value.body and (_is_python(block) or block.value.bound)
    ]
    parts = [piece.text if piece.text.endswith("\n") else f"{piece.text}\n" for piece in without_sibling_imports(shown)]
    return code("\n".join(parts)) if parts else None


def _with_needs(chosen: Code, available: Sequence[Code], names: Sequence[str]) -> Code:
    """The code, with those imports and definitions of other blocks that it needs and lacks."""
    if len(available) == 1:
        return chosen
    others = [
        (source, node)
        for source in available
        if source is not chosen
        for node in source.body
        if not binds(node) & set(names)
    ]
    needed, included = chosen.wanted - _BUILTINS - chosen.bound, set[ast.stmt]()
    while more := {node for _, node in others if node not in included and binds(node) & needed}:
        included |= more
        needed |= {name for node in more for name in reads(node)} - chosen.bound
    if not included:
        return chosen
    added = [_lines(source, node) for source, node in others if node in included]
    lines = lines_of(chosen.text)
    place = max((node.end_lineno or 0 for node in chosen.body if _is_future(node)), default=0)
    return code("".join([*lines[:place], *dict.fromkeys(added), *lines[place:]])) or chosen


def _lines(source: Code, node: ast.stmt) -> str:
    decorators = getattr(node, "decorator_list", [])
    first = decorators[0].lineno if decorators else node.lineno
    text = "".join(lines_of(source.text)[first - 1 : node.end_lineno])
    return text if text.endswith("\n") else f"{text}\n"


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _is_python(block: Block[Code]) -> bool:
    words = re.findall(r"\w+", block.info.lower())
    return bool(words) and words[0] in _PYTHON


def _is_code(block: Block[Code]) -> bool:
    return _is_python(block) or START.search(block.text) is not None


def _mentions(text: str, names: Collection[str]) -> int:
    return sum(1 for name in names if re.search(rf"\b{re.escape(name)}\b", text))
