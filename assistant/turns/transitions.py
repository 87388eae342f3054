"""The table of the turn machine: what each event does in each state. Its entries are the machine's methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, TypeVar

from huiyin.assistant.turns.events import Event


class State(Enum):
    """Who has the floor."""

    LISTENING = "listening"
    USER = "user"
    THINKING = "thinking"
    SPEAKING = "speaking"
    PAUSED = "paused"


MEANINGS = {
    State.LISTENING: "neither speaks",
    State.USER: "the user has the floor: speaking, or in a pause that may still be theirs",
    State.THINKING: "the user's turn is over and no sound has come yet",
    State.SPEAKING: "the reply is played",
    State.PAUSED: "the reply is paused while the user may be interrupting",
}

Handler = Callable[..., None]
TRANSITIONS: dict[type[Event], dict[State, Handler]] = {}  # where there is no entry, nothing happens

_H = TypeVar("_H", bound=Callable[..., Any])


def on(*events: type[Event], states: Iterable[State] = State) -> Callable[[_H], _H]:
    """Enter a method into the table.

    Its docstring is what docs/turns.md says about it; `{resume_s}` in it stands for that number of the policy.
    """

    def enter(handler: _H) -> _H:
        for event in events:
            for state in states:
                TRANSITIONS.setdefault(event, {})[state] = handler
        return handler

    return enter
