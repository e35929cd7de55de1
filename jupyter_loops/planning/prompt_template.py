"""A prompt of the user's own, in a file: `[system]` and `[user]` on lines of their own, and parts by `{name}`.

What stands for a part is put in as it is and not read again, so braces in a goal or an answer are only text. `{{name}}`
is the text `{name}`; any other brace is itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from jupyter_loops.core.message import Message
from jupyter_loops.errors import OptionError
from jupyter_loops.nearest import nearest

from .prompt_parts import PART_NAMES

REST = "rest"  # all parts that the file does not name, in their order
MOST = 1_000_000  # bytes of the file
_ROLE = re.compile(r"^\[(system|user|assistant)\][ \t]*$", re.MULTILINE)
_PART = re.compile(r"\{\{([a-z_]+)\}\}|\{([a-z_]+)\}")  # the first group is only text


class PromptTemplate:
    """The messages of a file, with the parts in their places."""

    def __init__(self, text: str, title: str) -> None:
        """Raises OptionError for a part that there is not, and for a text without one."""
        self.title, self._text = title, text.replace("\r\n", "\n")
        self._named = {found[2] for found in _PART.finditer(self._text) if found[2]}
        for name in sorted(self._named - {*PART_NAMES, REST}):
            line = self._text.count("\n", 0, self._text.find(f"{{{name}}}")) + 1
            near = nearest(name, [*PART_NAMES, REST])
            raise OptionError(f"--prompt-file {title}, line {line}: no part of a prompt is called {name}{near}")
        if not self._named & {"goal", "targets", REST}:
            raise OptionError(f"--prompt-file {title} asks for nothing: it needs {{goal}}, {{targets}} or {{{REST}}}")
        self._messages = list(self._split())
        if not any(role == "user" for role, _ in self._messages):
            raise OptionError(f"--prompt-file {title} has no message of the user: put [user] on a line of its own")

    @classmethod
    def read(cls, path: str) -> PromptTemplate:
        """The template in a file. Raises OptionError."""
        file = Path(path).expanduser()
        try:
            content = file.read_bytes()
            text = content.decode("utf-8-sig")
        except OSError as error:
            here = [each.name for each in file.parent.iterdir()] if file.parent.is_dir() else []
            why = (error.strerror or str(error)).lower()
            raise OptionError(f"--prompt-file {path} cannot be read: {why}{nearest(file.name, here)}") from None
        except UnicodeDecodeError:
            raise OptionError(f"--prompt-file {path} is not a text in UTF-8") from None
        if len(content) > MOST:
            raise OptionError(f"--prompt-file {path} has {len(content):,} bytes, and at most {MOST:,} are taken")
        return cls(text, file.name)

    async def __call__(self, parts: Mapping[str, str]) -> list[Message]:
        """The messages; those that come out empty are left out."""
        rest = "\n\n".join(text for name, text in parts.items() if text and name not in self._named)
        texts = {**dict.fromkeys(PART_NAMES, ""), **parts, REST: rest}

        def put(found: re.Match[str]) -> str:
            return texts[found[2]] if found[2] else f"{{{found[1]}}}"

        filled = [(role, _PART.sub(put, text)) for role, text in self._messages]
        return [Message(role, re.sub(r"\n{3,}", "\n\n", text).strip()) for role, text in filled if text.strip()]

    def _split(self) -> list[tuple[str, str]]:
        """Role and text of each message; what stands before the first role is the user's."""
        pieces = _ROLE.split(self._text)
        opening = [("user", pieces[0])] if pieces[0].strip() else []
        return [*opening, *zip(pieces[1::2], pieces[2::2], strict=True)]
