"""A scenario in real time: the loop that talks, real services, a simulated room or the machine's own sound card."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

import numpy as np

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.assemble import assemble
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.desktop import DesktopDevice
from huiyin.assistant.ports.devices import KIND_NAMES, Kind, find_device, list_devices
from huiyin.assistant.ports.local import LocalPort
from huiyin.assistant.ports.port import Exchange, Pcm16, PortError
from huiyin.assistant.ports.room import SimulatedRoom
from huiyin.assistant.scenario.cast import Mix, ServiceVoice, made_voice
from huiyin.assistant.scenario.director import Director
from huiyin.assistant.scenario.log import Log
from huiyin.assistant.scenario.people import People
from huiyin.assistant.scenario.room_depth import room_of
from huiyin.assistant.scenario.runner import PREPARING_LIMIT_S
from huiyin.assistant.scenario.script import Scenario, Step
from huiyin.configs.messages import Message
from huiyin.configs.settings import AudioSettings

Place = Literal["room", "card"]

_APART_S = 0.05  # the loop's clock and the samples, on a busy machine


class LiveRunner:
    """Plays one scenario, once, against services that run."""

    def __init__(
        self, scenario: Scenario, seed: int, services: Services, place: Place, tell: Callable[[str], None]
    ) -> None:
        """`place` card: the people's lines come out of the loudspeaker, too. `tell`: as for `assemble`.

        Raises what `huiyin talk` raises.
        """
        persona = load_persona(services.settings.talk.persona)
        voice = made_voice(scenario) if scenario.voice else ServiceVoice(services, persona.voice)
        self._air = _MixingDevice(room_of(scenario, seed) if place == "room" else _card(services, tell), self._played)
        self._people = People(scenario, seed, voice, say=self._air.say, types=self._type, key=self._press)
        port = LocalPort(self._air)
        self._conversation = assemble(services, persona, port, tell, patience_s=PREPARING_LIMIT_S)
        self._world = self._conversation.world
        self.director = Director(scenario, self._world, Log(), self._begin, apart_s=_APART_S)
        self._conversation.observe(self.director.observe, at_once=True)
        self.observe = self._conversation.observe

    def run(self) -> Director:
        """Play it. What came of it stands in the director's log. Raises PortError where there is no sound."""
        self.director.run(self._conversation.run)
        self.director.log.recording = self._air.recording()
        return self.director

    def _begin(self, step: Step) -> float:
        return self._people.begin(step, self._world.now, self.director.log)

    def _type(self, step: Step) -> None:
        self._conversation.type(step.text)

    def _press(self, down: bool) -> None:
        self._conversation.key(pressed=down)

    # -- from the device's thread

    def _played(self, at_s: float, block: Pcm16) -> None:
        self._world.at(0.0, lambda: self.director.played(at_s, block))


class _MixingDevice:
    """A `Duplex` that mixes in the people's speech, and records what is captured and played."""

    def __init__(self, port: SimulatedRoom | DesktopDevice, played: Callable[[float, Pcm16], None]) -> None:
        self._port, self._played = port, played
        self.output_latency_s = port.output_latency_s
        # What is taken while a block is exchanged sounds while the next one is recorded.
        self._mix, self._lock = Mix(begin=BLOCK), threading.Lock()
        self._samples = 0
        self._log: list[tuple[Pcm16, Pcm16]] = []

    def start(self, exchange: Exchange) -> None:
        """As `Duplex.start`."""
        self._port.start(lambda mic: self._exchange(mic, exchange))

    def stop(self) -> None:
        """As `Duplex.stop`."""
        self._port.stop()

    def check(self) -> None:
        """As `Duplex.check`."""
        self._port.check()

    def say(self, sound: np.ndarray, at_s: float) -> float:
        """Play this from `at_s` on, as a person's speech; when it begins, in seconds."""
        with self._lock:
            return self._mix.add(sound, at_s) + self.output_latency_s

    def recording(self) -> Pcm16:
        """Shape (2, n): microphone, what the assistant gave to the loudspeaker."""
        if not self._log:
            return np.zeros((2, 0), np.int16)
        return np.stack([np.concatenate(side) for side in zip(*self._log, strict=True)])

    def _exchange(self, mic: Pcm16, exchange: Exchange) -> Pcm16:
        out = exchange(mic)
        self._samples += len(mic)
        self._log.append((mic, out))
        self._played(self._samples / SAMPLE_RATE + self.output_latency_s, out)
        with self._lock:
            people = self._mix.take(len(mic))
        if isinstance(self._port, SimulatedRoom):
            self._port.say(people)
            return out
        # The far end is the assistant's voice alone: the people's comes out of the same loudspeaker.
        both: Pcm16 = np.clip(out + people * 32767, -32768, 32767).astype(np.int16)
        return both


def check_card(audio: AudioSettings) -> None:
    """Raise PortError where the sound card cannot be used: better known before the services are started."""
    wanted: tuple[tuple[str, Kind], ...] = ((audio.input_device, "input"), (audio.output_device, "output"))
    for name, kind in wanted:
        if name:
            find_device(name, kind)
        elif not any(device.inputs if kind == "input" else device.outputs for device in list_devices()):
            raise PortError("ports.no_card", kind=Message(KIND_NAMES[kind]))


def _card(services: Services, tell: Callable[[str], None]) -> DesktopDevice:
    audio = services.settings.audio
    return DesktopDevice(audio.input_device, audio.output_device, latency_s=audio.latency_s, tell=tell)
