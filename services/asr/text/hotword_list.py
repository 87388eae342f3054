"""The hotwords of a request: names and terms that the caller expects, checked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

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
        raise _bad("'hotwords' must be a list of words, or text with commas between them", 'as in "张伟,PyTorch"')
    found: dict[str, None] = {}
    for word in words:
        if any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in str(word).strip()):
            raise _bad("a hotword holds a character that cannot be seen", "write the words plainly")
        plain = " ".join(unicodedata.normalize("NFC", str(word)).split())
        if len(plain) > LONGEST:
            raise _bad(f"the hotword {plain[:LONGEST]!r}... is too long", f"at most {LONGEST} characters each")
        if _ADDRESS.search(plain):
            raise _bad(f"the hotword {plain!r} looks like an address or a file", "hotwords are names and terms")
        if plain and not any(char.isalnum() for char in plain):
            raise _bad(f"the hotword {plain!r} has no letter in it", "hotwords are names and terms")
        if plain:
            found[plain] = None
    if len(found) > MOST:
        raise _bad(f"{len(found)} hotwords are too many", f"at most {MOST}; more than {HELPFUL} help little")
    return tuple(found)


def _bad(message: str, hint: str) -> ApiError:
    return ApiError(400, "bad_hotwords", message, hint)
