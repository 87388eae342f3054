"""What a listener says to show that they listen, hesitate or laugh: it takes no turn, so the assistant goes on.

The words stand in `listening_words`; several phrases may stand in a row: 嗯嗯, "oh wow, that's so sad". Where the
recogniser heard a question, it is one ("okay?"), unless it echoes in surprise what was said: "oh, really?", 真的吗？
"""

from __future__ import annotations

import re
from functools import lru_cache

from huiyin.assistant.turns.listening_words import ECHO_QUESTIONS, EXCLAMATIONS, PHRASES
from huiyin.assistant.turns.normalise import normalised
from huiyin.assistant.turns.phrase_rules import PhraseRules

_EXCLAMATIONS = PhraseRules(*EXCLAMATIONS)
_ECHOES = PhraseRules(*ECHO_QUESTIONS, beside=[_EXCLAMATIONS])
LISTENING = PhraseRules(*PHRASES, beside=[_ECHOES])
_REMEMBERED = 64  # texts: the same one is judged with each event of an interruption
_LONGEST = 60  # letters: who says more takes a turn

# One of these alone asks what was said, where the recogniser heard a question.
_ASKS_BACK = re.compile(r"\W*(?:啊+|嗯+|哈|诶|欸|咦|huh|eh|h+m+|m+)\W*[?？]\W*", re.IGNORECASE)
_QUESTION = re.compile(r"([^?？]*)[?？]")
_STRETCHED = re.compile(r"([a-z])\1{2,}")  # "yesss", "ohhh"


@lru_cache(_REMEMBERED)
def is_backchannel(text: str) -> bool:
    """Whether `text` is nothing but what listeners say, in Chinese or English. '' is not; nor is "huh?", 啊？."""
    return _can_be(text) and LISTENING.make_up(_plain(text)) and all(map(_echoes, _QUESTION.findall(text)))


@lru_cache(_REMEMBERED)
def may_be_backchannel(text: str) -> bool:
    """Whether `text`, of speech that goes on, is that or its beginning: "that's so"."""
    return _can_be(text) and LISTENING.may_make_up(_plain(text))


@lru_cache(_REMEMBERED)
def is_exclamation(text: str) -> bool:
    """Whether `text` is only hesitation, laughter or surprise, which answers no question: "um", 哈哈, "oh wow"."""
    return _can_be(text) and _EXCLAMATIONS.make_up(_plain(text))


def _echoes(question: str) -> bool:
    """Whether it ends with what listeners ask without wanting an answer."""
    plain = _plain(question)
    return not plain or any(_ECHOES.make_up(plain[start:]) for start in LISTENING.reached(plain))


def _plain(text: str) -> str:
    return _STRETCHED.sub(r"\1", normalised(text))


def _can_be(text: str) -> bool:
    return 0 < len(text) <= _LONGEST and not _ASKS_BACK.fullmatch(text)
