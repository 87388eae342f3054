"""Web addresses, e-mail addresses and file names: the site is spoken, not the path."""

from __future__ import annotations

import re
from typing import Literal

from huiyin.services.tts.spoken.rules import WORDS

_DOT = {"zh": "点", "en": " dot "}
_URL = re.compile(
    r"(?:https?|ftp|wss?)://(?:[^\s/@]+@)?(?P<host>[A-Za-z0-9][\w.-]*)[\w\-.~:/?#@!$&'*+,;=%()\[\]]*|\bwww\.(?P<www>[\w-]+(?:\.[\w-]+)+)"
    r"[\w\-.~:/?#@!$&'*+;=%()]*",
    re.ASCII | re.I,
)
_MAIL = re.compile(r"(?<![\w.+-])(?:mailto:)?([\w.+-]+)@([\w-]+(?:\.[\w-]+)+)", re.ASCII)
_SITE = re.compile(
    rf"(?<![\w@.-])((?:[a-z0-9-]+\.)+(?:{WORDS['domains']}))(?![\w-])(?:/[\w\-./?=&%#]*)?",
    re.ASCII | re.I,
)
_FILE = re.compile(rf"(?<![\w.-])([\w-]+(?:\.[\w-]+)*?)\.({WORDS['suffixes']})(?!\w|\.\w)", re.ASCII)
_TRAILING = ".,;:!?'\")]"


def read_addresses(text: str, language: Literal["zh", "en"]) -> str:
    """`text` with its addresses in words.

    >>> read_addresses("See https://www.github.com/a/b?c=1.", "en")
    'See github dot com.'
    """
    dot = _DOT[language]

    def site(match: re.Match[str]) -> str:
        rest = match[0][len(match[0].rstrip(_TRAILING)) :]
        host = (match["host"] or match["www"]).strip(".-").lower()
        host = host[4:] if host.startswith("www.") else host
        return _dotted(host, dot) + rest

    if "://" in text or "www." in text.lower():
        text = _URL.sub(site, text)
    if "." in text:
        text = _MAIL.sub(lambda m: f"{_dotted(m[1], dot)} at {_dotted(m[2], dot)}", text)
        text = _SITE.sub(lambda m: _dotted(m[1], dot), text)
        text = _FILE.sub(lambda m: _dotted(f"{m[1]}.{m[2]}", dot), text)
    return text


def _dotted(name: str, dot: str) -> str:
    """An address by name; one of digits is left to be read as digits."""
    return name if re.fullmatch(r"[\d.]+", name) else dot.join(filter(None, name.split(".")))
