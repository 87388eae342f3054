"""Cuts what the model claims to have done, or agrees to do, though it cannot: before the voice says it.

Likewise today's weather, news and results, which it cannot know, a wrong date or time, and that it is human. Only
where the user has asked for such a thing, and no tool is there to do it: a story may say "I turned on the lamp". The
clause that claims is replaced with a plain sentence; what would follow builds on it, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime

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

    def __init__(self, user: str, language: str, now: datetime) -> None:
        """`user`: the words that are answered, in `language` ('zh' or 'en'); `now`: the user's local date and time."""
        user = user.strip()
        clock, dates = ClockCheck(user, language, now), DateCheck(user, language, now.date())
        self._checks: list[tuple[_Check, str]] = [(clock.is_false, clock.instead), (dates.is_false, dates.instead)]

        def asks(kind: _Words) -> bool:
            return bool(kind[language].search(user))

        if asks(words.ACTS):
            checks = [_agrees, _claim(words.CLAIMS), *([_MustDeny()] if asks(words.COMMANDS) else [])]
            self._checks += [(check, _INSTEAD[language]) for check in checks]
        if asks(words.LIVE):
            self._checks += [(check, _LOOK[language]) for check in (_MustDeny(), _claim(words.FIGURES))]
        if asks(words.WHO):
            self._checks.append((_claim(words.HUMAN), _WHO[language]))
        self._is_cut = False

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


def _agrees(clause: str) -> bool:
    return bool(words.AGREES[language_of(clause)].search(clause) and not words.DENIES.search(clause))
