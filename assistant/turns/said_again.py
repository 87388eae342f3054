"""What people say again of what they have just heard: one of the options, a code, a sentence they are to repeat.

Where a transcript alone must tell an answer from an echo, such an answer is the user's. An echo is cut off anywhere: a
pick is a whole option, and has none of the words that stand between options. Talk of numbers, or of
two or three ways to do a thing, asks for no answer.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from huiyin.assistant.turns.similarity import SIMILAR, letters_of, similarity
from huiyin.assistant.turns.spelt import UNITS

_SENTENCE = re.compile(r"[^.。!！?？;；\n]+[.。!！?？;；\n]*")
_START = r"(?:^|(?<=[.,!?:;，。！？：；“\"])|(?<=[.,!?:;]\s))"  # of a sentence, or of a part of it

# -- options

_ASKS = re.compile(r"[?？]|\b(?:tell me|let me know|choose|pick)\b|请选|告诉我|[挑选]一[个样种]", re.IGNORECASE)
_OFFERS = re.compile(
    r"\b(?:we|i)(?:'ve| have| can offer| offer)\b|(?:^|[，,。！!]|我们|我|这里|这儿|店里|现在|还|目前)\s*有",
    re.IGNORECASE,
)
_LISTS = re.compile(
    r"\b(?:have|got|found|offer|there(?:'s| is| are))\b|有|可以|能", re.IGNORECASE
)  # what a sentence says that lists what the next one asks about
_ALTERNATIVE = re.compile(r"\bor\b|还是|或者|或是|要么", re.IGNORECASE)
_CONJUNCTION = re.compile(r"\band\b|以及|还有|和|跟", re.IGNORECASE)
_MARK = re.compile(r"[,，、;；:：.。!！?？]+")
_VAGUE = re.compile(
    rf"\b(?:{'|'.join(UNITS)}|ten|once|twice|more|with|\d+)\s+or\s+"
    rf"(?:{'|'.join(UNITS[1:])}|ten|twelve|twice|more|less|so|without|\d+)\b|\bor so\b",
    re.IGNORECASE,
)  # no alternatives
_ASKED = re.compile(
    r"\b(?:what|which|who|whom|whose|when|where|how|why|tell me|let me know)\b|什么|哪|谁|几|怎么|多少", re.IGNORECASE
)
_LISTED = 3  # parts that are a list, whatever the sentence says ...
_LISTED_LETTERS = 24  # ... where the middle ones are no longer
_LISTED_HAN = 8

# -- codes

_NAMES_CODE = re.compile(
    r"\b(?:code|pin|password|passcode|plate|number|phone|spelt|spelled)\b|码|号|电话|手机|车牌|尾号|拼", re.IGNORECASE
)
_ONE_BY_ONE = (
    rf"(?:\b(?:zero|oh|{'|'.join(UNITS)}|double|[a-z]|\d)\b[\s,-]*){{3,}}"
    r"|[零〇一二两三四五六七八九幺]{3,}(?![零〇一二两三四五六七八九幺十百千万亿年点块元岁])"
)
_CODE = re.compile(_ONE_BY_ONE, re.IGNORECASE)
_NAMED_CODE = re.compile(rf"{_ONE_BY_ONE}|\d[\d\s-]+\d", re.IGNORECASE)

# -- what is to be repeated

_REQUEST = re.compile(
    rf"{_START}(?:(?:please|now|then|just|(?:can|could|would) you)\s+)*(?:"
    r"repeat(?:\s+(?:after|with) me|\s+(?:it|this|that)\b|(?=\s*[:,.]))"
    r"|say(?:\s+(?:it|this|that|the following)\b|\s+after me\b|(?=\s*[:,]))|try saying\b"
    r"|read\s+(?:(?:it|this|that)\s+)?(?:back|out|after me)\b|after me(?=\s*[:,.]))"
    rf"|(?:{_START}|请|来|您|你|可以|一起|大家)(?:跟着?|学)我[一起来再]*(?:[念读说学唱做]|重复)"
    rf"|(?:{_START}|请|您|你|来)(?:再|重新)?(?:[说念读]|重复|复述|跟读)一[遍下次](?=\W|吧|好|给|$)"
    r"|请(?:[说念读](?=[:：,，“])|重复|复述|跟读)|重复一?下?(?=[:：])",
    re.IGNORECASE,
)


_REPEATED = 2  # sentences, at most, from the request on


class _Option(NamedTuple):
    """A part of a sentence that lists some."""

    words: str
    is_first: bool


def is_said_again(text: str, words: str) -> bool:
    """Whether `text` is such an answer to these words."""
    if any(similarity(text, part) >= SIMILAR for part in (*_codes(words), _to_be_repeated(words))):
        return True
    is_cut_off = bool(_ALTERNATIVE.search(text))
    return not is_cut_off and any(_is_pick(text, option) for option in _options(words))


def _is_pick(text: str, option: _Option) -> bool:
    """Whether it is the option, or what that ends with ("Would you like | tea"), or begins with ("Tuesday | is free"),
    if that is no beginning of the sentence."""
    letters, count = letters_of(option.words), len(letters_of(text))
    if similarity(text, letters[-count:]) >= SIMILAR:
        return True
    return not option.is_first and similarity(text, letters[:count]) >= SIMILAR


def _options(words: str) -> list[_Option]:
    """Of the offers among these sentences."""
    options: list[_Option] = []
    before = ""
    for sentence in _SENTENCE.findall(words):
        asks = bool(_ASKS.search(sentence))
        if asks or (_OFFERS.search(sentence) and _has_alternatives(sentence)):
            options += _listed(sentence)
        if asks and _ASKED.search(sentence):
            options += _listed(before)
        before = sentence
    return options


def _has_alternatives(sentence: str) -> bool:
    return bool(_ALTERNATIVE.search(_VAGUE.sub("", sentence)))


def _listed(sentence: str) -> list[_Option]:
    """The parts of a sentence that lists some; the question itself is not one of them."""
    has_alternatives = _has_alternatives(sentence)
    parts = re.split(f"{_MARK.pattern}|{(_ALTERNATIVE if has_alternatives else _CONJUNCTION).pattern}", sentence)
    parts = [part for part in parts if part.strip() and not _ASKED.search(part)]
    is_list = len(parts) >= _LISTED and all(_is_short(part) for part in parts[1:-1])
    lists = has_alternatives or is_list or _LISTS.search(sentence)
    return [_Option(part, at == 0) for at, part in enumerate(parts)] if len(parts) > 1 and lists else []


def _is_short(part: str) -> bool:
    return len(part) <= (_LISTED_LETTERS if part.isascii() else _LISTED_HAN)


def _codes(words: str) -> list[str]:
    return [
        match[0]
        for sentence in _SENTENCE.findall(words)
        for match in (_NAMED_CODE if _NAMES_CODE.search(sentence) else _CODE).finditer(sentence)
    ]


def _to_be_repeated(words: str) -> str:
    """What follows a request: the rest of its sentence, and the next one."""
    request = _REQUEST.search(words)
    return "".join(_SENTENCE.findall(words[request.end() :])[:_REPEATED]) if request else ""
