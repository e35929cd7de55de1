"""What a chat template leaves around an answer: control tokens and channels that a server did not take off."""

from __future__ import annotations

import re

UNSEEN = "\ufeff\u200b\u2060"  # a byte order mark and its like
_HARMONY = re.compile(rf"[\s{UNSEEN}]*(?:<\|start\|>assistant)?<\|channel\|>")
_MESSAGE = re.compile(r"<\|channel\|>[ \t]*(\w+)([^<]{0,200}(?:<\|constrain\|>[^<]{0,40})?)<\|message\|>")
_MESSAGE_END = re.compile(r"<\|(?:end|return|call)\|>\s*(?=\Z|<\|(?:start|channel)\|>)")
_BARE = re.compile(rf"[\s{UNSEEN}]*analysis\S")  # of a server that left out the tokens, and not the channels' names
_BARE_FINAL = "assistantfinal"
_BEGIN = re.compile(
    rf"[\s{UNSEEN}]*<[|\uff5c](?:im_start[|]>[ \t]*assistant|assistant[|\uff5c]>)[ \t]*\n?", re.IGNORECASE
)
_END = re.compile(
    r"(?:<\|(?:im_end|eot_id|eom_id|endoftext|end_of_text|end|return)\|>|<end_of_turn>"
    r"|<\uff5cend\u2581of\u2581sentence\uff5c>|</s>)\s*\Z"  # the last one closes struck text, too
)
_TAIL = 100  # characters in which it stands


def without_template(answer: str) -> str:
    """The answer itself; the same text where no template shows. Of several channels, the final one."""
    if _HARMONY.match(answer):
        return _final(answer)
    if _BARE.match(answer) and _BARE_FINAL in answer:
        return answer.rpartition(_BARE_FINAL)[2]
    if begin := _BEGIN.match(answer):
        answer = answer[begin.end() :]
    end = _END.search(answer, max(len(answer) - _TAIL, 0))
    return answer[: end.start()] if end and not (end[0].startswith("</s>") and "<s>" in answer) else answer


def _final(answer: str) -> str:
    """The final message; calls of tools where there is none; nothing after analysis alone."""
    messages = list(_MESSAGE.finditer(answer))
    chosen = next((message for message in messages if message[1] == "final"), None)
    if chosen is None:
        called = next((message for message in messages if " to=" in message[2]), None)
        return answer[called.start() :] if called else ""
    end = _MESSAGE_END.search(answer, chosen.end())
    return answer[chosen.end() : end.start() if end else len(answer)]
