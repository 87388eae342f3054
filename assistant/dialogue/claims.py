"""Cuts what the model claims to have done, or agrees to do, though it cannot: before the voice says it.

Likewise today's weather, news and results, which it cannot know, a wrong date or time, and that it is human. Only
where the user has asked for such a thing, and no tool is there to do it: a story may say "I turned on the lamp". The
clause that claims is replaced with a plain sentence; what would follow builds on it, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from huiyin.assistant.dialogue import claim_words as words
from huiyin.assistant.dialogue.dates import ClockCheck, DateCheck
from huiyin.assistant.dialogue.language import language_of

_INSTEAD = {"zh": "抱歉，这个我做不到。", "en": "Sorry, I can't do that."}
_LOOK = {"zh": "抱歉，这个我现在查不到。", "en": "Sorry, I can't look that up."}
_WHO = {"zh": "我是人工智能，不是人。", "en": "I'm an AI, not a human."}
_ASKS_BACK = re.compile(r"[？?]$")
_SAYS_NOTHING = re.compile(r"^(?:嗯|哦|啊|唉|呃|这个嘛|well|oh|hmm+|um|i see|let me see)[，,.…!。！]*$", re.I)

_Words = Mapping[str, re.Pattern[str]]
_Check = Callable[[str], bool]
"""Whether the next clause of a reply is one that must not be spoken."""


class ClaimGuard:
    """Of one reply. Pure: clauses in, clauses to be spoken out."""

    def __init__(self, user: str, language: str, now: datetime, model_invents: bool = False) -> None:
        """`user`: the words that are answered, in `language` ('zh' or 'en'); `now`: the user's local date and time;
        `model_invents`: no answer of it to an order, or to what only a look outside tells, is believed, nor a date.
        """
        user = user.strip()
        self._checks: list[tuple[_Check, str]] = []
        self._is_cut = False

        def asks(kind: _Words) -> bool:
            return bool(kind[language].search(user))

        if asks(words.ACTS):
            agrees = partial(_agrees, is_begun=model_invents)
            self._checks += [(check, _INSTEAD[language]) for check in (agrees, _claim(words.CLAIMS))]
        if asks(words.WHO):
            self._checks.append((_claim(words.HUMAN), _WHO[language]))
        if not model_invents:
            return
        for told in (ClockCheck(user, language, now), DateCheck(user, language, now.date())):
            self._checks.append((told.is_false, told.instead))
        if asks(words.ACTS) and asks(words.COMMANDS):
            self._checks.append((_MustDeny(), _INSTEAD[language]))
        if asks(words.LIVE):
            self._checks += [(check, _LOOK[language]) for check in (_MustDeny(), _claim(words.FIGURES))]

    def speak(self, clause: str) -> list[str]:
        """What is said of the next clause: it, a sentence in its place, or nothing behind such a one."""
        if self._is_cut:
            return []
        for is_false, instead in self._checks:
            if is_false(clause):
                self._is_cut = True
                return [instead]
        return [clause]


class _MustDeny:
    """False is the first clause that says anything unless it denies; those behind it may explain."""

    def __init__(self) -> None:
        self._is_open = True

    def __call__(self, clause: str) -> bool:
        if not self._is_open or _SAYS_NOTHING.search(clause):
            return False
        self._is_open = False
        return not words.DENIES.search(clause)


def _claim(claims: _Words) -> _Check:
    def is_false(clause: str) -> bool:
        is_claim = claims[language_of(clause)].search(clause)
        return bool(is_claim and not words.DENIES.search(clause) and not _ASKS_BACK.search(clause))

    return is_false


def _agrees(clause: str, *, is_begun: bool) -> bool:
    """`is_begun`: whether a clause that only begins with an agreement is one."""
    agreement = words.AGREES[language_of(clause)]
    agrees = agreement.match(clause) if is_begun else agreement.fullmatch(clause)
    return bool(agrees and not words.DENIES.search(clause))
