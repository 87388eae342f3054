"""A stream of samples at another rate."""

from __future__ import annotations

import numpy as np
import psutil
import pytest

from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.resample import Resampler

RATES = [(24_000, 16_000), (16_000, 24_000), (48_000, 16_000), (8_000, 16_000), (44_100, 16_000), (16_000, 11_025)]
PEAK = 10_000


def tone(hz: float, rate: int) -> Pcm16:
    return (PEAK * np.sin(2 * np.pi * hz * np.arange(rate) / rate)).astype(np.int16)


def resampled(sound: Pcm16, rate: int, to: int, pieces: int = 50) -> Pcm16:
    stream = Resampler(rate, to)
    return np.concatenate([*(stream.feed(piece) for piece in np.array_split(sound, pieces)), stream.flush()])


def level_db(sound: Pcm16) -> float:
    """Of the middle, against a tone of the peak."""
    middle = sound[len(sound) // 4 : -len(sound) // 4].astype(float)
    return float(20 * np.log10(max(1e-3, np.sqrt(np.mean(middle**2))) / (PEAK / np.sqrt(2))))


@pytest.mark.parametrize(("rate", "to"), RATES)
def test_a_tone_is_the_same_tone_at_its_own_time(rate: int, to: int) -> None:
    heard = resampled(tone(1000, rate), rate, to)
    assert len(heard) == to
    middle = slice(to // 8, to * 7 // 8)
    assert np.abs(heard[middle].astype(int) - tone(1000, to)[middle]).max() <= 3


@pytest.mark.parametrize(("rate", "to"), RATES)
def test_pieces_of_any_length_give_the_same_sound(rate: int, to: int) -> None:
    noise = np.random.default_rng(5).integers(-PEAK, PEAK, rate).astype(np.int16)
    whole = resampled(noise, rate, to, pieces=1)
    for pieces in (7, 50, 333):
        difference = resampled(noise, rate, to, pieces).astype(int) - whole
        assert np.abs(difference).max() <= 1, "products are summed in another order, and rounded"


def test_the_voice_band_is_kept_and_what_is_above_half_the_rate_is_gone() -> None:
    assert level_db(resampled(tone(6500, 24_000), 24_000, 16_000)) > -0.5
    assert level_db(resampled(tone(9000, 24_000), 24_000, 16_000)) < -55
    assert level_db(resampled(tone(11_000, 48_000), 48_000, 16_000)) < -70


def test_a_millisecond_is_kept_back() -> None:
    stream = Resampler(24_000, 16_000)
    given = sum(len(stream.feed(np.zeros(480, np.int16))) for _ in range(10))
    assert given == 10 * 320 - 16


def test_a_new_sound_has_nothing_of_the_last() -> None:
    stream = Resampler(24_000, 16_000)
    stream.feed(tone(1000, 24_000))
    assert stream.flush().any()
    assert not stream.feed(np.zeros(480, np.int16)).any()


def test_the_loudest_sound_does_not_wrap_round() -> None:
    square = np.where(tone(500, 24_000) > 0, 32_767, -32_768).astype(np.int16)
    heard = resampled(square, 24_000, 16_000).astype(int)
    original = tone(500, 16_000)
    steady = np.abs(original) > PEAK // 4
    assert (np.sign(heard[100:-100]) == np.sign(original[100:-100]))[steady[100:-100]].all()


def test_many_streams_take_no_thread() -> None:
    before = psutil.Process().num_threads()
    for _ in range(20):
        Resampler(16_000, 24_000).feed(np.zeros(320, np.int16))
    assert psutil.Process().num_threads() <= before
