"""How quick the services are, by the last replies, and how far the voice is ahead of what is heard."""

from __future__ import annotations

import statistics
from collections import deque

from huiyin.assistant.turns.events import NEVER

_REMEMBERED = 3  # of each: services that become quick are believed after two


class Pace:
    """How long the last replies took to be there. All times are in seconds."""

    def __init__(self) -> None:
        self._writing: deque[float] = deque(maxlen=_REMEMBERED)
        self._speaking: deque[float] = deque(maxlen=_REMEMBERED)
        self._speaking_on: deque[float] = deque(maxlen=_REMEMBERED)

    def note_written(self, takes_s: float) -> None:
        """From asking the model to the first clause."""
        self._writing.append(takes_s)

    def note_sound(self, takes_s: float, *, is_first: bool) -> None:
        """From asking the voice to the first sound of a clause; `is_first`: of the reply."""
        (self._speaking if is_first else self._speaking_on).append(takes_s)

    def first_sound_s(self, asked_s: float, written_s: float | None) -> float | None:
        """When the first sound of a reply may be expected, for which the model was asked at `asked_s` and whose first
        clause was there at `written_s`; None where nothing is known."""
        if not self._writing or not self._speaking:
            return None
        known_s = asked_s + statistics.median(self._writing) if written_s is None else written_s
        return known_s + statistics.median(self._speaking)

    def is_quick(self, within_s: float) -> bool:
        """Whether the first sound of a reply may be expected so soon after the model is asked."""
        expected_s = self.first_sound_s(0.0, None)
        return expected_s is not None and expected_s <= within_s

    @property
    def next_sound_s(self) -> float:
        """What the voice may take to the first sound of a clause: the longest of late."""
        return max(self._speaking_on or self._speaking, default=0.0)


class SoundAhead:
    """When the clauses of a reply whose sound is there were heard, or will have been. Seconds."""

    def __init__(self) -> None:
        self._lasts_s: dict[int, float] = {}
        self.clause: int | None = None
        """The one that is heard; None: none yet."""
        self._begins_s: dict[int, float] = {}  # of each that was heard
        self._paused_s = NEVER

    def add(self, clause: int, lasts_s: float) -> None:
        """All sound of a clause is there."""
        self._lasts_s[clause] = lasts_s

    def begin(self, clause: int, at_s: float) -> None:
        """The first sample of a clause was heard."""
        self.clause = clause
        self._begins_s[clause] = at_s

    def pause(self, at_s: float) -> None:
        """The clause that is heard stops, to go on from there later."""
        self._paused_s = at_s

    def resume(self, at_s: float) -> None:
        """It goes on."""
        if self.clause is not None and self._paused_s < at_s:
            self.begin(self.clause, self._begins_s[self.clause] + at_s - self._paused_s)
        self._paused_s = NEVER

    def heard_until_s(self, now_s: float) -> float:
        """When anything was last heard: until now, or the pause."""
        return now_s if self._paused_s == NEVER else self._paused_s

    def part_between(self, clause: int, start_s: float, end_s: float) -> tuple[float, float] | None:
        """The part of a clause, from 0 to 1, that is heard between two moments if nothing pauses; None: none of it."""
        if self._begins_of(clause) > end_s:
            return None
        first, last = self._share(clause, start_s, unknown=0.0), self._share(clause, end_s, unknown=1.0)
        return (first, last) if first < last else None

    def share_heard(self, clause: int, at_s: float) -> float:
        """The part of a clause, from 0 to 1, that is heard before `at_s`; 0 where that is not known."""
        return self._share(clause, at_s, unknown=0.0)

    def left_s(self, clauses: int, at_s: float) -> float:
        """How much of the first `clauses` is not heard before `at_s`; `NEVER` where that is not known."""
        return self._begins_of(clauses) - at_s

    def _share(self, clause: int, at_s: float, *, unknown: float) -> float:
        """The part of a clause before `at_s`; `unknown` where it is not known how long the clause is."""
        begins_s = self._begins_of(clause)
        lasts_s = self._lasts_of(clause, begins_s)
        return min(1.0, max(0.0, (at_s - begins_s) / lasts_s)) if 0 < lasts_s < NEVER else unknown

    def _begins_of(self, clause: int) -> float:
        """When it is first heard; `NEVER` where that is not known."""
        newest = max((begun for begun in self._begins_s if begun <= clause), default=None)
        if newest is None:
            return NEVER
        return self._begins_s[newest] + sum(self._lasts_s.get(each) or NEVER for each in range(newest, clause))

    def _lasts_of(self, clause: int, begins_s: float) -> float:
        """Till its end or, where all its sound is not there yet, till the next began; `NEVER` where none has."""
        next_s = min((at_s for other, at_s in self._begins_s.items() if other > clause), default=NEVER)
        return self._lasts_s.get(clause) or next_s - begins_s

    @property
    def end_s(self) -> float:
        """When the last of them will have been heard, if nothing pauses; `NEVER` while none is."""
        first = self.clause
        if first is None or first not in self._lasts_s:
            return NEVER
        return self._begins_s[first] + sum(lasts_s for clause, lasts_s in self._lasts_s.items() if clause >= first)
