"""Which replica a request goes to: the one that has least in hand, or the one that knows what is asked for. Pure."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from huiyin.assistant.scale.directory import Member, Program

SESSION_HEADER = "X-Huiyin-Session"
"""Names a conversation whose prompt a language model keeps."""
_TOKEN = re.compile(r"\b(?:ek_[\w-]{16,}|rtc_[\w-]{8,}|[0-9a-f]{32})\b")
_SHOW_TOKENS = ("Authorization", "Sec-WebSocket-Protocol")
_MOST_REMEMBERED = 100_000


def tokens_of(text: str) -> list[str]:
    """The names in `text` that one replica alone may know: of jobs, calls, and short-lived keys."""
    return _TOKEN.findall(text)


def pins_of(path: str, headers: Mapping[str, str]) -> list[str]:
    """What a request names that one replica may know, or knows best."""
    pins = [*tokens_of(path), *(token for name in _SHOW_TOKENS for token in tokens_of(headers.get(name, "")))]
    session = headers.get(SESSION_HEADER, "")
    return [*pins, f"session {session}"] if session else pins


@dataclass
class Members:
    """The replicas of one program as one router sees them."""

    program: Program
    in_hand: dict[str, int] = field(default_factory=dict)
    """Replica -> requests and WebSockets that are passed on to it."""
    _members: dict[str, Member] = field(default_factory=dict)
    _lost: set[str] = field(default_factory=set)
    _pins: OrderedDict[str, str] = field(default_factory=OrderedDict)
    _turn: int = 0

    def update(self, members: Iterable[Member]) -> None:
        """Those that are there now."""
        self._members = {member.name: member for member in members if member.program == self.program}
        self._lost &= self._members.keys()
        self.in_hand = {name: n for name, n in self.in_hand.items() if n or name in self._members}

    def all(self) -> list[Member]:
        """Those that can be asked, draining ones too."""
        return [member for member in self._members.values() if member.name not in self._lost]

    def ready(self) -> list[Member]:
        """Those that take something new."""
        return [member for member in self.all() if not member.draining]

    def is_draining(self, member: Member) -> bool:
        """Whether it is to get nothing new."""
        return self._members.get(member.name, member).draining

    def choose(self, pins: Iterable[str] = ()) -> Member | None:
        """The one for a request that names `pins`; of those that have least in hand, in turn; None without any."""
        for pin in pins:
            member = self._members.get(self._pins.get(pin, ""))
            # A conversation's prompt is read anew elsewhere; a job or a key is known to one alone.
            may_move = pin.startswith("session ") and member is not None and member.draining
            if member and not may_move and member.name not in self._lost:
                return member
        ready = self.ready()
        if not ready:
            return None
        least = min(self.in_hand.get(member.name, 0) for member in ready)
        equal = [member for member in ready if self.in_hand.get(member.name, 0) == least]
        self._turn += 1
        return equal[self._turn % len(equal)]

    def remember(self, pins: Iterable[str], member: Member) -> None:
        """`member` knows these from here on."""
        for pin in pins:
            self._pins[pin] = member.name
            self._pins.move_to_end(pin)
        while len(self._pins) > _MOST_REMEMBERED:
            self._pins.popitem(last=False)

    def lose(self, member: Member) -> None:
        """It does not answer: nothing goes there until `find_again`."""
        self._lost.add(member.name)

    def find_again(self) -> None:
        """Those that did not answer are tried again from here on."""
        self._lost.clear()

    @contextmanager
    def passing_to(self, member: Member) -> Iterator[None]:
        """It has one more in hand meanwhile."""
        self.in_hand[member.name] = self.in_hand.get(member.name, 0) + 1
        try:
            yield
        finally:
            self.in_hand[member.name] -= 1
