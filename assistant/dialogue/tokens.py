"""How many tokens a text is for a language model: an estimate that rather says too many.

The models' own tokenizers differ, and most are behind an HTTP server. Qwen's and OpenAI's make 0.6 to 0.9 tokens of a
Chinese character and 1.1 to 1.3 of an English word; each digit, mark and emoji counts for itself.
"""

from __future__ import annotations

import math
import re

_PIECE = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?|\S")
_WORD_TOKENS = 1.3
_LETTERS_PER_TOKEN = 4.0  # of words that are not everyday ones
_EMOJI = 0x10000  # characters from here on take several bytes, and up to three tokens
_MESSAGE_TOKENS = 4  # the marks around a message: who speaks, where it ends


def estimated_tokens(text: str) -> int:
    """Tokens of `text`, rather too many than too few."""
    total = 0.0
    for piece in _PIECE.findall(text):
        if len(piece) > 1:
            total += max(_WORD_TOKENS, len(piece) / _LETTERS_PER_TOKEN)
        else:
            total += 3 if ord(piece) >= _EMOJI else 1
    return math.ceil(total)


def message_tokens(text: str) -> int:
    """Tokens of a chat message with this text; 0 for none."""
    return estimated_tokens(text) + _MESSAGE_TOKENS if text else 0
