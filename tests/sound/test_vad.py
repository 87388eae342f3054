"""Voice activity frame by frame: what it makes of speech, and of silence."""

from __future__ import annotations

import numpy as np
import pytest

from huiyin.assistant.conversation.assemble import make_vad
from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.ears.listener import Listener
from huiyin.assistant.ears.vad import FRAME, FRAME_S, SileroVad, SpeechTracker
from huiyin.assistant.ports import SAMPLE_RATE
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


class Loud:
    """Takes for speech what is not silent; counts what it is asked."""

    asked = 0

    def __call__(self, frame: Samples) -> float:
        self.asked += 1
        return float(frame.any())

    def fork(self) -> Loud:
        return self


class Late(Loud):
    """Takes 64 ms to find it."""

    def __init__(self) -> None:
        self._frames = 0

    def __call__(self, frame: Samples) -> float:
        self._frames = self._frames + 1 if frame.any() else 0
        return float(self._frames > 2)


def test_hours_without_a_device_are_counted_and_not_listened_to() -> None:
    vad = Loud()
    listener = Listener(make_echo_path("off")[0], vad, SpeechTracker())  # type: ignore[arg-type]
    away, loud, away_s = np.zeros(3600 * SAMPLE_RATE, np.int16), np.full(SAMPLE_RATE, 5000, np.int16), 3600
    changes = listener.push(loud, np.zeros_like(loud)) + listener.push(away, away)
    assert [change.kind for change in changes if change.kind in ("started", "paused")] == ["started", "paused"]
    assert vad.asked < 200
    (started,) = [each for each in listener.push(loud, np.zeros_like(loud)) if each.kind == "started"]
    assert started.at_s == pytest.approx(1 + away_s, abs=0.05)
    assert not listener.cut(1000.5, 1030.0).any() and listener.cut(1.5 + away_s, 1.6 + away_s).all()


def test_speech_that_goes_on_is_possible_as_soon_as_its_level_rises() -> None:
    """Voice activity takes frames to be sure, and a reply that is due must not begin meanwhile."""
    listener = Listener(make_echo_path("off")[0], Late(), SpeechTracker())  # type: ignore[arg-type]
    loud, silent = np.full(SAMPLE_RATE, 5000, np.int16), np.zeros(SAMPLE_RATE // 2, np.int16)
    block = SAMPLE_RATE // 50
    sound = np.concatenate([loud, silent, loud])
    told = [
        (change.kind, at + block)
        for at in range(0, len(sound), block)
        for change in listener.push(sound[at : at + block], np.zeros(block, np.int16))
    ]
    after = [(kind, at) for kind, at in told if at > len(loud) + len(silent)]
    assert "paused" in {kind for kind, at in told}
    assert after[0] == ("possible", len(loud) + len(silent) + block)


def test_the_model_is_not_asked_about_lasting_silence(vad: SileroVad, monkeypatch: pytest.MonkeyPatch) -> None:
    """A muted client costs next to nothing, and a short gap within a word is looked at as ever."""
    asked: list[float] = []
    model = vad._model
    monkeypatch.setattr(vad, "_model", lambda window: asked.append(float(np.abs(window).max())) or model(window))
    for _ in range(100):
        vad(np.zeros(FRAME, np.float32))
    assert 5 <= len(asked) <= 15
