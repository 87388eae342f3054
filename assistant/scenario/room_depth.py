"""A conversation in sound: the live loop's echo path, voice activity and endpoint model in a simulated room.

Block by block in virtual time, without threads: the same code as live, with another clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from huiyin.assistant.conversation.assemble import make_endpoint, make_listener
from huiyin.assistant.conversation.stages import Judge, TurnSoFar
from huiyin.assistant.conversation.world import Plan, Source, World
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.local import LOST_AFTER_S, DeviceMicrophone
from huiyin.assistant.ports.port import Exchange, Pcm16
from huiyin.assistant.ports.room import RoomSettings, SimulatedRoom
from huiyin.assistant.scenario import device_faults, voices
from huiyin.assistant.scenario.cast import Mix, Voice, sound_of
from huiyin.assistant.scenario.device_faults import StoppablePlayer
from huiyin.assistant.scenario.hearing import ScriptedUtterance, spoken
from huiyin.assistant.scenario.log import BLOCK_S
from huiyin.assistant.scenario.reader import ScenarioError
from huiyin.assistant.scenario.script import MADE_VOICE, Scenario, Step
from huiyin.configs.settings import Settings, load
from huiyin.configs.store.errors import StoreError


class RoomMissing(ScenarioError):
    """This machine lacks something that room depth needs; the message says what."""


class RoomDepth:
    """A `Depth`: `say` plays a step in the room; the ear gets it as it gets a live user."""

    def __init__(
        self,
        world: World,
        played: Callable[[Pcm16], None],
        scenario: Scenario,
        settings: Settings,
        seed: int,
        voice: Voice,
        *,
        natural: bool,
    ) -> None:
        """`natural`: `voice` is such that the endpoint model can judge it. Raises RoomMissing."""
        self._world, self._scenario, self._seed = world, scenario, seed
        self._voice, self._natural = voice, natural
        self._room = SteppedRoom(world, room_of(scenario, seed), played)
        self.loudspeaker = StoppablePlayer(self._room.output_latency_s)
        self.microphone = DeviceMicrophone(self._room, self.loudspeaker)
        settings = replace(settings, store=load().store)  # where the models are is this machine's affair
        try:
            self.ear = make_listener(settings, _raise_missing)
            can_be_judged = natural or any(step.kind == "audio" for step in scenario.steps)
            endpoint = make_endpoint(settings, _raise_missing) if can_be_judged else None
        except StoreError as error:
            raise RoomMissing("scenario.no_model", error=error) from error
        self._endpoint = endpoint
        self.by_sound: Judge | None = self if endpoint else None
        self._judged: ScriptedUtterance | None = None  # the newest real speech, which the endpoint model can judge

    def speak(self, text: str) -> Pcm16:
        """The assistant's voice."""
        return (voices.say(text, "assistant", self._scenario.voice or MADE_VOICE) * 32767).astype("int16")

    def say(self, step: Step) -> ScriptedUtterance:
        """Let a step begin now."""
        sound, spans = sound_of(step, self._scenario, self._seed, self._voice)
        begin_s = self._room.people.add(sound, self._world.now)
        utterance = spoken(step, spans, begin_s)
        if step.kind == "audio" or self._natural:
            self._judged = utterance
        return utterance

    def fail(self, fault: str, lasts_s: float) -> None:
        """As `Depth.fail`."""
        if fault == device_faults.STOPS:
            self.loudspeaker.is_stopped = True
            self._world.after(lasts_s, self._take_again)
        elif fault == device_faults.SLIPS:
            self._room.slip(lasts_s)
        elif fault == device_faults.STALL:
            self._room.stall(lasts_s)
        elif fault == device_faults.SILENT:
            self._room.mute(lasts_s)

    def _take_again(self) -> None:
        self.loudspeaker.is_stopped = False

    def judge(self, turn: TurnSoFar) -> Source[float | None]:
        """How complete the endpoint model finds the turn; None for a made voice, for which it was not trained."""
        if self._endpoint is None or self._judged is None or not self._judged.start_s < turn.end_s:
            return Plan([(0.0, None)], 0.0)
        return self._endpoint.judge(turn)

    def recording(self) -> Pcm16:
        """Shape (2, n): microphone, loudspeaker."""
        return self._room.recording()


class SteppedRoom:
    """A `Duplex`: a simulated room that goes by a world's clock, with `people` in it."""

    output_latency_s = 0.0

    def __init__(self, world: World, room: SimulatedRoom, played: Callable[[Pcm16], None]) -> None:
        self.people = Mix()
        self.recording = room.recording
        self._world, self._room, self._played = world, room, played
        self._blocks = 0
        self._muted_until_s = self._stalled_until_s = 0.0

    def mute(self, lasts_s: float) -> None:
        """The microphone gives nothing but zeros for a while."""
        self._muted_until_s = self._world.now + lasts_s

    def stall(self, lasts_s: float) -> None:
        """Neither device exchanges a block for a while. A short one they catch up with."""
        self._stalled_until_s = self._world.now + lasts_s

    def slip(self, lost_s: float) -> None:
        """So much of the microphone's sound is lost, and the device does not report it."""
        self._room.clocks.slip(-lost_s * SAMPLE_RATE)

    def start(self, exchange: Exchange) -> None:
        """As `Duplex.start`."""

        def exchange_and_log(mic: Pcm16) -> Pcm16:
            out = exchange(mic if self._world.now >= self._muted_until_s else np.zeros_like(mic))
            self._played(out)
            return out

        self._room.connect(exchange_and_log)
        self._world.at(BLOCK_S, self._tick)

    def stop(self) -> None:
        """The world's end is its own."""

    def check(self) -> None:
        """A simulated room does not die."""

    def _tick(self) -> None:
        if self._world.now < self._stalled_until_s:
            self._world.at(self._stalled_until_s, self._tick)
            return
        late_s = self._world.now - (self._blocks + 1) * BLOCK_S
        if late_s > LOST_AFTER_S:  # what was said meanwhile was not heard
            lost = round(late_s / BLOCK_S)
            self.people.take(lost * BLOCK)
            self._blocks += lost
        self._room.say(self.people.take(BLOCK))
        self._blocks += 1
        self._room.step()
        self._world.at((self._blocks + 1) * BLOCK_S, self._tick)


def room_of(scenario: Scenario, seed: int) -> SimulatedRoom:
    """The room that a scenario describes."""
    return SimulatedRoom(replace(RoomSettings(seed=seed), **dict[str, Any](scenario.room)))


def _raise_missing(warning: str) -> None:
    raise RoomMissing("scenario.no_canceller", missing=warning)
