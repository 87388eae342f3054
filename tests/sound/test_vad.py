"""Voice activity frame by frame: what it makes of speech, and of silence."""

from __future__ import annotations

import numpy as np
import pytest

from huiyin.assistant.conversation.assemble import make_vad
from huiyin.assistant.ears.vad import FRAME, FRAME_S, SileroVad
from huiyin.assistant.ports.port import Samples
from huiyin.configs.settings import load
from tests.support.speech_clips import english

SPEECH = 0.5


@pytest.fixture
def vad() -> SileroVad:
    return make_vad(load(environ={}))


def speech_frames(vad: SileroVad, sound: Samples) -> list[int]:
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME)
    return [number for number, frame in enumerate(frames) if vad(frame) >= SPEECH]


def test_speech_after_long_silence_is_heard_as_at_the_beginning(vad: SileroVad) -> None:
    """However long a microphone was muted, the first frame of speech is the same."""
    sound = np.asarray(english("Is anybody there?"), np.float32)
    at_once = speech_frames(vad, sound)
    silence = np.zeros(round(20 / FRAME_S) * FRAME, np.float32)
    later = speech_frames(vad, np.concatenate([silence, sound]))
    assert at_once
    assert [number - len(silence) // FRAME for number in later] == at_once


def test_the_model_is_not_asked_about_lasting_silence(vad: SileroVad, monkeypatch: pytest.MonkeyPatch) -> None:
    """A muted client costs next to nothing, and a short gap within a word is looked at as ever."""
    asked: list[float] = []
    model = vad._model
    monkeypatch.setattr(vad, "_model", lambda window: asked.append(float(np.abs(window).max())) or model(window))
    for _ in range(100):
        vad(np.zeros(FRAME, np.float32))
    assert 5 <= len(asked) <= 15
