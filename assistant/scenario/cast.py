"""The sound of a script's steps, and which voice speaks them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

from huiyin.assistant.clients.services import Services
from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.level import at_speech_level
from huiyin.assistant.ports.port import Pcm16, Samples
from huiyin.assistant.scenario import voices
from huiyin.assistant.scenario.hearing import Span, parts_of
from huiyin.assistant.scenario.script import MADE_VOICE, Scenario, Step, speech_s

_OTHERS_DB = -6.0  # other people are further away
_TTS_LIMIT_S = 60.0
_SILENCE = 0.02  # of the loudest sample: what is softer at the ends is not speech

Voice = Callable[[str, str, float], Samples]
"""(text, speaker, seconds it should take) -> float32, 16 kHz, at the level of speech, without silence around it."""


def made_voice(scenario: Scenario) -> Voice:
    """The voice that a scenario names, made here."""
    return lambda text, speaker, lasts_s: voices.say(text, speaker, scenario.voice or MADE_VOICE, lasts_s)


class ServiceVoice:
    """The people speak with voices of the speech service, except the assistant's."""

    def __init__(self, services: Services, assistant: str) -> None:
        """`assistant`: the name of the assistant's voice."""
        self._services, self._assistant = services, assistant
        self._made: dict[tuple[str, str], Samples] = {}

    def __call__(self, text: str, speaker: str, lasts_s: float) -> Samples:
        """A `Voice`; ignores `lasts_s`. Raises ServiceError."""
        if (text, speaker) not in self._made:
            sound = at_speech_level(self.speak(text, self._voice_of(speaker, language_of(text))) / np.float32(32768))
            loud = np.flatnonzero(np.abs(sound) > _SILENCE * np.abs(sound).max(initial=0.0))
            self._made[text, speaker] = sound[loud[0] : loud[-1] + 1] if len(loud) else sound
        return self._made[text, speaker]

    def speak(self, text: str, voice: str = "") -> Pcm16:
        """`text` synthesised by the service; without `voice` in the assistant's."""
        return self._services.sound(text, voice or self._assistant, timeout_s=_TTS_LIMIT_S)

    def _voice_of(self, speaker: str, language: str) -> str:
        """The user has the first voice of the language that is not of the assistant's gender, others any other."""
        own = next((v["gender"] for v in self._listed if v["name"] == self._assistant), "female")
        others = [v for v in self._listed if v["language"].startswith(language) and v["name"] != self._assistant]
        other_gender = [voice["name"] for voice in others if voice["gender"] != own]
        same_gender = [voice["name"] for voice in others if voice["gender"] == own]
        names = [*other_gender, *same_gender] or ["echo"]  # a name of OpenAI's that every engine knows
        if speaker == "user" or len(names) == 1:
            return names[0]
        return names[1 + hashlib.sha256(speaker.encode()).digest()[0] % (len(names) - 1)]

    @cached_property
    def _listed(self) -> list[dict[str, str]]:
        return list(self._services.get("tts", "/voices")["voices"])


def sound_of(step: Step, scenario: Scenario, seed: int, voice: Voice) -> tuple[Samples, list[Span]]:
    """(sound of a step, at its level; the spans of it that are not silent, in seconds).

    Raises ScenarioError where a file or a voice cannot be had.
    """
    sound, spans = _placed(_pieces(step, scenario, seed, voice))
    level_db = step.level_db + (0.0 if step.speaker == "user" else _OTHERS_DB)
    return sound * np.float32(10 ** (level_db / 20)), spans


def _pieces(step: Step, scenario: Scenario, seed: int, voice: Voice) -> Sequence[tuple[Samples, float]]:
    """Sounds, each with the silence after it in seconds."""
    if step.kind == "audio":
        return [(voices.recording(scenario.folder / step.content), 0.0)]
    if step.kind == "sound":
        return [(voices.noise(step.content, step.lasts_s or 1.0, seed), 0.0)]
    parts = parts_of(step)
    usual_s = sum(speech_s(text) for text, _ in parts if text)
    pace = step.lasts_s / usual_s if step.lasts_s else 1.0
    nothing = np.zeros(0, np.float32)
    return [(voice(text, step.speaker, speech_s(text) * pace) if text else nothing, pause) for text, pause in parts]


def _placed(sounds: Sequence[tuple[Samples, float]]) -> tuple[Samples, list[Span]]:
    pieces: list[Samples] = []
    spans: list[Span] = []
    at_s = 0.0
    for sound, pause_s in sounds:
        if len(sound):
            spans.append((at_s, at_s + len(sound) / SAMPLE_RATE))
        silence = np.zeros(round(pause_s * SAMPLE_RATE), np.float32)
        pieces += [sound, silence]
        at_s += (len(sound) + len(silence)) / SAMPLE_RATE
    return np.concatenate(pieces), spans


class Mix:
    """The sum of the sounds of all people in a room, sample by sample of the microphone's clock."""

    def __init__(self, begin: int = 0) -> None:
        """`begin`: the first sample that will be taken."""
        self._taken = begin
        self._waiting: Samples = np.zeros(0, np.float32)

    def add(self, sound: Samples, at_s: float) -> float:
        """Let `sound` begin at a time, or at once where that is past; when it begins, in seconds."""
        at = max(0, round(at_s * SAMPLE_RATE) - self._taken)
        self._waiting = np.pad(self._waiting, (0, max(0, at + len(sound) - len(self._waiting))))
        self._waiting[at : at + len(sound)] += sound
        return (self._taken + at) / SAMPLE_RATE

    def take(self, count: int) -> Samples:
        """The next samples."""
        block = np.zeros(count, np.float32)
        block[: len(self._waiting)] = self._waiting[:count]
        self._waiting = self._waiting[count:]
        self._taken += count
        return block
