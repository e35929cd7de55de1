"""Reads a %%loop cell: every top-level statement becomes a target, a check, a tool or set-up."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from jupyter_loops.core.names import binds, changes, named_by, reads, wants
from jupyter_loops.core.recipe import Check, CheckKind, Recipe, Target, ToolSpec, Word
from jupyter_loops.errors import CellError

from . import rules
from .asks import asks, reads_module
from .forms import awaits, is_named_as_test
from .objects import imported
from .read_checks import read_check
from .read_targets import read_target, target_name
from .source import Source, single_line
from .stubs import is_prompt, is_tool
from .timing import well_timed
from .words import WORDS

_PREDEFINED = frozenset(dir(builtins)) | frozenset(WORDS) | {"__file__"}


def parse(source: str, name: str = "loop") -> Recipe:
    """The recipe of a cell body. Line 1 is the %%loop line. Raises CellError."""
    try:
        return _Reading(Source(source)).recipe(name)
    except RecursionError:
        raise CellError("the cell is nested too deeply") from None


@dataclass
class _Reading:
    """One pass over the statements, with the results so far."""

    source: Source
    goal: str = ""
    targets: list[Target] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    tools: list[ToolSpec] = field(default_factory=list)
    prompt: ToolSpec | None = None
    binds_prompt: bool = False  # the cell has another `prompt`, so `@prompt` is a decorator of its own
    setup: list[ast.stmt] = field(default_factory=list)
    pending: list[ast.stmt] = field(default_factory=list)  # read a target, and become the prelude of the next check
    late: list[ast.AST] = field(default_factory=list)  # run after the set-up
    names: frozenset[str] = frozenset()  # of all targets
    tainted: set[str] = field(default_factory=set)  # targets, and names whose values depend on them
    secret: set[str] = field(default_factory=set)  # names that a hidden block binds
    deciding: set[str] = field(default_factory=set)  # names that checks read
    read: set[str] = field(default_factory=set)  # names that any statement reads
    imports: dict[str, str] = field(default_factory=dict)  # name → what the cell imports it from

    def recipe(self, name: str) -> Recipe:
        statements = self._take_goal(self.source.statements)
        rules.words(self.source)
        self.names = frozenset(target for statement in statements if (target := target_name(statement)))
        self.tainted = set(self.names)
        self.modules: set[str] = set()  # and other names that the set-up imports
        self.passed_to_targets: set[str] = set()  # names that a target may have received, and changed
        self.imports = imported(statements)
        self.binds_prompt = any(
            "prompt" in binds(statement) for statement in statements if not _imports_word(statement)
        )
        self.read = {name for statement in statements for name in reads(statement)}
        for statement in statements:
            self._take(statement)
        self._require_no_pending()
        self._require_complete(statements)
        return Recipe(
            name=name,
            goal=self.goal or "\n".join(target.doc for target in self.targets if target.doc),
            targets=tuple(self.targets),
            checks=tuple(self.checks),
            setup="".join(self._setup_text()),
            tools=tuple(self.tools),
            prompt=self.prompt,
            uses=self._uses(),
            source=self.source.text,
        )

    def _take_goal(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        if not statements:
            raise CellError("the cell is empty: say what you want in a string, then add a target and an assert")
        first = statements[0].value if isinstance(statements[0], ast.Expr) else None
        if isinstance(first, ast.JoinedStr):
            raise CellError("the goal is a plain string, not an f-string", self.source.line(first))
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            self.goal = inspect.cleandoc(first.value)
            return statements[1:]
        return statements

    def _take(self, statement: ast.stmt) -> None:
        if target_name(statement):
            self._take_target(statement)
        elif is_tool(statement):
            self._take_tool(statement)
        elif is_prompt(statement) and not self.binds_prompt:
            self._take_prompt(statement)
        elif rules.is_hidden(statement):
            self._take_hidden(statement)
        elif check := read_check(self.source, statement, self.tainted | self.passed_to_targets, self.read):
            self._take_check(statement, check)
        elif reads(statement) & self.tainted:
            self._add_pending(statement)
        else:
            self._take_setup(statement)

    def _take_setup(self, statement: ast.stmt) -> None:
        self._forbid_rebinding(statement)
        self._forbid_secrets(statement)
        if awaits(statement):
            line = self.source.line(statement)
            raise CellError(
                "only checks may await; in set-up write `asyncio.run(…)`, or await it in a cell above", line
            )
        self.setup.append(statement)
        if isinstance(statement, ast.Import | ast.ImportFrom):
            self.modules |= binds(statement)

    def _take_tool(self, statement: ast.stmt) -> None:
        """A tool runs in the notebook, so what it reads is not sent to the sandbox."""
        tool = self._kernel_function(statement)
        if any(other.name == tool.name for other in self.tools):
            raise CellError(f"`{tool.name}` is a tool twice", tool.line)
        self.tools.append(tool)

    def _take_prompt(self, statement: ast.stmt) -> None:
        prompt = self._kernel_function(statement)
        if self.prompt is not None:
            raise CellError(f"`{self.prompt.name}` is the @prompt already", prompt.line)
        self.prompt = prompt

    def _kernel_function(self, statement: ast.stmt) -> ToolSpec:
        self._forbid_rebinding(statement)
        self._forbid_secrets(statement)
        name, line = next(named_by(statement)), self.source.line(statement)
        uses = frozenset(reads(statement) - _PREDEFINED - {name, "prompt"})
        return ToolSpec(name=name, source=self.source.segment(statement), line=line, uses=uses)

    def _take_target(self, statement: ast.stmt) -> None:
        target, needing = read_target(self.source, statement, self.imports)
        if any(other.name == target.name for other in self.targets):
            raise CellError(f"`{target.name}` is stated twice", target.line)
        self.targets.append(target)
        self.late.append(needing)

    def _take_check(self, statement: ast.stmt, check: Check) -> None:
        if not check.hidden:
            self._forbid_secrets(statement)
        if check.kind is not CheckKind.ASSERT and any(other.kind is not CheckKind.ASSERT for other in self.checks):
            raise CellError("a loop has one score: a second maximize or minimize does not fit", check.line)
        well_timed(statement, self.names, check.line)
        self.passed_to_targets |= {name for node in (*self.pending, statement) for name in reads(node)} - self.modules
        self.late += [*self.pending, statement]
        self.deciding |= {name for node in (*self.pending, statement) for name in reads(node)}
        requests = asks(self.source, statement, self.setup, hidden=check.hidden)
        if any(ask.word is Word.PYTEST for ask in requests):
            self.deciding |= self.names  # a test file reads what it imports
        self.checks.append(replace(check, prelude="\n".join(map(self.source.segment, self.pending)), asks=requests))
        self.pending.clear()
        if isinstance(statement, ast.With | ast.AsyncWith):
            self.tainted |= binds(statement)  # `with pytest.raises(…) as error:`

    def _take_hidden(self, block: ast.stmt) -> None:
        assert isinstance(block, ast.With)
        check_count = len(self.checks)
        self.secret |= {name for waiting in self.pending for name in binds(waiting)}
        for statement in block.body:
            rules.may_hide(self.source, statement)
            if check := read_check(self.source, statement, self.tainted | self.passed_to_targets, self.read):
                self._take_check(statement, replace(check, hidden=True))
            else:
                self.secret |= binds(statement)
                self._add_pending(statement)
        if len(self.checks) == check_count:
            raise CellError("`with hidden:` holds no check: add an assert", self.source.line(block))
        self._require_no_pending()

    def _add_pending(self, statement: ast.stmt) -> None:
        if is_named_as_test(statement) and not binds(statement) & self.read:
            how = "a test function takes no parameters and asserts something, or is called by a check"
            raise CellError(f"`{min(binds(statement))}` would never run: {how}", self.source.line(statement))
        self.pending.append(statement)
        self.tainted |= binds(statement) | (changes(statement) - self.modules)

    def _forbid_rebinding(self, statement: ast.stmt) -> None:
        if rebound := binds(statement) & self.names:
            line = self.source.line(statement)
            raise CellError(f"`{min(rebound)}` is a target; set-up must not give it a value", line)

    def _forbid_secrets(self, statement: ast.stmt) -> None:
        if secrets := reads(statement) & self.secret:
            line = self.source.line(statement)
            raise CellError(f"`{min(secrets)}` is made for a hidden check; only hidden checks may read it", line)

    def _require_no_pending(self) -> None:
        if self.pending:
            line = self.source.line(self.pending[0])
            text = single_line(self.source.segment(self.pending[0]))
            advice = "; write assert before it" if isinstance(self.pending[0], ast.Expr) else ""
            raise CellError(f"no check follows that would use this: {text[:80]}{advice}", line)

    def _require_complete(self, statements: list[ast.stmt]) -> None:
        if not self.targets:
            raise rules.no_target(self.source, statements)
        if not self.goal and not any(target.doc for target in self.targets):
            raise CellError("say what you want: start the cell with a string, or give the stub a docstring")
        for tool in (*self.tools, *([self.prompt] if self.prompt else [])):
            if tool.name in self.deciding | wants(self.setup):
                who = "the planner calls" if tool is self.prompt else "the model may call"
                what = "the @prompt" if tool is self.prompt else "a tool"
                raise CellError(f"`{tool.name}` is {what}: {who} it, and nothing else in the cell", tool.line)
        for target in self.targets:
            if target.name not in self.deciding:
                raise CellError(
                    f"nothing decides whether `{target.name}` is right: add an assert that reads it", target.line
                )

    def _setup_text(self) -> Iterator[str]:
        at = 1
        for number, statement in enumerate(self.setup):
            line, text = self.source.line(statement), self.source.segment(statement)
            gap = line - at
            yield "\n" * gap if gap else "; " * bool(number)
            yield text
            at = line + text.count("\n")
        yield "\n" * bool(self.setup)

    def _uses(self) -> frozenset[str]:
        bound = {name for node in (*self.setup, *self.late) for name in binds(node)}
        bound |= {target.name for target in self.targets}
        later = {name for node in self.late for name in reads(node)}
        if any(check.asks_for(Word.PYTEST) for check in self.checks) and not any(map(reads_module, self.late)):
            later.discard(Word.PYTEST)
        before = wants(self.setup)
        return frozenset((before | (later - bound)) - _PREDEFINED)


def _imports_word(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and (statement.module or "").partition(".")[0] == "jupyter_loops"
