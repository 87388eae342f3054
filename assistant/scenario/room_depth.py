"""A conversation in sound: the live loop's echo path, voice activity and endpoint model in a simulated room.

Block by block in virtual time, without threads: what runs here is what runs live, only the clock is another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from assistant.audio import BLOCK, SAMPLE_RATE
from assistant.audio.echo import make_echo_path
from assistant.audio.endpoint_model import MODEL as ENDPOINT_MODEL
from assistant.audio.endpoint_model import WINDOW_S, EndpointModel
from assistant.audio.listener import Listener
from assistant.audio.player import Player
from assistant.audio.ports import Floats, Samples
from assistant.audio.room import RoomSettings, SimulatedRoom
from assistant.audio.vad import SileroVad, SpeechRule, SpeechTracker
from assistant.scenario import voices
from assistant.scenario.hearing import Span, Utterance, parts_of, spoken
from assistant.scenario.log import BLOCK_S
from assistant.scenario.reader import ScenarioError
from assistant.scenario.script import Scenario, Step
from assistant.scenario.world import World
from assistant.turns import events as ev
from configs.settings import Settings, load
from configs.store import ModelStore, StoreError

_OTHERS_DB = -6.0  # other people are further away
_VAD_MODEL = "silero_vad.onnx"


class RoomMissing(ScenarioError):
    """This machine lacks something that room depth needs; the message says what."""


class RoomDepth:
    """`say` lets a step sound; the listener hears it as it hears a user live."""

    def __init__(
        self,
        world: World,
        player: Player,
        played: Callable[[Samples], None],
        post: Callable[[ev.Event], None],
        scenario: Scenario,
        settings: Settings,
        seed: int,
    ) -> None:
        """Raises RoomMissing."""
        self._world, self._player, self._played, self._post = world, player, played, post
        self._scenario, self._seed = scenario, seed
        self._half_duplex = settings.turns.barge_in == "off"
        self._room = SimulatedRoom(replace(RoomSettings(seed=seed), **dict[str, Any](scenario.room)))
        path, missing = make_echo_path(settings.audio.echo)
        if missing:
            raise RoomMissing(f"{missing} (room depth wants what `huiyin talk` has; `huiyin doctor` tells more)")
        rule = SpeechRule(threshold=settings.audio.speech_threshold)
        self._listener = Listener(path, _vad().fork(), SpeechTracker(rule))
        self._room.connect(self._exchange)
        self._mix: Floats = np.zeros(0, np.float32)  # what the people in the room will give off, from now on
        self._judged: Utterance | None = None  # the newest real speech, which the endpoint model can judge
        self._blocks = 0
        world.at(BLOCK_S, self._tick)

    def speak(self, text: str) -> Samples:
        """The assistant's voice."""
        return (voices.say(text, "assistant", self._scenario.voice) * 32767).astype(np.int16)

    def say(self, step: Step) -> Utterance:
        """Let a step begin now."""
        pieces, spans = self._sounds(step)
        at = round(self._world.now * SAMPLE_RATE) - self._blocks * BLOCK
        level_db = step.level_db + (0.0 if step.speaker == "user" else _OTHERS_DB)
        sound = np.concatenate(pieces) * np.float32(10 ** (level_db / 20))
        self._mix = np.pad(self._mix, (0, max(0, at + len(sound) - len(self._mix))))
        self._mix[at : at + len(sound)] += sound
        utterance = spoken(step, spans)
        if step.kind == "audio" or self._scenario.voice != "formants":
            self._judged = utterance
        return utterance

    def judge(self, start_s: float, end_s: float) -> float | None:
        """How complete the endpoint model finds the turn; None for a made voice, of which it knows nothing."""
        if self._judged is None or not self._judged.start_s < end_s:
            return None
        return _endpoint()(self._listener.cut(max(start_s, end_s - WINDOW_S), end_s))

    def observe(self, at_s: float, what: object) -> None:
        """Blocks come whatever happens."""

    def recording(self) -> Samples:
        """Shape (2, n): microphone, loudspeaker."""
        return self._room.recording()

    def _sounds(self, step: Step) -> tuple[list[Floats], list[Span]]:
        """(sounds and the pauses between them, when the sounds are heard)."""
        if step.kind == "audio":
            return self._placed([(voices.recording(self._scenario.folder / step.content), 0.0)])
        if step.kind == "sound":
            return self._placed([(voices.noise(step.content, step.lasts_s or 1.0, self._seed), 0.0)])
        said = [
            (voices.say(text, step.speaker, self._scenario.voice) if text else np.zeros(0, np.float32), pause_s)
            for text, pause_s in parts_of(step)
        ]
        return self._placed(said)

    def _placed(self, sounds: Sequence[tuple[Floats, float]]) -> tuple[list[Floats], list[Span]]:
        pieces: list[Floats] = []
        spans: list[Span] = []
        at_s = self._world.now
        for sound, pause_s in sounds:
            if len(sound):
                spans.append((at_s, at_s + len(sound) / SAMPLE_RATE))
            pieces += [sound, np.zeros(round(pause_s * SAMPLE_RATE), np.float32)]
            at_s += sum(map(len, pieces[-2:])) / SAMPLE_RATE
        return pieces, spans

    def _tick(self) -> None:
        self._room.say(self._mix[:BLOCK])
        self._mix = self._mix[BLOCK:]
        self._blocks += 1
        self._room.step()
        self._world.at((self._blocks + 1) * BLOCK_S, self._tick)

    def _exchange(self, mic: Samples) -> Samples:
        now = self._world.now
        deaf = self._half_duplex and self._player.is_sounding
        out = self._player.read(BLOCK)
        self._played(out)
        for heard in self._listener.push(np.zeros_like(mic) if deaf else mic, out):
            self._post(ev.SpeechStarted(now, heard.at_s) if heard.started else ev.SpeechPaused(now, heard.at_s))
        if advanced := self._player.advanced():
            self._post(ev.PlaybackAdvanced(now, *advanced))
        generation = self._player.finished()
        if generation is not None:
            self._post(ev.PlaybackFinished(now, generation))
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
        raise RoomMissing(str(error)) from error
