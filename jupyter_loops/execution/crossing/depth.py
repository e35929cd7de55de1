"""How deep the tuples of a pickle are, found without building them."""

from __future__ import annotations

from collections.abc import Callable

from .refusal import UnreadableError

DEEPEST = 1000  # tuples in tuples
Argument = bytes | bytearray


class Depth:
    """Follows the stack of an unpickler; holds for every object how many tuples are under it."""

    def __init__(self) -> None:
        self._stack: list[int] = []
        self._marks: list[int] = []
        self._memo: list[int] = []
        self._steps: dict[int, Callable[[Argument], None]] = {
            **dict.fromkeys(b"\x80\x95", lambda _: None),
            **dict.fromkeys(b"hj", self._recall),
            **dict.fromkeys(b"eu\x901", self._drop),
            **{code: self._enclosing(code - 0x84) for code in b"\x85\x86\x87"},
            ord("("): lambda _: self._marks.append(len(self._stack)),
            0x94: lambda _: self._memo.append(self._stack[-1]),
            ord("t"): lambda _: self._enclose(self._marks.pop()),
            0x91: self._freeze,
            ord("a"): lambda _: self._pop(1),
            ord("s"): lambda _: self._pop(2),
            ord("0"): lambda _: self._pop_or_unmark(),
        }

    def step(self, code: int, argument: Argument) -> None:
        """One opcode with the first bytes of its argument. Raises UnreadableError for what is too deep."""
        act = self._steps.get(code)
        if act is None:
            self._stack.append(0)
            return
        try:
            act(argument)
        except IndexError:
            raise UnreadableError("the stack is too short") from None

    def _recall(self, argument: Argument) -> None:
        self._stack.append(self._memo[int.from_bytes(argument, "little")])

    def _drop(self, _: Argument) -> None:
        del self._stack[self._marks.pop() :]

    def _freeze(self, argument: Argument) -> None:
        self._drop(argument)
        self._stack.append(0)

    def _pop(self, number: int) -> None:
        for _ in range(number):
            self._stack.pop()

    def _pop_or_unmark(self) -> None:
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self._stack.pop()

    def _enclosing(self, number: int) -> Callable[[Argument], None]:
        return lambda _: self._enclose(len(self._stack) - number)

    def _enclose(self, start: int) -> None:
        if start < 0:
            raise IndexError
        depth = 1 + max(self._stack[start:], default=0)
        if depth > DEEPEST:
            raise UnreadableError(f"tuples are nested more than {DEEPEST} deep")
        self._stack[start:] = [depth]
