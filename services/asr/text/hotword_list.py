"""The hotwords of a request: names and terms that the caller expects, checked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from huiyin.services.common.errors import ApiError

MOST = 200
LONGEST = 40  # characters
HELPFUL = 50
"""SeACo-Paraformer itself keeps the 50 likeliest of a longer list, as FunASR runs it; for the others it is a rule of
thumb: each hotword more is one more word that may be put where it was not said."""

_SEPARATORS = re.compile(r"[,，、;；\r\n]+")
# What a recogniser might take for something to open: FunASR fetches addresses and reads files of lists.
_ADDRESS = re.compile(
    r"\\|//|/.*/|^(\.{0,2}/|~|[a-z]:)|^(https?|ftp|file|data|www\.).*[:.]|\.(txt|scp|jsonl?|list|csv|ya?ml|pt|py)$",
    re.I,
)


def hotwords_of(given: object) -> tuple[str, ...]:
    """From a text (separated by commas, semicolons or line ends) or a list. Raises ApiError 400."""
    if given is None or given == "":
        return ()
    words: Sequence[object] = _SEPARATORS.split(given) if isinstance(given, str) else given  # type: ignore[assignment]
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
        raise _bad("asr.hotwords_no_list")
    found: dict[str, None] = {}
    for word in words:
        if any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in str(word).strip()):
            raise _bad("asr.hotword_invisible")
        plain = " ".join(unicodedata.normalize("NFC", str(word)).split())
        if len(plain) > LONGEST:
            raise _bad("asr.hotword_too_long", word=plain[:LONGEST], most=LONGEST)
        if _ADDRESS.search(plain):
            raise _bad("asr.hotword_is_address", word=plain)
        if plain and not any(char.isalnum() for char in plain):
            raise _bad("asr.hotword_without_letter", word=plain)
        if plain:
            found[plain] = None
    if len(found) > MOST:
        raise _bad("asr.too_many_hotwords", count=len(found), most=MOST, helpful=HELPFUL)
    return tuple(found)


def _bad(key: str, **facts: Any) -> ApiError:
    return ApiError(400, key, code="bad_hotwords", **facts)
