"""A Realtime client in a simulated room, in virtual time: what it plays comes back into its microphone."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.stages import Parts
from huiyin.assistant.conversation.world import VirtualWorld
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.connections.engines import Engines, Limits, MakeEar
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


@dataclass(frozen=True)
class Network:
    """Each way: so late, and at most so much later. Nothing is lost, nothing overtakes."""

    delay_s: float = 0.0
    jitter_s: float = 0.0


class RoomClient:
    """It plays aloud, does not cancel its echo, and reports what it played. `huiyin`: what it asks of the extensions."""

    def __init__(
        self, room: RoomSettings, parts: Parts, make_ear: MakeEar, *, network: Network | None = None, **huiyin: Any
    ) -> None:
        self.world, self.room = VirtualWorld(), SimulatedRoom(room)
        self.told: list[tuple[float, on.Public]] = []
        """(seconds, what the client saw)."""
        network, rng = network or Network(), np.random.default_rng([room.seed, 9])
        self.view = RealtimeView(self._send, lambda event: self.told.append((self.world.now, event)))
        engines = Engines(parts, lambda wishes: parts.voice, make_ear, {"test": PERSONA})
        config = SessionConfig(
            "sess_1", kind="realtime", model="huiyin", instructions=PERSONA.system, voice="alloy", expires_at=0
        )
        down = _line(self.world, network, rng, lambda text: self.view.receive(json.loads(text)))
        self.session = RealtimeSession(self.world, engines, config, PERSONA, load(environ={}), down, Limits())
        self._up = _line(self.world, network, rng, self.session.receive)
        self.session.start()
        audio = {"input": {"format": _PCM, "transcription": {"model": "w"}}, "output": {"format": _PCM}}
        wanted = {"type": "realtime", "audio": audio, "huiyin": {"enabled": True, **huiyin}}
        self._send({"type": "session.update", "session": wanted})
        self.room.connect(self._exchange)
        self.world.after(BLOCK_S, self._step)

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
        reply = self.view.player.current
        return reply is not None and reply.has_begun and not reply.is_paused

    def _step(self) -> None:
        self.room.step()
        self.world.after(BLOCK_S, self._step)

    def _exchange(self, mic: Pcm16) -> Pcm16:
        assert len(mic) == BLOCK
        audio = base64.b64encode(mic.astype("<i2").tobytes()).decode()
        self._send({"type": "input_audio_buffer.append", "audio": audio})
        return self.view.step()

    def _send(self, message: dict[str, Any]) -> None:
        self._up(json.dumps(message))


def _line(
    world: VirtualWorld, network: Network, rng: np.random.Generator, arrive: Callable[[str], None]
) -> Callable[[str], None]:
    """What is given to it arrives late, in its order."""
    last_s = 0.0

    def send(text: str) -> None:
        nonlocal last_s
        last_s = max(last_s, world.now + network.delay_s + network.jitter_s * rng.random())
        world.at(last_s, lambda: arrive(text))

    return send
