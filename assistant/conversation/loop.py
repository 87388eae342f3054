"""The live loop: a session in real time on a device that may be lost and found again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from huiyin.assistant.conversation.events import FloorChanged, Notice, Public, TurnCommitted
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.world import RealWorld
from huiyin.assistant.ports.port import Port, PortError
from huiyin.assistant.turns.machine import State
from huiyin.configs.messages import said

_DEVICE_CHECK_S = 1.0  # a device that has not called back for so long has died
_REOPEN_S = 2.0  # between tries to open it again


class Conversation:
    """One conversation. `run` returns when `stop` is called. All but `run` and `observe` from any thread."""

    def __init__(self, session: Session, world: RealWorld, port: Port, name: str = "") -> None:
        """`name`: by which the services tell it from others."""
        self.session, self.world, self.name = session, world, name
        self.history, self.observe = session.history, session.observe
        self.quiet = threading.Event()  # no one speaks, no reply is being prepared, no typed line waits
        self.quiet.set()
        self._port = port
        self._lock = threading.Lock()
        self._unseen = 0  # lines typed, and words to be said, that the machine does not yet know of
        self._is_device_lost = self._is_ending = self._ends_with_words = False
        session.observe(self._note_floor, at_once=True)

    def type(self, text: str) -> None:
        """The user types instead of speaking."""
        self._begin(lambda: self.session.type(text))

    def greet(self, clauses: Iterable[str]) -> None:
        """The assistant speaks first."""
        self._begin(lambda: self.session.say(clauses))

    def key(self, *, pressed: bool) -> None:
        """The talk key went down or up."""
        self.session.key(pressed=pressed)

    def interrupt(self) -> None:
        """The assistant is silent at once."""
        self.session.interrupt()

    def stop(self) -> None:
        """End the conversation."""
        self.world.stop()

    def stop_when_quiet(self) -> None:
        """End once the current reply, if any, has been heard."""
        self.world.at(0.0, self._end)

    def end_after_next_words(self) -> None:
        """End once the assistant has said something more."""
        self._ends_with_words = True

    def run(self) -> None:
        """Converse until stopped. Raises PortError when the sound device cannot be opened at the start."""
        self.world.at(0.0, self.session.start)
        self.world.after(_DEVICE_CHECK_S, self._check_device)
        try:
            self.world.run()
        finally:
            self.session.close()
            self.session.wait_for_observers()

    def _begin(self, post: Callable[[], None]) -> None:
        with self._lock:
            self._unseen += 1
            self.quiet.clear()
        post()
        self.world.at(0.0, self._seen)

    def _seen(self) -> None:
        with self._lock:
            self._unseen -= 1
        self._note_quiet(self.session.state)

    def _end(self) -> None:
        self._is_ending = True
        self._note_quiet(self.session.state)

    def _note_floor(self, at_s: float, event: Public) -> None:
        if isinstance(event, TurnCommitted) and event.turn.heard:
            self._is_ending |= self._ends_with_words
        if isinstance(event, FloorChanged):
            self._note_quiet(event.after)

    def _note_quiet(self, state: State) -> None:
        with self._lock:
            if state is State.LISTENING and not self._unseen:
                self.quiet.set()
            else:
                self.quiet.clear()
        if self._is_ending and self.quiet.is_set():
            self.stop()

    def _check_device(self) -> None:
        try:
            if self._is_device_lost:
                self.session.start()
                self._is_device_lost = False
                self.session.tell(Notice(text=said("notices.device_back")))
            else:
                self._port.microphone.check()
        except PortError as error:
            if not self._is_device_lost:
                self._is_device_lost = True
                self._port.microphone.stop()
                self.session.tell(Notice(text=str(error)))
        self.world.after(_REOPEN_S if self._is_device_lost else _DEVICE_CHECK_S, self._check_device)
