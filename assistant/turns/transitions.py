"""The table of the turn machine: what each event, and time alone, does in each state, and which state may be next.

Its handlers are the machine's methods. A test holds every step that the machine takes against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Any, NamedTuple, TypeVar

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


class Transition(NamedTuple):
    """A handler, and the states that it may lead to; it may always leave the state as it is."""

    handler: Handler
    to: tuple[State, ...] = ()


TRANSITIONS: dict[type[Event], dict[State, Transition]] = {}  # where there is no entry, nothing happens
BY_TIME: dict[Handler, dict[State, Transition]] = {}  # after each event, in this order, with the time

_H = TypeVar("_H", bound=Callable[..., Any])


def on(*events: type[Event], states: Iterable[State] = State, to: Iterable[State] = ()) -> Callable[[_H], _H]:
    """Enter a method into the table. Where states differ in what follows it is entered more than once.

    Its docstring is what docs/turns.md says about it; `{resume_s}` in it stands for that number of the policy.
    """

    def enter(handler: _H) -> _H:
        for event in events:
            TRANSITIONS.setdefault(event, {}).update((state, Transition(handler, tuple(to))) for state in states)
        return handler

    return enter


def by_time(*states: State, to: Iterable[State] = ()) -> Callable[[_H], _H]:
    """Enter a method that is called with the time after each event, in these states; otherwise as `on`."""

    def enter(handler: _H) -> _H:
        BY_TIME.setdefault(handler, {}).update((state, Transition(handler, tuple(to))) for state in states)
        return handler

    return enter
