"""What the user dictates, and how far it has come: numbers, plates, addresses, e-mail, dates, amounts, spelt names.

The words that the user puts before it tell what it is, else the assistant's last question, else nothing but its digits.
`dictated_kinds` has the forms of each kind.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from huiyin.assistant.turns.dictated_kinds import (
    BEGUN,
    IS,
    LINK,
    MAY_GO_ON,
    NAME,
    NUMBER,
    NUMBER_ZH,
    SAID,
    SPELT,
    Kind,
)
from huiyin.assistant.turns.normalise import normalised, word_count
from huiyin.assistant.turns.spelt import Spelt, plain, spelt_end
from huiyin.assistant.turns.text_judge import is_whole_alone
from huiyin.services.common.text import is_chinese

_KINDS = (*SPELT, NAME, *SAID)
_MOST_WORDS_BEFORE = 3  # of an answer, before what was asked for
_MOST_MISHEARD_WORDS = 4  # of an answer that should be digits
_FEWEST_LETTERS = 3  # in a row, where nothing says that they spell something
_YEAR_DIGITS = 4

_IS = re.compile(IS)
_ENDS_WITH_IS = re.compile(r"(?:\bis|'s|是)\W*$")
_NUMBER_NAMED = re.compile(rf"(?:number|code|digits|号码?){LINK}$")
_NUMBER_IS = re.compile(r"号码?是\w+$")
_NUMBER_ASKED = re.compile(r"\b(?:number|code|digits?|plate|pin|spell)\b|[号码牌]|[一二三四五六七八九十]位")
_CHOICE = re.compile(r"^\W*(?:do|does|did|is|are|was|have|shall|should|would|will)\b|\bor\b|还是|吗")
_ASKS = re.compile(
    r"[?？]\W*$|[吗呢]\W*$|什么|哪|怎么|多少|^\W*(?:what|where|when|which|who|how|is|are|do|does|did|can|could)\b"
)
_DECLINES = re.compile(r"don't|\bnot\b|\bsorry\b|\bsame\b|\bknow\b|\bforgot\b|\bhave\b|没|不|忘|一样|等")
_COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_COUNT = re.compile(
    rf"({'|'.join(_COUNTS)}|\d\d?)[ -](?:digit|number|figure|character)|([一二三四五六七八九十]|\d\d?)位"
)
_SENTENCE = re.compile(r"[^.。!！?？]+[.。!！?？]*")
_AT = re.compile(r"@|艾特|圈a")
_DOT = re.compile(r"(?<=[a-z0-9])\.(?=[a-z0-9])|点(?=[a-z])|(?<=[a-z])点")


class Progress(Enum):
    """How far something dictated has come."""

    PART = "more must come"
    OPEN = "it may be all, and may go on"
    WHOLE = "nothing can follow"


class _Said(NamedTuple):
    """`text` is plain, `words` are normalised, with "at" and "dot"; `digits` and `letters` end the text."""

    text: str
    words: str
    digits: Spelt
    letters: Spelt

    def spelt(self, kind: Kind) -> Spelt:
        """What may be of a kind that is spelt."""
        return self.digits if kind.written == "digits" else self.letters


def progress(text: str, last_words: str = "") -> Progress | None:
    """How far what the user dictates has come at the end of `text`; None: they do not dictate.

    `last_words`: the assistant's before it.
    """
    text = plain(text)
    words = normalised(_DOT.sub(" dot ", _AT.sub(" at ", text)))
    said = _Said(text, words, spelt_end(text, letters=False), spelt_end(text, letters=True))
    question = _question(last_words)
    named = next((found for kind in _KINDS if (found := _named(kind, said))), None)
    asked = (found for kind in _KINDS if kind.names.search(question) and (found := _answered(kind, said)))
    return named or _counted(question, said) or next(asked, None) or _unnamed(said) or _misheard(question, said)


def is_asked_for(last_words: str) -> bool:
    """Whether the assistant's last words ask for something that is dictated."""
    question = _question(last_words)
    return any(kind.names.search(question) for kind in _KINDS) or _COUNT.search(question) is not None


def _question(last_words: str) -> str:
    """The last question in them, else the last sentence."""
    sentences: list[str] = _SENTENCE.findall(plain(last_words)) or [""]
    return next((sentence for sentence in reversed(sentences) if sentence.rstrip()[-1:] in "?？"), sentences[-1])


def _named(kind: Kind, said: _Said) -> Progress | None:
    """What the user says of a kind after its name."""
    if kind.written != "words":
        end = said.spelt(kind)
        return _of_spelt(kind, end) if kind.announces.search(end.before) else None
    names = list(kind.names.finditer(said.words))
    if not names:
        return None
    value = _after_is(said.words[names[-1].end() :])
    return _form(kind, value) if value else _begun(said.text)


def _counted(question: str, said: _Said) -> Progress | None:
    """What the user says where the assistant told how long it is: "the last four digits"."""
    count = _COUNT.search(question)
    if not count or not said.letters.characters or word_count(_after_is(said.letters.before)) > _MOST_WORDS_BEFORE:
        return None
    word = count[1] or count[2]
    length = (
        int(word) if word.isdecimal() else 1 + (_COUNTS.index(word) if count[1] else "一二三四五六七八九十".index(word))
    )
    missing = length - len(said.letters.characters)
    return None if missing < 0 else Progress.PART if missing or said.letters.is_cut else Progress.WHOLE


def _answered(kind: Kind, said: _Said) -> Progress | None:
    """What the user says of a kind that was asked for."""
    if kind.written == "words":
        if _ASKS.search(said.text) or _DECLINES.search(said.text):
            return None
        return _form(kind, _after_is(said.words))
    end = said.spelt(kind)
    if not end.characters or _DECLINES.search(said.text) or word_count(_after_is(end.before)) > _MOST_WORDS_BEFORE:
        return None
    return _of_spelt(kind, end)


def _unnamed(said: _Said) -> Progress | None:
    """What is seen from the digits, letters or words alone."""
    end = said.digits
    if BEGUN.search(said.words) or (end.is_cut and end.characters):
        return Progress.PART
    if MAY_GO_ON.search(said.words) and not _ASKS.search(said.text):
        return Progress.OPEN
    if said.letters.characters.isalpha() and said.letters.groups >= _FEWEST_LETTERS:
        return Progress.OPEN
    is_spelt = end.is_one_by_one and (end.groups > 1 or end.characters.startswith("0"))
    is_year = len(end.characters) == _YEAR_DIGITS > end.groups and not end.characters.startswith("0")
    if not _NUMBER_NAMED.search(end.before) and (not is_spelt or is_year):
        return None  # a number of its own
    return _form(NUMBER_ZH if is_chinese(said.text) else NUMBER, end.characters)


def _misheard(question: str, said: _Said) -> Progress | None:
    """A few odd words where digits should be: recognisers write 呼吸 for 沪C."""
    is_asked = _NUMBER_ASKED.search(question) and not _CHOICE.search(question)
    is_talk = _ASKS.search(said.text) or _DECLINES.search(said.text) or is_whole_alone(said.text)
    is_short = word_count(said.words.rpartition("号")[2]) <= _MOST_MISHEARD_WORDS
    return Progress.OPEN if (is_asked or _NUMBER_IS.search(said.words)) and is_short and not is_talk else None


def _of_spelt(kind: Kind, end: Spelt) -> Progress | None:
    if not end.characters:
        return _begun(end.before)
    return Progress.PART if end.is_cut else _form(kind, end.characters)


def _begun(text: str) -> Progress | None:
    """Of what was only named: "my number is"."""
    return Progress.PART if _ENDS_WITH_IS.search(text) and not _ASKS.search(text) else None


def _form(kind: Kind, value: str) -> Progress | None:
    forms = ((kind.whole, Progress.WHOLE), (kind.open, Progress.OPEN), (kind.part, Progress.PART))
    return next((found for pattern, found in forms if pattern.fullmatch(value)), None)


def _after_is(text: str) -> str:
    return _IS.sub("", text, count=1)
