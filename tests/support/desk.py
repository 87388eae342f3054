"""A conversation under test, in virtual time: it goes on while the test waits for something, and stands still else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

import numpy as np

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.assemble import make_listener
from huiyin.assistant.conversation.events import Public, TurnCommitted
from huiyin.assistant.conversation.http_stages import EndpointJudge, http_parts
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.conversation.session import Ear, Session
from huiyin.assistant.conversation.stages import Parts
from huiyin.assistant.conversation.trace import Trace
from huiyin.assistant.conversation.world import VirtualWorld
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.ears.listener import Listener
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.local import LocalPort
from huiyin.assistant.ports.port import Pcm16, Samples
from huiyin.assistant.ports.room import SimulatedRoom
from huiyin.assistant.scenario.room_depth import SteppedRoom
from huiyin.configs.settings import Settings, load

LIMIT_S = 600.0  # of virtual time, for what must happen

E = TypeVar("E", bound=Public)


class Desk:
    """A session in `room`, from the beginning of the context to its end.

    `log` has the events so far, with their times; `now` is the time.
    """

    def __init__(
        self,
        parts: Parts,
        settings: Settings,
        *,
        persona: Persona | None = None,
        room: SimulatedRoom | None = None,
        ear: Ear | None = None,
        prepared: Mapping[str, Pcm16] | None = None,
    ) -> None:
        self.world, self.room, self.trace = VirtualWorld(), room or SimulatedRoom(), Trace()
        self.log: list[tuple[float, Public]] = []
        self._air = SteppedRoom(self.world, self.room, lambda block: None)
        self._is_awaited: Callable[[], bool] = lambda: False
        persona = persona or load_persona("huiyin")
        self.session = Session(self.world, LocalPort(self._air), ear, persona, parts, settings, prepared=prepared)
        self.session.observe(self.trace, at_once=True)
        self.session.observe(self._note, at_once=True)

    def __enter__(self) -> Desk:
        self.session.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.session.close()

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return self.world.now

    def say(self, sound: Samples) -> tuple[float, float]:
        """The user speaks (float32, 16 kHz) from now on; (start, end) in seconds."""
        start_s = self._air.people.add(sound, self.now)
        return start_s, start_s + len(sound) / SAMPLE_RATE

    def all(self, kind: type[E]) -> list[E]:
        """The events of this kind so far."""
        return [event for _, event in self.log if isinstance(event, kind)]

    def wait(self, kind: type[E], count: int = 1) -> list[E]:
        """Go on until `count` of these have happened; all of them."""
        self._is_awaited = lambda: len(self.all(kind)) >= count
        limit_s = self.now + LIMIT_S
        self.world.at(limit_s, self.world.stop)
        while not self._is_awaited():
            assert self.now < limit_s, f"no {kind.__name__} in {self.log}"
            self.world.run()
        self._is_awaited = lambda: False
        return self.all(kind)

    def listen(self, seconds: float) -> None:
        """Let so much time pass."""
        until_s = self.now + seconds
        self.world.at(until_s, self.world.stop)
        while self.now < until_s:
            self.world.run()

    def turn(self, index: int = 0) -> TurnCommitted:
        """The turn that was committed as number `index`."""
        return self.wait(TurnCommitted, index + 1)[index]

    def _note(self, at_s: float, event: Public) -> None:
        self.log.append((at_s, event))
        if self._is_awaited():
            self.world.stop()


def a_listener() -> Listener:
    """With both cancellers and the real voice activity."""
    return make_listener(load(environ={}), print)


@contextmanager
def at_desk(
    services: Services,
    *,
    room: SimulatedRoom | None = None,
    endpoint: Callable[[Pcm16], float] | None = None,
    prepared: Mapping[str, Pcm16] | None = None,
) -> Iterator[Desk]:
    """A conversation with services over HTTP. They are waited for when they are asked, and what they took by the wall
    clock they take in virtual time. `prepared` None: each apology is half a second of one value, 6000."""
    persona = load_persona("huiyin")
    if prepared is None:
        prepared = {text: np.full(SAMPLE_RATE // 2, 6000, np.int16) for text in persona.all_apologies()}
    by_sound = EndpointJudge(endpoint) if endpoint else None
    parts = http_parts(services, persona.voice, session="desk", speak=True, by_sound=by_sound)
    with Desk(parts, services.settings, room=room, ear=a_listener(), prepared=prepared) as desk:
        yield desk
