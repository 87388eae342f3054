"""A user who says nothing after a reply is spoken to (`idle_timeout_ms`)."""

from __future__ import annotations

from collections.abc import Callable

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.world import World
from huiyin.assistant.faces.connections.wire import ServerEvent, new_id
from huiyin.assistant.faces.realtime import wire
from huiyin.assistant.faces.realtime.session_config import SessionConfig
from huiyin.assistant.faces.realtime.user_turns import UserTurns
from huiyin.assistant.turns.events import NEVER
from huiyin.assistant.turns.transitions import State

_OF_A_REPLY = (State.SPEAKING, State.PAUSED)


class IdlePrompt:
    """An observer of a conversation, at once, after the translator."""

    def __init__(
        self, send: Callable[[ServerEvent], None], config: SessionConfig,
        turns: UserTurns, world: World, sent_s: Callable[[float], float], prompt: Callable[[], None],
    ) -> None:  # fmt: skip
        """`prompt`: respond, unless a response is active. `sent_s`: as for `UserTurns`."""
        self._send, self._config, self._turns, self._world = send, config, turns, world
        self._sent_s, self._prompt = sent_s, prompt
        self._waits = 0  # numbers the silences; only the newest counts

    def observe(self, at_s: float, event: on.Public) -> None:
        """An event of the conversation."""
        if not isinstance(event, on.FloorChanged):
            return
        self._waits += 1
        if event.before in _OF_A_REPLY and event.after is State.LISTENING and self._config.idle_timeout_s < NEVER:
            number = self._waits
            self._world.after(self._config.idle_timeout_s, lambda: self._ring(number, at_s))

    def _ring(self, number: int, since_s: float) -> None:
        if number != self._waits or self._config.idle_timeout_s == NEVER:
            return
        item_id = new_id("item")
        start_ms, end_ms = (round(self._sent_s(at_s) * 1000) for at_s in (since_s, self._world.now))
        self._send(wire.TimeoutTriggered(item_id, start_ms, end_ms))
        self._turns.commit(item_id)
        self._prompt()
