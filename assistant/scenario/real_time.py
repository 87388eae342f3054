"""A scenario in real time: the loop that talks, real services, a simulated room or the machine's own sound card."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.assemble import assemble
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.desktop import DesktopPort
from huiyin.assistant.ports.devices import Kind, find_device, list_devices
from huiyin.assistant.ports.port import Exchange, Pcm16, PortError
from huiyin.assistant.ports.room import RoomSettings, SimulatedRoom
from huiyin.assistant.scenario.cast import Mix, ServiceVoice, made_voice, sound_of
from huiyin.assistant.scenario.director import Director
from huiyin.assistant.scenario.hearing import spoken
from huiyin.assistant.scenario.log import Log
from huiyin.assistant.scenario.real_services import APOLOGIES_LIMIT_S
from huiyin.assistant.scenario.script import Scenario, Step
from huiyin.assistant.scenario.world import RealWorld
from huiyin.configs.settings import AudioSettings

Place = Literal["room", "card"]

_APART_S = 0.05  # the loop's clock and the samples, on a busy machine
_JOIN_S = 10.0


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
        spoken_steps = [step for step in scenario.steps if step.kind not in ("types", "key")]
        # Before the conversation: speech being made would slow it down.
        self._sounds = {step.number: sound_of(step, scenario, seed, voice) for step in spoken_steps}
        self._air = _MixingPort(_room(scenario, seed) if place == "room" else _card(services, tell), self._played)
        self._conversation = assemble(services, persona, self._air, tell, patience_s=APOLOGIES_LIMIT_S)
        self._conversation.observe(self._observe)
        self._world = RealWorld(self._conversation.clock.now)
        self.director = Director(scenario, self._world, Log(), self._begin, apart_s=_APART_S)

    def run(self) -> Director:
        """Play it. What came of it stands in the director's log. Raises PortError where there is no sound."""
        thread = threading.Thread(target=self._converse, name="conversation", daemon=True)
        thread.start()
        try:
            self.director.run()
        finally:
            self._conversation.stop()
            thread.join(_JOIN_S)
        self.director.log.recording = self._air.recording()
        return self.director

    def _converse(self) -> None:
        try:
            self._conversation.run()
        except Exception as error:  # raised again in the thread that waits for the scenario
            self._world.at(0.0, _raising(error))

    def _begin(self, step: Step) -> float:
        """Let a step begin; when it ends."""
        now = self._world.now
        if step.kind == "types":
            self._conversation.type(step.text)
        elif step.kind == "key":
            self._conversation.key(pressed=step.content == "down")
        else:
            sound, spans = self._sounds[step.number]
            begin_s = self._air.say(sound, now)
            utterance = spoken(step, [(begin_s + start_s, begin_s + end_s) for start_s, end_s in spans])
            self.director.log.utterances.append(utterance)
            return utterance.end_s
        return now

    # -- from the loop's and the port's threads

    def _observe(self, at_s: float, what: object) -> None:
        self._world.at(0.0, lambda: self.director.observe(at_s, what))

    def _played(self, at_s: float, block: Pcm16) -> None:
        self._world.at(0.0, lambda: self.director.played(at_s, block))


class _MixingPort:
    """An `AudioPort` that mixes in the people's speech, and records what is captured and played."""

    def __init__(self, port: SimulatedRoom | DesktopPort, played: Callable[[float, Pcm16], None]) -> None:
        self._port, self._played = port, played
        self.output_latency_s = port.output_latency_s
        # What is taken while a block is exchanged sounds while the next one is recorded.
        self._mix, self._lock = Mix(begin=BLOCK), threading.Lock()
        self._samples = 0
        self._log: list[tuple[Pcm16, Pcm16]] = []

    def start(self, exchange: Exchange) -> None:
        """As `AudioPort.start`."""
        self._port.start(lambda mic: self._exchange(mic, exchange))

    def stop(self) -> None:
        """As `AudioPort.stop`."""
        self._port.stop()

    def check(self) -> None:
        """As `AudioPort.check`."""
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
            raise PortError("ports.no_card", kind=kind)


def _room(scenario: Scenario, seed: int) -> SimulatedRoom:
    return SimulatedRoom(replace(RoomSettings(seed=seed), **dict[str, Any](scenario.room)))


def _card(services: Services, tell: Callable[[str], None]) -> DesktopPort:
    audio = services.settings.audio
    return DesktopPort(audio.input_device, audio.output_device, latency_s=audio.latency_s, tell=tell)


def _raising(error: Exception) -> Callable[[], None]:
    def do() -> None:
        raise error

    return do
