"""The endpoint model hears whether a turn is complete; its spectrogram is Whisper's."""

from __future__ import annotations

import numpy as np
import pytest

from huiyin.assistant.ears.endpoint_model import MODEL, EndpointModel, log_mel, prepare
from huiyin.configs.settings import load
from huiyin.configs.store.model_store import ModelStore
from tests.support.speech_clips import english


@pytest.mark.slow
def test_spectrogram_is_whispers() -> None:
    reference = pytest.importorskip("faster_whisper.feature_extractor").FeatureExtractor(chunk_length=8)
    sound = prepare((english("What is the time, please?") * 32767).astype(np.int16))
    ours = log_mel(sound)
    assert ours.shape == (80, 800)
    assert ours.dtype == np.float32
    assert np.abs(ours - reference(sound, padding=0)[:, :800]).max() < 1e-5


@pytest.mark.parametrize("seconds", [0.0, 0.5, 8.0, 20.0])
def test_sound_of_any_length_is_made_eight_seconds_with_its_end_last(seconds: float) -> None:
    sound = (np.random.default_rng(0).standard_normal(round(seconds * 16_000)) * 3000).astype(np.int16)
    window = prepare(sound)
    assert window.shape == (128_000,)
    assert np.isfinite(log_mel(window)).all()
    if seconds:
        assert window.var() == pytest.approx(1, abs=1e-3)
        assert np.corrcoef(window[-4000:], sound[-4000:])[0, 1] > 0.999


@pytest.mark.slow
def test_whole_sentences_sound_more_complete_than_broken_off_ones() -> None:
    model = EndpointModel(ModelStore(load(environ={}).store).ensure(MODEL))

    def complete(text: str, share: float) -> float:
        sound = english(text)[: round(len(english(text)) * share)]
        return model((np.pad(sound, (0, 1600)) * 32767).astype(np.int16))

    for text in ("What is the capital of France?", "The lighthouse was sixty feet tall."):
        assert complete(text, 1.0) > 0.6
        assert complete(text, 0.6) < 0.3


@pytest.mark.slow
def test_a_short_turn_is_not_taken_for_a_part() -> None:
    model = EndpointModel(ModelStore(load(environ={}).store).ensure(MODEL))
    for text in ("Yes, please.", "Turn on the light.", "Play some jazz."):
        assert model((np.pad(english(text), (0, 1600)) * 32767).astype(np.int16)) > 0.4
