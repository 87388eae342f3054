"""Sound to bytes: every format, as it is made."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator

import numpy as np
import pytest

from huiyin.services.common.audio import SAMPLE_RATE, decode
from huiyin.services.tts.encode import FORMATS, encode
from huiyin.services.tts.sound import RATE
from huiyin.services.tts.voice_engine import Sound

PIECE_S = 0.5
N_PIECES = 6
LOUD = 0.3


def tones() -> list[Sound]:
    """Pieces of a steady tone of 440 Hz."""
    sound = LOUD * np.sin(2 * np.pi * 440 * np.arange(round(PIECE_S * N_PIECES * RATE)) / RATE)
    return [piece.astype(np.float32) for piece in np.split(sound, N_PIECES)]


def decoded(name: str, data: bytes, rate: int) -> tuple[np.ndarray, int]:
    """Samples and their rate."""
    if name == "pcm":
        return np.frombuffer(data, "<i2").astype(np.float32) / 32768, rate
    return decode(data, max_duration_s=60).samples, SAMPLE_RATE


@pytest.mark.parametrize("name", FORMATS)
def test_sound_survives(name: str) -> None:
    rate = FORMATS[name].rate
    sound, decoded_rate = decoded(name, b"".join(encode(iter(tones()), name, rate)), rate)
    assert len(sound) / decoded_rate == pytest.approx(PIECE_S * N_PIECES, abs=0.08)
    middle = sound[len(sound) // 4 : -len(sound) // 4]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(LOUD / np.sqrt(2), rel=0.08)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * decoded_rate / len(middle) == pytest.approx(440, abs=2)
    assert np.abs(np.diff(middle)).max() < 2 * LOUD * np.pi * 440 / decoded_rate * 1.1  # no clicks where pieces meet


@pytest.mark.parametrize("name", FORMATS)
def test_each_piece_leaves_when_it_is_there(name: str) -> None:
    made = 0

    def sound() -> Iterator[Sound]:
        nonlocal made
        for piece in tones():
            made += 1
            yield piece

    sizes: list[tuple[int, int]] = []  # (pieces made, bytes given)
    for data in encode(sound(), name, FORMATS[name].rate):
        sizes.append((made, len(data)))
    total = sum(size for _, size in sizes)
    for k in range(1, N_PIECES):
        given = sum(size for count, size in sizes if count <= k)
        assert given > max(0, total * (k - 1) / N_PIECES), f"after {k} pieces"


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_resampled(rate: int) -> None:
    data = b"".join(encode(iter(tones()), "pcm", rate))
    assert len(data) / 2 / rate == pytest.approx(PIECE_S * N_PIECES, abs=0.002)


def test_wav_header_tells_the_length_when_it_is_known() -> None:
    n_samples = round(PIECE_S * N_PIECES * RATE)
    data = b"".join(encode(iter(tones()), "wav", RATE, n_samples))
    with wave.open(io.BytesIO(data)) as file:
        assert file.getnframes() == n_samples
    streamed = b"".join(encode(iter(tones()), "wav", RATE))
    assert streamed[40:44] == b"\xff\xff\xff\xff"
    assert streamed[44:] == data[44:]


def test_levels_beyond_full_scale_do_not_wrap_around() -> None:
    data = b"".join(encode(iter([np.array([2.0, -2.0], np.float32)]), "pcm", RATE))
    assert np.frombuffer(data, "<i2").tolist() == [32767, -32767]
