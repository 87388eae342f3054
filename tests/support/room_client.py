"""A Realtime client in a simulated room, in virtual time: what it plays comes back into its microphone."""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.stages import Parts
from huiyin.assistant.conversation.world import VirtualWorld
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.connections.engines import Engines, Limits, MakeEar
from huiyin.assistant.faces.realtime.playout import Playout
from huiyin.assistant.faces.realtime.session import RealtimeSession
from huiyin.assistant.faces.realtime.session_config import SessionConfig
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.room import RoomSettings, SimulatedRoom
from huiyin.assistant.scenario.log import BLOCK_S
from huiyin.assistant.scenario.realtime_view import RealtimeView
from huiyin.configs.settings import load

PERSONA = Persona("Test", "You are a test.", language="en")
_PCM = {"type": "audio/pcm", "rate": SAMPLE_RATE}
_JITTER_BUFFER = 4  # packets of a track, before it is played

T = TypeVar("T")


@dataclass(frozen=True)
class Network:
    """Each way: so late, and at most so much later. Nothing is lost, nothing overtakes."""

    delay_s: float = 0.0
    jitter_s: float = 0.0


class RoomClient:
    """It plays aloud, and does not cancel its echo. It reports what it played, where sound does not come over a track.

    `huiyin`: what it asks of the extensions.
    """

    def __init__(
        self,
        room: RoomSettings,
        parts: Parts,
        make_ear: MakeEar,
        *,
        network: Network | None = None,
        has_track: bool = False,
        **huiyin: Any,
    ) -> None:
        self.world, self.room = VirtualWorld(), SimulatedRoom(room)
        self._is_buffering, self._played_s = True, float("-inf")
        self.told: list[tuple[float, on.Public]] = []
        """(seconds, what the client saw)."""
        network, rng = network or Network(), np.random.default_rng([room.seed, 9])
        self.view = RealtimeView(self._send, lambda event: self.told.append((self.world.now, event)))
        engines = Engines(parts, lambda wishes: parts.voice, make_ear)
        config = SessionConfig(
            "sess_1", kind="realtime", model="huiyin", persona=PERSONA, personas={"test": PERSONA}, expires_at=0
        )

        def line(arrive: Callable[[T], object]) -> Callable[[T], None]:
            return _line(self.world, network, rng, arrive)

        self._playout = Playout() if has_track else None
        self._track: deque[Pcm16] = deque()
        self._track_down = line(self._track.append)
        down = line(lambda text: self.view.receive(json.loads(text)))
        settings = load(environ={})
        self.session = RealtimeSession(self.world, engines, config, settings, down, Limits(), self._playout)
        self._up, self._track_up = line(self.session.receive), line(self.session.hear)
        self.session.start()
        self.update(**huiyin)
        self.room.connect(self._exchange)
        self.world.after(BLOCK_S, self._step)

    def update(self, **huiyin: Any) -> None:
        """Ask for other extensions."""
        audio = {"input": {"format": _PCM, "transcription": {"model": "w"}}, "output": {"format": _PCM}}
        wanted = {"type": "realtime", "audio": audio, "huiyin": {"enabled": True, **huiyin}}
        self._send({"type": "session.update", "session": wanted})

    def type(self, text: str) -> None:
        """The user types."""
        self._send({"type": "huiyin.type", "text": text})

    def interrupt(self) -> None:
        """The user wants silence."""
        self._send({"type": "huiyin.interrupt"})

    def go_on(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Let so much time pass, or less: whether `until` came true."""
        end_s = self.world.now + seconds
        while self.world.now < end_s and not until():
            self.world.after(BLOCK_S, self.world.stop)
            self.world.run()
        return until()

    def since(self, at_s: float, *kinds: type[on.Public]) -> list[float]:
        """When such things were seen."""
        return [when_s for when_s, event in self.told if when_s >= at_s and isinstance(event, kinds)]

    @property
    def is_playing(self) -> bool:
        """A reply sounds."""
        if self._playout:
            return bool(self._played_s > self.world.now - 0.5)
        reply = self.view.player.current
        return reply is not None and reply.has_begun and not reply.is_paused

    def _step(self) -> None:
        if self._playout:
            self._track_down(self._playout.frame(self.world.now))
        self.room.step()
        self.world.after(BLOCK_S, self._step)

    def _exchange(self, mic: Pcm16) -> Pcm16:
        assert len(mic) == BLOCK
        if self._playout:
            self._track_up(mic)
            return self._play_track()
        audio = base64.b64encode(mic.astype("<i2").tobytes()).decode()
        self._send({"type": "input_audio_buffer.append", "audio": audio})
        return self.view.step()

    def _play_track(self) -> Pcm16:
        self._is_buffering = len(self._track) < (_JITTER_BUFFER if self._is_buffering else 1)
        block = np.zeros(BLOCK, np.int16) if self._is_buffering else self._track.popleft()
        if block.any():
            self._played_s = self.world.now
        return block

    def _send(self, message: dict[str, Any]) -> None:
        self._up(json.dumps(message))


def _line(
    world: VirtualWorld, network: Network, rng: np.random.Generator, arrive: Callable[[T], object]
) -> Callable[[T], None]:
    """What is given to it arrives late, in its order."""
    last_s = 0.0

    def send(what: T) -> None:
        nonlocal last_s
        last_s = max(last_s, world.now + network.delay_s + network.jitter_s * rng.random())
        world.at(last_s, lambda: arrive(what))

    return send
