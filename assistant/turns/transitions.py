"""The table of the turn machine: what each event does in each state. Its entries are the machine's methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, TypeVar

from huiyin.assistant.turns.events import Event


class State(Enum):
    """Who has the floor; `meaning` in words."""

    meaning: str

    LISTENING = "listening", "nobody speaks"
    USER = "user", "the user has the floor: speaking, or in a pause that may still be theirs"
    THINKING = "thinking", "the user's turn is over and no sound has come yet"
    SPEAKING = "speaking", "the reply is heard"
    PAUSED = "paused", "the reply is held back while the user may be interrupting"

    def __new__(cls, value: str, meaning: str) -> State:
        """Enum's way to give members more than a value."""
        state = object.__new__(cls)
        state._value_, state.meaning = value, meaning
        return state


Handler = Callable[..., None]
TRANSITIONS: dict[type[Event], dict[State, Handler]] = {}  # where there is no entry, nothing happens

_H = TypeVar("_H", bound=Callable[..., Any])


def on(*events: type[Event], states: Iterable[State] = State) -> Callable[[_H], _H]:
    """Enter a method into the table. Its docstring is what docs/turns.md says about it."""

    def enter(handler: _H) -> _H:
        for event in events:
            TRANSITIONS.setdefault(event, {}).update(dict.fromkeys(states, handler))
        return handler

    return enter
