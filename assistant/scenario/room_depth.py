"""A conversation in sound: the live loop's echo path, voice activity and endpoint model in a simulated room.

Block by block in virtual time, without threads: the same code as live, with another clock.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from huiyin.assistant.conversation.performer import speech_event
from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.ears.endpoint_model import MODEL as ENDPOINT_MODEL
from huiyin.assistant.ears.endpoint_model import WINDOW_S, EndpointModel
from huiyin.assistant.ears.listener import Listener
from huiyin.assistant.ears.vad import SileroVad, SpeechRule, SpeechTracker
from huiyin.assistant.ports import BLOCK
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.room import RoomSettings, SimulatedRoom
from huiyin.assistant.scenario import voices
from huiyin.assistant.scenario.cast import Mix, Voice, sound_of
from huiyin.assistant.scenario.depth import DepthContext
from huiyin.assistant.scenario.hearing import ScriptedUtterance, spoken
from huiyin.assistant.scenario.log import BLOCK_S
from huiyin.assistant.scenario.reader import ScenarioError
from huiyin.assistant.scenario.script import MADE_VOICE, Scenario, Step
from huiyin.configs.settings import Settings, load
from huiyin.configs.store.errors import StoreError
from huiyin.configs.store.model_store import ModelStore

_VAD_MODEL = "silero_vad.onnx"


class RoomMissing(ScenarioError):
    """This machine lacks something that room depth needs; the message says what."""


class RoomDepth:
    """`say` plays a step in the room; the listener gets it as it gets a live user."""

    def __init__(
        self, context: DepthContext, scenario: Scenario, settings: Settings, seed: int, voice: Voice, *, natural: bool
    ) -> None:
        """`natural`: `voice` is such that the endpoint model can judge it. Raises RoomMissing."""
        self._context = context
        self._scenario = scenario
        self._seed = seed
        self._voice = voice
        self._natural = natural
        self._room = SimulatedRoom(replace(RoomSettings(seed=seed), **dict[str, Any](scenario.room)))
        path, missing = make_echo_path(settings.audio.echo)
        if missing:
            raise RoomMissing("scenario.no_canceller", missing=missing)
        rule = SpeechRule(threshold=settings.audio.speech_threshold)
        self._listener = Listener(path, _vad().fork(), SpeechTracker(rule))
        self._room.connect(self._exchange)
        self._mix = Mix()
        self._judged: ScriptedUtterance | None = None  # the newest real speech, which the endpoint model can judge
        self._blocks = 0
        self._context.world.at(BLOCK_S, self._tick)

    def speak(self, text: str) -> Pcm16:
        """The assistant's voice."""
        return (voices.say(text, "assistant", self._scenario.voice or MADE_VOICE) * 32767).astype(np.int16)

    def say(self, step: Step) -> ScriptedUtterance:
        """Let a step begin now."""
        sound, spans = sound_of(step, self._scenario, self._seed, self._voice)
        begin_s = self._mix.add(sound, self._context.world.now)
        utterance = spoken(step, [(begin_s + start_s, begin_s + end_s) for start_s, end_s in spans])
        if step.kind == "audio" or self._natural:
            self._judged = utterance
        return utterance

    def cut(self, start_s: float, end_s: float) -> Pcm16:
        """The microphone's sound between two times, without echo."""
        return self._listener.cut(start_s, end_s)

    def judge(self, start_s: float, end_s: float) -> float | None:
        """How complete the endpoint model finds the turn; None for a made voice, for which it was not trained."""
        if self._judged is None or not self._judged.start_s < end_s:
            return None
        return _endpoint()(self.cut(max(start_s, end_s - WINDOW_S), end_s))

    def observe(self, at_s: float, what: object) -> None:
        """Blocks come by the clock: nothing to do."""

    def recording(self) -> Pcm16:
        """Shape (2, n): microphone, loudspeaker."""
        return self._room.recording()

    def _tick(self) -> None:
        self._room.say(self._mix.take(BLOCK))
        self._blocks += 1
        self._room.step()
        self._context.world.at((self._blocks + 1) * BLOCK_S, self._tick)

    def _exchange(self, mic: Pcm16) -> Pcm16:
        if self._context.microphone_muted:
            mic = np.zeros_like(mic)
        out = self._context.read_block()
        for change in self._listener.push(mic, out):
            self._context.post(speech_event(self._context.world.now, change))
        self._context.post_progress()
        return out


@cache
def _vad() -> SileroVad:
    return SileroVad(_model(_VAD_MODEL))


@cache
def _endpoint() -> EndpointModel:
    return EndpointModel(_model(ENDPOINT_MODEL))


def _model(name: str) -> Path:
    try:
        return ModelStore(load(environ={}).store).ensure(name)
    except StoreError as error:
        raise RoomMissing("scenario.no_model", error=error) from error
