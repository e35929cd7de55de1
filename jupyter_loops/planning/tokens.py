"""How many tokens a text may be, without a tokenizer."""

from __future__ import annotations

import string
from collections import Counter
from functools import lru_cache

# Words of up to five letters are one token in every vocabulary in use, longer ones rarely more than a
# token for four letters; digits and signs may be one each; other scripts up to one a byte. A line end
# takes its indentation along, and a space belongs to the word after it.
_LETTERS_PER_TOKEN = 4
_SHORT_WORD = 5
_LONG, _SAMPLE = 100_000, 10_000  # characters; more than the first fit into no window that a prompt is made for
_LETTERS = string.ascii_letters.encode()
_NO_SIGNS = _LETTERS + string.whitespace.encode()
_ONLY_WORDS = bytes(code if code in _LETTERS else ord(" ") for code in range(256))
_ONLY_GAPS = bytes(code if code in b"\n\t " else ord("x") for code in range(256))


@lru_cache(maxsize=512)  # most parts of a prompt are those of the round before
def estimate(text: str) -> int:
    """Tokens in the text, rather too many than too few. Of a very long text, a projection of three samples."""
    if len(text) > _LONG:
        middle = (len(text) - _SAMPLE) // 2
        samples = (text[:_SAMPLE], text[middle : middle + _SAMPLE], text[-_SAMPLE:])
        return -(-sum(map(estimate, samples)) * len(text) // (len(samples) * _SAMPLE))
    content = text.encode("utf-8", "replace")
    lengths = Counter(map(len, content.translate(_ONLY_WORDS).split()))
    words = sum(times * _word(letters) for letters, times in lengths.items())
    signs = len(content.translate(None, _NO_SIGNS))
    return words + signs + content.count(b"\n") + _wide(content)


def _word(letters: int) -> int:
    return 1 if letters <= _SHORT_WORD else -(-letters // _LETTERS_PER_TOKEN)


def _wide(content: bytes) -> int:
    """Gaps inside of lines that are more than one space."""
    if b"\t" not in content and b"  " not in content:
        return 0
    gaps = b"x" + content.translate(_ONLY_GAPS)
    return sum(map(gaps.count, (b"x\t", b"x  ", b"x \t")))
