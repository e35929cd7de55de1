"""How deep the tuples of a pickle are, found without building them."""

from __future__ import annotations

from .refusal import Unreadable

DEEPEST = 1000  # tuples in tuples


class Depth:
    """Follows the stack of an unpickler; holds for every object how many tuples are under it."""

    def __init__(self) -> None:
        self._stack: list[int] = []
        self._marks: list[int] = []
        self._memo: list[int] = []

    def step(self, code: int, argument: bytes | bytearray) -> None:
        """One opcode with the first bytes of its argument. Raises Unreadable for what is too deep, or makes no sense."""
        try:
            self._step(chr(code), argument)
        except IndexError:
            raise Unreadable("the stack is too short") from None

    def _step(self, code: str, argument: bytes | bytearray) -> None:
        stack = self._stack
        match code:
            case "\x80" | "\x95":
                pass
            case "(":
                self._marks.append(len(stack))
            case "\x94":
                self._memo.append(stack[-1])
            case "h" | "j":
                stack.append(self._memo[int.from_bytes(argument, "little")])
            case "t":
                self._enclose(self._marks.pop())
            case "\x85" | "\x86" | "\x87":
                self._enclose(len(stack) - (ord(code) - 0x84))
            case "\x91":
                self._drop()
                stack.append(0)
            case "e" | "u" | "\x90" | "1":
                self._drop()
            case "a":
                stack.pop()
            case "s":
                stack.pop()
                stack.pop()
            case "0" if self._marks and self._marks[-1] == len(stack):
                self._marks.pop()
            case "0":
                stack.pop()
            case _:
                stack.append(0)

    def _drop(self) -> None:
        del self._stack[self._marks.pop() :]

    def _enclose(self, start: int) -> None:
        if start < 0:
            raise IndexError
        depth = 1 + max(self._stack[start:], default=0)
        if depth > DEEPEST:
            raise Unreadable(f"tuples are nested more than {DEEPEST} deep")
        self._stack[start:] = [depth]
