"""A conversation under test, with something to wait on."""

from __future__ import annotations

import threading
import time

from huiyin.assistant.conversation.loop import Conversation
from huiyin.assistant.conversation.performer import TurnCommitted
from huiyin.assistant.conversation.trace import Trace
from huiyin.assistant.ports.room import SimulatedRoom

LIMIT_S = 120.0  # for what takes a moment, on a busy machine: a room in lockstep goes slower there


class Desk:
    """Runs `conversation` in `room` while the context lasts."""

    def __init__(self, conversation: Conversation, room: SimulatedRoom) -> None:
        self.conversation, self.room, self.trace = conversation, room, Trace()
        self._happened = threading.Condition()
        self._log: list[object] = []
        conversation.observe(self.trace)
        conversation.observe(self._note)
        self._thread = threading.Thread(target=conversation.run, daemon=True)

    def _note(self, at_s: float, what: object) -> None:
        with self._happened:
            self._log.append(what)
            self._happened.notify_all()

    def __enter__(self) -> Desk:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.conversation.stop()
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()

    def wait(self, kind: type, count: int = 1, timeout_s: float = LIMIT_S) -> list:  # type: ignore[type-arg]
        """Until `count` of these have happened; all of them."""

        def found() -> list[object]:
            return [what for what in self._log if isinstance(what, kind)]

        with self._happened:
            came = self._happened.wait_for(lambda: len(found()) >= count, timeout_s)
            assert came, f"no {kind.__name__} in {self._log}"
            return found()

    def listen(self, seconds: float) -> None:
        """Let so much sound pass through the room."""
        until = self.room.now() + seconds
        while self.room.now() < until:
            time.sleep(0.005)

    def turn(self, index: int = 0, timeout_s: float = LIMIT_S) -> TurnCommitted:
        """The turn that was committed as number `index`."""
        return self.wait(TurnCommitted, index + 1, timeout_s)[index]
