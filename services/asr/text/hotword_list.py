"""The hotwords of a request: names and terms that the caller expects, checked."""

from __future__ import annotations

import re
import unicodedata

from huiyin.services.common.errors import ApiError

MOST = 200
LONGEST = 40  # characters
HELPFUL = 50
"""More than these help little: Paraformer uses the 50 likeliest, and each further hotword may replace right words."""

_CODE = "bad_hotwords"  # of all these errors
_INVISIBLE = ("Cc", "Cf", "Cs")  # Unicode categories
_SEPARATORS = re.compile(r"[,，、;；\r\n]+")
# What a recogniser might take for something to open: FunASR fetches addresses and reads files of lists.
_ADDRESS = re.compile(
    r"\\|//|/.*/|^(\.{0,2}/|~|[a-z]:)|^(https?|ftp|file|data|www\.).*[:.]|\.(txt|scp|jsonl?|list|csv|ya?ml|pt|py)$",
    re.I,
)


def hotwords_of(value: object) -> tuple[str, ...]:
    """From a text (separated by commas, semicolons or line ends) or a list. Raises ApiError 400."""
    if value is None or value == "":
        return ()
    words = _SEPARATORS.split(value) if isinstance(value, str) else value
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
        raise ApiError(400, "asr.hotwords_no_list", code=_CODE)
    hotwords = tuple(filter(None, dict.fromkeys(map(_checked, words))))
    if len(hotwords) > MOST:
        raise ApiError(400, "asr.too_many_hotwords", code=_CODE, count=len(hotwords), most=MOST, helpful=HELPFUL)
    return hotwords


def _checked(word: str) -> str:
    """The hotword with single spaces; may be empty."""
    if any(unicodedata.category(char) in _INVISIBLE for char in word.strip()):
        raise ApiError(400, "asr.hotword_invisible", code=_CODE)
    plain = " ".join(unicodedata.normalize("NFC", word).split())
    if len(plain) > LONGEST:
        raise ApiError(400, "asr.hotword_too_long", code=_CODE, word=plain[:LONGEST], most=LONGEST)
    if _ADDRESS.search(plain):
        raise ApiError(400, "asr.hotword_is_address", code=_CODE, word=plain)
    if plain and not any(map(str.isalnum, plain)):
        raise ApiError(400, "asr.hotword_without_letter", code=_CODE, word=plain)
    return plain
