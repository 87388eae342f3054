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
    NAME,
    NUMBER,
    NUMBER_ZH,
    SAID,
    SPELT,
    Kind,
    Written,
)
from huiyin.assistant.turns.normalise import normalised, word_count
from huiyin.assistant.turns.spelt import UNITS, Spelt, digits_by_sound, letters_apart, plain, share_of_digits, spelt_end
from huiyin.assistant.turns.text_judge import is_whole_alone
from huiyin.services.common.text import is_chinese

_KINDS = (*SPELT, NAME, *SAID)
_TAIL_LETTERS = 200  # of a text, that are looked at: a card's nineteen digits in English words, and what is before them
_MOST_WORDS_BEFORE = 3  # of an answer, before what was asked for
_MOST_MISHEARD_WORDS = 4  # of an answer that should be digits
_MOSTLY = 0.5  # of a longer one: digits
_FEWEST_CHARACTERS = 3  # of a number, where nothing says that it is dictated: "card 7" is one of a few
_FEWEST_CUT = 2  # before a "dash" or "double"
_YEAR_DIGITS = 4

_IS = re.compile(IS)
_ENDS_WITH_IS = re.compile(r"(?:\bis|'s|是)\W*$")
_NUMBER_SAID = re.compile(r"number|code\b|\bdigits|[号码]|\bid\b")  # in a name: not "phone" or "card" alone
_NUMBER_NAMED = re.compile(rf"(?:\b(?:my|the|this|that|your|his|her|our) number|digits|号码?){LINK}$")
_NUMBER_IS = re.compile(r"(?<![\d零〇一二两三四五六七八九十几])号码?是\w+$")
_NUMBER_ASKED = re.compile(r"\b(?:number|code|digits?|plate|pin|spell)\b|[号码牌位]")
_SPEAKERS = re.compile("[我你您]")
_CHOICE = re.compile(r"^\W*(?:do|does|did|is|are|was|have|shall|should|would|will)\b|\bor\b|还是|吗")
_ASKS = re.compile(
    r"[?？]\W*$|[吗呢]\W*$|什么|哪|怎么|多少"
    r"|^\W*(?:what|where|when|which|who|why|how|is|are|do|does|did|can|could)\b"
)
_REQUESTS = re.compile(r"[?？]|[请报留给]|多少|\b(?:please|tell|give|enter|read)\b")
_ASKS_WHAT = re.compile(r"[?？]\W*$|[吗呢]\W*$|什么|哪|怎么|多少|\b(?:what|where|when|which|who|why|how|whether|if)\b")
_DECLINES = re.compile(r"don't|\b(?:not|sorry|same|know|forgot|have|later|wait|skip|none)\b|没|不|忘|一样|等")
# What is heard where a number was asked for, and is no misheard one.
_ELSE = re.compile(
    r"\b(?:cancel|never|agent|private|file|e-?mail|thanks|bye)\b|再见|算了|取消|人工|随便|保密|停|过|邮|微信|给|再说|查|老|旧|名片|[他她]"
)
_COUNTS = (*UNITS, "ten")
_COUNT_EN, _COUNT_ZH = rf"({'|'.join(_COUNTS)}|\d\d?)", "([一二三四五六七八九十]|\\d\\d?)"
_COUNT = re.compile(
    rf"{_COUNT_EN}[ -](?:digit|character)|\b(?:first|last) {_COUNT_EN} (?:number|figure|letter)"
    rf"|[前后末]{_COUNT_ZH}位|{_COUNT_ZH}位(?:数|号|字|密码|编码|验证码|校验码)"
)
_ASKS_WHETHER = re.compile(r"^\W*(?:is|are|was|were|does|did|how many)\b")
_TIME = re.compile(r"(?:[1-9]|1\d|2[0-3])(?:[0-5]\d)?")
_BEFORE_TIME = re.compile(r"\b(?:at|by|around|about|until|till|before|after|in|for)\W*$")
_COUNTED_OUT = ("0123456789", "9876543210")
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
    question, tail = _question(last_words), _tail(text)
    text = plain(tail)
    if _asks_for("letters", question) and not _ASKS.search(text):
        text = plain(letters_apart(tail))
    by_sound = digits_by_sound(text)
    if by_sound != text and (found := _of_kinds(SPELT, question, _said(by_sound), most_before=0)):
        return found
    said = _said(text)
    found = _of_kinds(_KINDS, question, said, most_before=_MOST_WORDS_BEFORE)
    return found or _unnamed(said) or _misheard(question, said)


def is_asked_for(last_words: str) -> bool:
    """Whether the assistant's last words ask for something that is dictated."""
    question = _question(last_words)
    return any(kind.asks.search(question) for kind in _KINDS) or _count(question) is not None


def _asks_for(written: Written, question: str) -> bool:
    """Whether a question asks for something that is spelt so."""
    return any(kind.written == written and kind.asks.search(question) for kind in SPELT)


def _tail(text: str) -> str:
    """Its last letters, from the beginning of a word: a long turn takes no longer to look at than a short one."""
    return text if len(text) <= _TAIL_LETTERS else re.sub(r"^[!-~]+", "", text[-_TAIL_LETTERS:])


def _said(text: str) -> _Said:
    words = normalised(_DOT.sub(" dot ", _AT.sub(" at ", text)))
    return _Said(text, words, spelt_end(text, letters=False), spelt_end(text, letters=True))


def _of_kinds(kinds: tuple[Kind, ...], question: str, said: _Said, most_before: int) -> Progress | None:
    """What is named or asked for. `most_before`: words before what was asked for."""
    named = (found for kind in kinds if (found := _named(kind, said)))
    asked = (found for kind in kinds if kind.asks.search(question) and (found := _answered(kind, said, most_before)))
    return next(named, None) or _counted(question, said, most_before) or next(asked, None)


def _question(last_words: str) -> str:
    """The last question in them, else the last sentence."""
    sentences: list[str] = _SENTENCE.findall(plain(_tail(last_words))) or [""]
    return next((sentence for sentence in reversed(sentences) if sentence.rstrip()[-1:] in "?？"), sentences[-1])


def _named(kind: Kind, said: _Said) -> Progress | None:
    """What the user says of a kind after its name."""
    if kind.written != "words":
        end = said.spelt(kind)
        name = kind.names.search(end.before)
        if name is None or _is_time(end) or _ASKS_WHAT.search(said.text):
            return None
        is_number = _NUMBER_SAID.search(name[0]) or len(end.characters) >= _FEWEST_CHARACTERS or _is_one_by_one(end)
        return _of_spelt(kind, end) if is_number or not end.characters else None
    names = list(kind.names.finditer(said.words))
    if not names or _ASKS_WHAT.search(said.text):
        return None
    value = _after_is(said.words[names[-1].end() :])
    return _form(kind, value) if value else _begun(said.text)


def _count(question: str) -> int | None:
    """How many digits or letters a question asks for: "the last four digits"."""
    found = _COUNT.search(question)
    if not found or _ASKS_WHETHER.search(question):
        return None
    word = next(filter(None, found.groups()))
    if word.isdecimal():
        return int(word)
    return 1 + (_COUNTS.index(word) if word in _COUNTS else "一二三四五六七八九十".index(word))


def _counted(question: str, said: _Said, most_before: int) -> Progress | None:
    """What the user says where the assistant told how long it is."""
    length = _count(question)
    if not length or not said.letters.characters or word_count(_after_is(said.letters.before)) > most_before:
        return None
    missing = length - len(said.letters.characters)
    return None if missing < 0 else Progress.PART if missing or said.letters.is_cut else Progress.WHOLE


def _answered(kind: Kind, said: _Said, most_before: int) -> Progress | None:
    """What the user says of a kind that was asked for."""
    if kind.written == "words":
        if _is_talk(said):
            return None
        return _form(kind, _after_is(said.words))
    end = said.spelt(kind)
    if not end.characters or _is_time(end) or _DECLINES.search(said.text):
        return None
    return _of_spelt(kind, end) if word_count(_after_is(end.before)) <= most_before else None


def _unnamed(said: _Said) -> Progress | None:
    """What is seen from the digits or words alone. Of such a number nothing says that it is whole."""
    end = said.digits
    if BEGUN.search(said.words) or (end.is_cut and len(end.characters) >= _FEWEST_CUT):
        return Progress.PART
    is_year = len(end.characters) == _YEAR_DIGITS > end.groups and not end.characters.startswith("0")
    is_counted_out = any(end.characters in digits for digits in _COUNTED_OUT)
    if not _NUMBER_NAMED.search(end.before) and (not _is_one_by_one(end) or is_year or is_counted_out):
        return None  # a number of its own
    number = NUMBER_ZH if is_chinese(said.text) else NUMBER
    return Progress.OPEN if number.fullmatch(end.characters) else None


def _misheard(question: str, said: _Said) -> Progress | None:
    """A few odd words where digits should be, or more of which half are digits: recognisers write 呼吸 for 沪C,
    一拜零八 for 108."""
    is_number = _REQUESTS.search(question) and _asks_for("digits", question)
    is_asked = is_number or (_NUMBER_ASKED.search(question) and is_asked_for(question))
    is_asked = is_asked and not _CHOICE.search(question)
    odd = said.words.rpartition("号")[2]
    if not (is_asked or _NUMBER_IS.search(said.words)):
        return None
    if word_count(odd) > _MOST_MISHEARD_WORDS and share_of_digits(odd) < _MOSTLY:
        return None
    return None if _SPEAKERS.search(odd) or _ELSE.search(odd) or _is_talk(said) else Progress.OPEN


def _is_talk(said: _Said) -> bool:
    """The user does not answer, but asks, declines, or says something that is a turn of its own."""
    return bool(_ASKS.search(said.text) or _DECLINES.search(said.text) or is_whole_alone(said.text))


def _is_one_by_one(end: Spelt) -> bool:
    """A number that is an amount is not said like this: "four one five", 07."""
    return end.is_one_by_one and (end.groups > 1 or end.characters.startswith("0"))


def _is_time(end: Spelt) -> bool:
    """ "at 7", "around seven thirty"."""
    return bool(_BEFORE_TIME.search(end.before) and not _is_one_by_one(end) and _TIME.fullmatch(end.characters))


def _of_spelt(kind: Kind, end: Spelt) -> Progress | None:
    if not end.characters:
        return _begun(end.before)
    if end.is_cut:
        return Progress.PART
    is_longer = kind.whole.match(end.characters)  # than it can be: a recogniser writes a digit twice
    return _form(kind, end.characters) or (Progress.WHOLE if is_longer else None)


def _begun(text: str) -> Progress | None:
    """Of what was only named: "my number is"."""
    return Progress.PART if _ENDS_WITH_IS.search(text) and not (_ASKS.search(text) or _ASKS_WHAT.search(text)) else None


def _form(kind: Kind, value: str) -> Progress | None:
    forms = ((kind.whole, Progress.WHOLE), (kind.open, Progress.OPEN), (kind.part, Progress.PART))
    return next((found for pattern, found in forms if pattern.fullmatch(value)), None)


def _after_is(text: str) -> str:
    return _IS.sub("", text, count=1)
