"""The parse layer of code: whether it is valid Python."""

from __future__ import annotations

import ast
import warnings

from jupyter_loops.core.candidate import Fault, Frame, Layer, Verdict
from jupyter_loops.core.syntax_tree import parse_module

CHECK = "the code is valid Python"


def syntax(text: str) -> tuple[Verdict, ast.Module | None]:
    """The verdict, and the tree when it passed. Nothing of the text is executed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parse_module(text)
            compile(text, "candidate", "exec", dont_inherit=True)  # finds what the grammar alone lets pass
    except SyntaxError as error:
        return _refused(text, error.msg, error.lineno or 1), None
    except (RecursionError, MemoryError, OverflowError):
        return _refused(text, "the code is nested too deeply", None), None
    except ValueError as error:  # null bytes, lone surrogates
        return _refused(text, str(error), None), None
    return Verdict(check=CHECK, layer=Layer.PARSE, passed=True), tree


def _refused(text: str, reason: str, line: int | None) -> Verdict:
    if line is None:
        return Verdict(check=CHECK, layer=Layer.PARSE, passed=False, message=reason)
    lines = text.split("\n")
    shown = lines[line - 1].strip()[:120] if line <= len(lines) else ""
    message = f"line {line}: {reason}" + (f": {shown}" if shown else "")
    frame = Frame(where="candidate", function="<module>", line=line, text=shown)
    fault = Fault(type="SyntaxError", message=reason, frames=(frame,))
    return Verdict(check=CHECK, layer=Layer.PARSE, passed=False, message=message, fault=fault)
