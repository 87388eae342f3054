"""Observers that cannot hold up a conversation: each has a queue of its own and another thread."""

from __future__ import annotations

import logging
import threading
from collections import deque
from functools import partial

from huiyin.assistant.conversation.events import KEPT, Notice, Observer, Public
from huiyin.assistant.conversation.world import World
from huiyin.configs.messages import said

log = logging.getLogger(__name__)

_WAITING = 1000  # events for one observer: more than a minute of a lively conversation
_CLOSE_LIMIT_S = 5.0  # for one that is slow at the end


class Observers:
    """Those of one conversation. All calls from its thread."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._at_once: list[Observer] = []
        self._mailboxes: list[_Mailbox] = []

    def add(self, observer: Observer, *, at_once: bool) -> None:
        """`at_once`: told in the conversation's thread, which must not wait for it."""
        if at_once:
            self._at_once.append(observer)
        else:
            self._mailboxes.append(_Mailbox(observer, self._world))

    def tell(self, at_s: float, event: Public) -> None:
        """Tell everybody."""
        for observer in self._at_once:
            observer(at_s, event)
        for mailbox in self._mailboxes:
            mailbox.put(at_s, event)

    def wait(self) -> None:
        """Wait until all have been told, though not for long."""
        for mailbox in self._mailboxes:
            if not mailbox.idle.wait(_CLOSE_LIMIT_S):
                log.warning("an observer is too slow: the last of the conversation did not reach it")


class _Mailbox:
    """Events on their way to one observer, in order. When it is slow, those that need not be kept are left out."""

    def __init__(self, observer: Observer, world: World) -> None:
        self._observer, self._world = observer, world
        self._lock = threading.Lock()
        self._waiting: deque[tuple[float, Public]] = deque()
        self._left_out = 0
        self.idle = threading.Event()  # it has been told everything
        self.idle.set()

    def put(self, at_s: float, event: Public) -> None:
        """One more."""
        with self._lock:
            if len(self._waiting) >= _WAITING and not isinstance(event, KEPT):
                self._left_out += 1
                return
            self._waiting.append((at_s, event))
            if not self.idle.is_set():
                return
            self.idle.clear()
        self._world.work(self._deliver)

    def _deliver(self) -> None:
        while True:
            with self._lock:
                if self._left_out and len(self._waiting) < _WAITING:
                    text = said("notices.events_missing", count=self._left_out)
                    self._waiting.append((self._waiting[-1][0] if self._waiting else 0.0, Notice(text=text)))
                    self._left_out = 0
                if not self._waiting:
                    self.idle.set()
                    return
                at_s, event = self._waiting.popleft()
            try:
                self._observer(at_s, event)
            except Exception as error:
                self._world.at(0.0, partial(_raise, error))


def together(*observers: Observer) -> Observer:
    """They share a screen: told of each event in turn, they keep its order, and block one thread where it is paused."""

    def observe(at_s: float, event: Public) -> None:
        for observer in observers:
            observer(at_s, event)

    return observe


def _raise(error: Exception) -> None:
    raise error
