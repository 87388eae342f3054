"""Says reminders when their time has come, unasked: at once in a silence, otherwise after the speech.

One whose time came while no conversation was running is said when the next begins, with how late that is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.world import World
from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.dialogue.spans_of_time import span_in_words

_LATE = timedelta(minutes=1)  # from here on it is said how late
_LOOK_S = 30.0  # the clock may be set, the machine may sleep: the time is looked at so often


class Due(Protocol):
    """A reminder: `tools.reminders.Reminder`."""

    @property
    def due(self) -> datetime:
        """When; with its zone."""

    @property
    def text(self) -> str:
        """What is to be said."""

    @property
    def id(self) -> int:
        """Its number in the store."""

    @property
    def has_begun(self) -> bool:
        """Whether it may have been heard before."""


class Store(Protocol):
    """Where they are kept: `tools.reminders.Reminders`. `changed` is called after one was set, from any thread."""

    changed: Callable[[], object]

    def waiting(self) -> Sequence[Due]:
        """Those that were not heard yet, the next first."""

    def begin(self, number: int, now: datetime) -> None:
        """It is about to be heard."""

    def finish(self, number: int, now: datetime) -> None:
        """It was heard."""


@dataclass
class _Said:
    """A reminder that was given to the session, and was not heard yet. `generation`: of the reply that says it."""

    words: str
    reminder: Due
    generation: int = 0


class Reminding:
    """In one conversation, in its thread, from when it is made."""

    def __init__(self, world: World, session: Session, store: Store) -> None:
        self._world, self._session, self._store = world, session, store
        self._said: list[_Said] = []
        self._looks = 0  # numbers them; only the newest counts
        session.observe(self._observe, at_once=True)
        store.changed = self.look
        self.look()

    def look(self) -> None:
        """Say what is due, and look again when the next is. From any thread."""
        self._world.at(0.0, self._look)

    def _look(self) -> None:
        now = self._now()
        given = [said.reminder.id for said in self._said]
        waiting = [reminder for reminder in self._store.waiting() if reminder.id not in given]
        for reminder in waiting:
            if reminder.due <= now:
                self._say(reminder, now)
        self._looks += 1
        number = self._looks
        next_s = min([(each.due - now).total_seconds() for each in waiting if each.due > now], default=None)
        if next_s is not None:
            self._world.after(min(next_s, _LOOK_S), lambda: self._look() if number == self._looks else None)

    def _say(self, reminder: Due, now: datetime) -> None:
        persona, language = self._session.persona, language_of(reminder.text)
        late = now - reminder.due
        if reminder.has_begun:
            words = persona.words_for("again", language).format(reminder.text)
        elif late >= _LATE:
            words = persona.words_for("late", language).format(span_in_words(late, language), reminder.text)
        else:
            words = persona.words_for("reminder", language).format(reminder.text)
        self._said.append(_Said(words, reminder))
        self._session.say([words])

    def _observe(self, at_s: float, event: on.Public) -> None:
        match event:
            case on.SpeechAsked(generation=generation, text=text):
                for said in self._said:
                    if said.words == text:
                        said.generation = generation
                        self._store.begin(said.reminder.id, self._now())
            case on.TurnCommitted(generation=generation, turn=turn):
                for said in [said for said in self._said if said.generation == generation]:
                    if turn.heard:
                        self._said.remove(said)
                        self._store.finish(said.reminder.id, self._now())
            case on.ReplyCancelled(generation=generation):
                for said in [said for said in self._said if said.generation == generation]:
                    said.generation = 0  # it was stopped before its first word; the session may begin again
                    self._world.after(_LOOK_S, lambda said=said: self._say_again(said))  # type: ignore[misc]

    def _say_again(self, said: _Said) -> None:
        if said in self._said and not said.generation:
            self._said.remove(said)
            self._look()

    def _now(self) -> datetime:
        now = self._world.date_time
        return now if now.tzinfo else now.astimezone()
