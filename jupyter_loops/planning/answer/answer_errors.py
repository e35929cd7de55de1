"""The errors of an answer that cannot be read, in one line for the model and the person."""

from __future__ import annotations

import re

from jupyter_loops.errors import ErrorClass, ReplyError

LONGEST = 4_000_000  # characters of an answer
LONGEST_CODE = 200_000  # of the code in it, which is looked at many times
_REFUSAL = re.compile(
    r"\W*(?:sorry|(?:i['\u2019]?m|i am) (?:very |really |so )?(?:sorry|not able|unable)|i can(?:no|['\u2019])t\b"
    r"|i can not\b|i (?:won['\u2019]t|will not|would rather not|must decline)\b|as an ai\b|unfortunately, i\b)",
    re.IGNORECASE,
)
_QUOTED = 80  # characters of a refusal


def check_length(answer: str) -> None:
    """Raises ReplyError where the answer is longer than any is read."""
    if len(answer) > LONGEST:
        raise ReplyError(
            f"the answer has {len(answer):,} characters, and at most {LONGEST:,} are read: answer with less",
            ErrorClass.MALFORMED,
        )


def check_code(text: str) -> str:
    """The text, unless it is longer than any code that is run. Raises ReplyError."""
    if len(text) > LONGEST_CODE:
        raise ReplyError(
            f"the code has {len(text):,} characters, and at most {LONGEST_CODE:,} are run: write less",
            ErrorClass.MALFORMED,
        )
    return text


def missing_answer(answer: str, reply: str, lacking: str, required: str) -> ReplyError:
    """The fault of an answer that lacks what is `required`; `reply` is what follows its thoughts."""
    kind = ErrorClass.MALFORMED
    if not answer.strip():
        message = "the answer is empty"
    elif "\0" in answer:
        message = "the answer is no plain text, it holds null characters as another encoding would"
    elif not reply.strip():
        message = "the answer has only thoughts, and nothing after them"
    elif _REFUSAL.match(reply):
        line = " ".join(reply[: 2 * _QUOTED].split())[:_QUOTED]
        message, kind = f"the answer refuses and {lacking} ({line})", ErrorClass.REFUSED
    else:
        message = f"the answer {lacking}"
    return ReplyError(f"{message}: {required}", kind)
