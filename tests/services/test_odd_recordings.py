"""Recordings that other programs write oddly: the words are in them, and come out; or the error says what is wrong."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from huiyin.assistant.scenario import voices
from huiyin.assistant.scenario.script import MADE_VOICE
from huiyin.services.common.audio import SAMPLE_RATE, decode
from huiyin.services.common.errors import ApiError
from huiyin.services.common.pcm import PcmFormat
from tests.support.media import encode, film, pcm16
from tests.support.speech_clips import trimmed

SPEECH = trimmed(voices.say("What is the time, please?", "user", MADE_VOICE))  # no model is loaded to collect the tests
SILENCE = np.zeros_like(SPEECH)


def hiss(level: float = 0.0005) -> np.ndarray:
    return np.random.default_rng(0).normal(0, level, len(SPEECH)).astype(np.float32)


def likeness(samples: np.ndarray) -> float:
    """The greatest correlation of the decoded sound with the speech, at any delay; 1 for the same."""
    size = 2 ** (len(samples) + len(SPEECH)).bit_length()
    product = np.fft.rfft(samples, size) * np.conj(np.fft.rfft(SPEECH, size))
    energy = np.sqrt(float(np.sum(samples**2)) * float(np.sum(SPEECH**2))) or 1.0
    return float(np.abs(np.fft.irfft(product, size)).max() / energy)


def has_the_words(data: bytes, pcm: PcmFormat | None = None) -> bool:
    samples = decode(data, max_duration_s=60, pcm=pcm).samples
    return likeness(samples) > 0.9 and np.abs(samples).max() > 0.1


# --- channels ----------------------------------------------------------------------------------------------------


def interleaved(*channels: np.ndarray) -> bytes:
    return pcm16(np.stack(channels, axis=1).reshape(-1))


@pytest.mark.parametrize(
    "channels",
    [
        (SPEECH, -SPEECH),
        (-SPEECH, 0.9 * SPEECH + hiss()),
        (SPEECH, -SPEECH, SPEECH, -SPEECH),
        (SPEECH, np.concatenate([SPEECH[:9000], -SPEECH[9000:]])),
        (SPEECH, SPEECH),
        (SILENCE, SPEECH),
        (SPEECH, SILENCE, hiss()),
    ],
    ids=["opposite", "nearly opposite", "two pairs", "from a moment on", "equal", "right", "one of three"],
)
def test_channels_that_cancel_out_still_have_the_words(channels: tuple[np.ndarray, ...]) -> None:
    assert has_the_words(interleaved(*channels), PcmFormat(SAMPLE_RATE, len(channels)))


def test_ordinary_stereo_is_the_mean_of_both() -> None:
    tone = (0.3 * np.sin(np.arange(SAMPLE_RATE) / 5)).astype(np.float32)
    other = (0.3 * np.cos(np.arange(SAMPLE_RATE) / 7)).astype(np.float32)
    decoded = decode(interleaved(tone, other), max_duration_s=60, pcm=PcmFormat(SAMPLE_RATE, 2)).samples
    assert np.abs(decoded - (tone + other) / 2).max() < 1e-4


# --- tracks ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("container", "codec"), [("matroska", "flac"), ("mp4", "aac"), ("mov", "pcm_s16le")])
@pytest.mark.parametrize(
    "tracks",
    [(SILENCE, SPEECH), (hiss(), SPEECH), (SILENCE, SILENCE, SPEECH), (SPEECH, SILENCE), (SPEECH, hiss(0.1))],
    ids=["silent first", "hiss first", "third", "first", "first of two"],
)
def test_the_track_with_the_words_is_transcribed(container: str, codec: str, tracks: tuple[np.ndarray, ...]) -> None:
    assert has_the_words(film(container, codec, *tracks))


def test_of_tracks_without_any_sound_the_first_is_read() -> None:
    audio = decode(film("matroska", "flac", SILENCE, SILENCE), max_duration_s=60)
    assert not audio.samples.any() and audio.duration_s == pytest.approx(len(SILENCE) / SAMPLE_RATE, abs=0.1)


# --- WAV headers -------------------------------------------------------------------------------------------------


def chunk(name: bytes, content: bytes, *, padded: bool = True) -> bytes:
    pad = b"\0" if padded and len(content) % 2 else b""
    return name + len(content).to_bytes(4, "little") + content + pad


def form(tag: int = 1, channels: int = 1, rate: int = SAMPLE_RATE, bits: int = 16, block: int = 2) -> bytes:
    return chunk(b"fmt ", struct.pack("<HHIIHH", tag, channels, rate, rate * block % 2**32, block, bits))


def wav(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


DATA = chunk(b"data", pcm16(SPEECH))
NOTE = b"INFOISFT\5\0\0\0Lavf\0"  # 17 bytes
ODD = chunk(b"LIST", NOTE, padded=False)


@pytest.mark.parametrize(
    "data",
    [
        wav(form(), ODD, DATA),
        wav(ODD, form(), DATA),
        wav(form(), ODD, ODD, DATA),
        wav(chunk(b"bext", bytes(603), padded=False), form(), DATA),
        wav(form(), DATA, ODD),
        wav(form(), chunk(b"LIST", NOTE), DATA),
        wav(DATA, form()),
        wav(form(), chunk(b"LIST", b""), DATA),
        wav(form(block=0), DATA),
        wav(form(block=65535), DATA),
    ],
    ids=[
        "odd",
        "odd before the format",
        "two odd",
        "odd zeros",
        "odd at the end",
        "padded",
        "format at the end",
        "an empty list",
        "no block size",
        "wrong block size",
    ],
)
def test_a_wav_with_its_chunks_out_of_place_has_the_words(data: bytes) -> None:
    assert has_the_words(data)


def test_24_bits_in_32_are_not_noise() -> None:
    pcm_guid = bytes.fromhex("0100000000001000800000aa00389b71")
    extensible = form(tag=0xFFFE, bits=32, block=4)[8:] + struct.pack("<HHI", 22, 24, 4) + pcm_guid
    samples = (SPEECH * (2**23 - 1)).astype("<i4") << 8
    assert has_the_words(wav(chunk(b"fmt ", extensible), chunk(b"data", samples.tobytes())))


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_a_big_endian_wav_has_the_words(bits: int) -> None:
    values = (SPEECH.astype(np.float64) * (2 ** (bits - 1) - 1)).astype(">i4")
    sound = values.astype(">i4").tobytes()
    if bits == 8:
        sound = (values + 128).astype(np.uint8).tobytes()
    elif bits < 32:
        sound = np.frombuffer(sound, np.uint8).reshape(-1, 4)[:, 4 - bits // 8 :].tobytes()
    block = bits // 8
    header = struct.pack(">HHIIHH", 1, 1, SAMPLE_RATE, SAMPLE_RATE * block, block, bits)
    chunks = b"WAVEfmt " + struct.pack(">I", 16) + header + b"data" + struct.pack(">I", len(sound)) + sound
    assert has_the_words(b"RIFX" + struct.pack(">I", len(chunks)) + chunks)


@pytest.mark.parametrize(
    "data",
    [
        wav(form(bits=0), DATA),
        wav(form(bits=0, block=0), DATA),
        wav(form(bits=7), DATA),
        wav(form(bits=65535), DATA),
        wav(form(channels=0), DATA),
        wav(form(channels=65535), DATA),
        wav(form(rate=0), DATA),
        wav(form(rate=2**31), DATA),
        wav(form(tag=0x1234), DATA),
        wav(chunk(b"fmt ", b""), DATA),
        wav(DATA),
        wav(form()),
    ],
    ids=[
        "0 bits", "0 bits, no block size", "7 bits", "65535 bits", "no channel", "65535 channels", "0 Hz", "2^31 Hz",
        "an unknown codec", "an empty format", "no format", "no sound",
    ],
)  # fmt: skip
def test_a_wav_with_an_impossible_header_is_refused(data: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        decode(data, max_duration_s=60)
    assert caught.value.status in (400, 413, 422) and caught.value.message


@pytest.mark.parametrize("length", range(1, 60))
def test_a_wav_cut_off_in_its_header_is_refused(length: int) -> None:
    with pytest.raises(ApiError) as caught:
        decode(encode(SPEECH)[:length], max_duration_s=60)
    assert caught.value.status == 422
