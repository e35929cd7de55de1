"""How many tokens a text may be, without a tokenizer."""

from __future__ import annotations

import re
import string
from functools import lru_cache

# Words of up to five letters are one token in every vocabulary in use, longer ones rarely more than a
# token for four letters; digits and signs may be one each; other scripts up to one a byte. A line end
# takes its indentation along, and a space belongs to the word after it.
_LETTERS_PER_TOKEN = 4
_SHORT_WORD = 5
_LETTERS = string.ascii_letters.encode()
_SPACES = string.whitespace.encode()
_ONLY_WORDS = bytes(code if code in _LETTERS else ord(" ") for code in range(256))
_GAP = re.compile(rb"[\n\t ][\t ]*")


@lru_cache(maxsize=512)  # most parts of a prompt are those of the round before
def estimate(text: str) -> int:
    """Tokens in the text, rather too many than too few."""
    content = text.encode("utf-8", "replace")
    words = sum(map(_word, map(len, content.translate(_ONLY_WORDS).split())))
    signs = len(content.translate(None, _LETTERS + _SPACES))
    gaps = _GAP.findall(content)
    return words + signs + len(gaps) - gaps.count(b" ")


def _word(letters: int) -> int:
    return 1 if letters <= _SHORT_WORD else -(-letters // _LETTERS_PER_TOKEN)
