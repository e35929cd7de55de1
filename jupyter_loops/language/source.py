"""The text of a cell, and the source of each statement as written."""

from __future__ import annotations

import ast
import re
import warnings

from jupyter_loops.core.syntax_tree import parse_module
from jupyter_loops.errors import CellError

FIRST_LINE = 2  # of the body: the %%loop line is line 1

_IPYTHON = re.compile(r"^\s*([!%?]|[\w, ]+=\s*[!%])|\?\s*$")


class Source:
    """A cell body, parsed once. Raises CellError where it is not Python, with the cell's own line number."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = [line.encode("utf-8", "surrogatepass") for line in re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)]
        self.statements = self._parse()

    def segment(self, node: ast.expr | ast.stmt) -> str:
        """The node's source, byte for byte, with its decorators and without its indentation."""
        first, column = _start(node)
        last = node.end_lineno or first
        lines = self._lines[first - 1 : last]
        lines[-1] = lines[-1][: node.end_col_offset]
        lines[0] = lines[0][column:]
        inside = _lines_inside_strings(node)
        dedented = [line if first + i in inside or i == 0 else _dedent(line, column) for i, line in enumerate(lines)]
        return b"".join(dedented).decode("utf-8", "surrogatepass")

    def line(self, node: ast.expr | ast.stmt) -> int:
        """The line in the cell where the node starts."""
        return _start(node)[0] + FIRST_LINE - 1

    def _parse(self) -> list[ast.stmt]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python warns again when the code runs
                tree = parse_module(self.text)
                # reports errors that the grammar alone does not
                compile(self.text, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        except SyntaxError as error:
            raise self._explain(error) from None
        except (RecursionError, MemoryError, OverflowError):
            raise CellError("the cell is nested too deeply") from None
        except ValueError as error:  # null bytes, lone surrogates
            raise CellError(f"the cell is not Python text: {error}") from None
        return tree.body

    def _explain(self, error: SyntaxError) -> CellError:
        number = min(max(error.lineno or 1, 1), len(self._lines))
        text = self._lines[number - 1].decode("utf-8", "replace").strip()
        line = number + FIRST_LINE - 1
        if text.startswith("%%"):
            return CellError(f"another cell magic goes above %%loop, not into its body: {text}", line)
        if _IPYTHON.search(text):
            return CellError(f"a loop's body is plain Python, so IPython syntax does not work here: {text}", line)
        return CellError(f"{error.msg}: {text}" if text else error.msg, line)


def single_line(text: str) -> str:
    """The text with line breaks and the indentation after them replaced by spaces."""
    return " ".join(part.strip() for part in text.splitlines()) if "\n" in text or "\r" in text else text


def _start(node: ast.expr | ast.stmt) -> tuple[int, int]:
    decorators = getattr(node, "decorator_list", [])
    return (decorators[0].lineno if decorators else node.lineno), node.col_offset


def _dedent(line: bytes, column: int) -> bytes:
    blank = len(line) - len(line.lstrip(b" \t"))
    return line[min(blank, column) :]


def _lines_inside_strings(node: ast.AST) -> set[int]:
    strings = (child for child in ast.walk(node) if isinstance(child, ast.Constant | ast.JoinedStr))
    return {line for child in strings for line in range(child.lineno + 1, (child.end_lineno or 0) + 1)}
