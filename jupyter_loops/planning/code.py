"""Finds the Python code in an answer, however the model wrapped it."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence

from jupyter_loops.errors import ErrorClass, ReplyError

from .trim import bound_names, trim

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?(</\1>|\Z)", re.DOTALL)
_FENCE = re.compile(r"^[ \t]*(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[\w+.#-]*)[^\n`]*$")
_PYTHON = {"", "python", "py", "python3", "ipython", "pycon"}
_PROMPT = re.compile(r"^(>>>|\.\.\.) ?", re.MULTILINE)
_START = re.compile(
    r"^[ \t]*(def |async def |class |import |from \w+(\.\w+)* import |@\w|\w+(: ?\S.*?)? = )", re.MULTILINE
)


def read_code(answer: str, names: Sequence[str]) -> str:
    """The code in an answer that binds `names`, without the examples around it.

    Code that does not parse, or binds other names, is still returned as it is: the verification says
    what is wrong with it. Raises ReplyError when there is no code at all.
    """
    blocks = [_tidy(block) for block in _blocks(without_thoughts(answer))]
    whole = [block for block in blocks if _parses(block)]
    complete = [block for block in whole if set(names) <= bound_names(block)]
    if complete:
        return trim(_with_imports(complete[-1], whole), names)
    merged = "\n\n".join(block for block in whole if bound_names(block))
    if set(names) & bound_names(merged):
        return trim(merged, names)
    if blocks:
        return max(blocks, key=lambda block: (_mentions(block, names), len(block)))
    raise ReplyError(
        f"the answer has no code: give one ```python block that defines {' and '.join(names)}", ErrorClass.MALFORMED
    )


def without_thoughts(answer: str) -> str:
    """The answer without what a reasoning model thought aloud."""
    return _THOUGHT.sub("", answer)


def fences(answer: str) -> Iterator[tuple[str, str]]:
    """Language and text of each fenced block; one that is never closed goes to the end."""
    fence, language, lines = "", "", list[str]()
    for line in answer.splitlines():
        mark = _FENCE.match(line)
        if not fence:
            if mark:
                fence, language, lines = mark["fence"], mark["language"].lower(), []
        elif mark and mark["fence"].startswith(fence) and not mark["language"]:
            yield language, "\n".join(lines)
            fence = ""
        else:
            lines.append(line)
    if fence:
        yield language, "\n".join(lines)


def _blocks(answer: str) -> list[str]:
    """The fenced Python, or else what looks like code in the bare text."""
    fenced = [text for language, text in fences(answer) if language in _PYTHON and text.strip()]
    if fenced:
        return fenced
    start = _START.search(answer)
    if not start or any(True for _ in fences(answer)):
        return []
    return [answer[start.start() :]]


def _tidy(block: str) -> str:
    """The block without indentation, interpreter prompts, or trailing lines that are no code."""
    block = textwrap.dedent(block.expandtabs(4)).strip("\n")
    if block.startswith(">>>"):
        block = _PROMPT.sub("", block)
    if _parses(block):
        return block
    lines = block.splitlines()
    for end in range(len(lines) - 1, 0, -1):
        shorter = "\n".join(lines[:end])
        if lines[end][:1].strip() and _parses(shorter) and bound_names(shorter):
            return shorter
    return block


def _with_imports(block: str, blocks: Sequence[str]) -> str:
    """The block, with the import lines of other blocks that it lacks."""
    missing = [
        line
        for other in blocks
        for node in ast.parse(other).body
        if isinstance(node, ast.Import | ast.ImportFrom) and (line := ast.unparse(node)) not in block
    ]
    future = [line for line in missing if line.startswith("from __future__")]
    return "\n".join([*dict.fromkeys(line for line in missing if line not in future), block])


def _parses(block: str) -> bool:
    try:
        ast.parse(block)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _mentions(block: str, names: Sequence[str]) -> int:
    return sum(1 for name in names if re.search(rf"\b{re.escape(name)}\b", block))
