"""What can be spoken of a text: markup, emoji and control characters out, punctuation tidied. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from services.tts.g2p_zh import HAN

Language = Literal["zh", "en"]

_OTHER_SCRIPT = re.compile(rf"[^\W\d_A-Za-zÀ-ɏḀ-ỿ{HAN}]")
_HAN_CHAR = re.compile(f"[{HAN}]")

_TAG = re.compile(r"</?[A-Za-z!][^<>]{0,200}>")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_URL = re.compile(r"(?:https?://|www\.)[\w\-.~:/?#@!$&'*+,;=%]+", re.ASCII)
_LINE_MARK = re.compile(r"(?m)^\s*(?:#{1,6}|>+|[-*+•]|```\w*)\s+")
_MARKUP = str.maketrans(dict.fromkeys("*_`#|<>[]{}\\^", " "))
_TILDE = re.compile(r"~(?!\s*\d)")  # kept between numbers only: 3~5

# Emoji and pictures, their modifiers, controls, private and unassigned characters.
_DROPPED = {"So", "Sk", "Cs", "Co", "Cn", "Cf", "Cc", "Me"}
_KEPT = set("℃℉°")
_SPACES = re.compile(r"[ \t\u00a0\u3000]+")
_LINE_END = re.compile(r"\s*\n\s*")
_ENDED = ".!?…。！？,，;；:：、"
_RUN = re.compile(r"[。！？!?，,；;、](?:\s*[。！？!?，,；;、])+")
_STRONGEST = "？?！!。；;、，,"  # of several marks in a row, the first of these is kept
_DOTS = re.compile(r"\.{2,}|…+|。{2,}|·{2,}")


def clean(text: str) -> str:
    """`text` as it can be handed to a voice; '' when nothing in it can be said.

    >>> clean("**好的** 😀，见[这里](http://a.b)！！")
    '好的 ，见这里！'
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _URL.sub(" ", _TAG.sub(" ", _LINK.sub(r"\1", _LINE_MARK.sub("", text))))
    text = "".join(_character(c) for c in text).translate(_MARKUP)
    text = _LINE_END.sub("\n", _TILDE.sub("", text)).strip()
    text = "".join(_end_line(line) for line in text.split("\n"))
    text = _RUN.sub(lambda run: min(run[0].replace(" ", ""), key=_STRONGEST.index), _DOTS.sub("…", text))
    text = _SPACES.sub(" ", text).strip()
    return text if speakable(text) else ""


def speakable(text: str) -> bool:
    """Whether there is a letter or a digit of any script in it."""
    return any(unicodedata.category(c)[0] in "LN" for c in text)


def language(text: str) -> Language:
    """'zh' when there is any Chinese in it: only a Chinese voice can say that; else 'en'."""
    return "zh" if _HAN_CHAR.search(text) else "en"


def zh_and_en(text: str) -> str:
    """`text` without the letters of scripts that the local voices cannot read."""
    return _OTHER_SCRIPT.sub("", text)


def _character(c: str) -> str:
    if c in _KEPT or c == "\n":
        return c
    if "\ufe00" <= c <= "\ufe0f":  # chooses between a sign and its picture
        return ""
    kind = unicodedata.category(c)
    if c == "\t" or kind.startswith("Z"):
        return " "
    if kind in _DROPPED:
        return ""
    if kind[0] in "LN" and not _HAN_CHAR.match(c):
        return unicodedata.normalize("NFKC", c)  # full-width letters and digits, ①, Ⅳ
    return c


def _end_line(line: str) -> str:
    """A line is a sentence: it ends with a mark, so that the voice pauses there."""
    if not line or line[-1] in _ENDED:
        return line + " "
    return line + ("。" if language(line) == "zh" else ". ")
