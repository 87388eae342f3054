"""Short recordings in every container and codec that PyAV can write, and ways to damage them."""

from __future__ import annotations

from functools import cache

import numpy as np
from hypothesis import strategies as st

from tests.support.media import encode, film

_SECONDS, _RATE = 0.3, 16_000

_TABLE = """
    wav pcm_s16le 16000, wav pcm_f32le 16000, wav adpcm_ms 16000, w64 pcm_s16le 16000, aiff pcm_s16be 16000,
    au pcm_mulaw 8000, caf pcm_s16be 16000, caf alac 16000, voc pcm_u8 16000, flac flac 16000, mp3 libmp3lame 16000,
    adts aac 16000, ogg libopus 16000, ogg libvorbis 16000, ogg flac 16000, webm libopus 48000, matroska aac 16000,
    matroska flac 16000, matroska pcm_s16le 16000, mp4 aac 16000, mp4 alac 16000, mov pcm_s16le 16000, ipod aac 16000,
    avi libmp3lame 16000, avi pcm_s16le 16000, asf wmav2 16000, flv aac 44100, mpegts aac 16000, mpegts mp2 16000,
    ac3 ac3 48000, eac3 eac3 48000, wv wavpack 16000, tta tta 16000, nut pcm_s16le 16000, oma pcm_s16be 44100,
    rm ac3 48000, mxf pcm_s16le 48000, sox pcm_s32le 16000, spdif ac3 48000, amr libopencore_amrnb 8000
"""
FORMATS = tuple(tuple(form.split()) for form in _TABLE.split(","))
"""Container, codec, rate in Hz."""
_FILMS = (("matroska", "flac"), ("mp4", "aac"), ("mov", "pcm_s16le"), ("mpegts", "mp2"))

_WORDS = (
    *b"RIFF WAVE data LIST FORM COMM SSND caff desc fLaC OggS moov trak mdia stsd stsz stco mp4a esds zzzz".split(),
    *(b"fmt ", b"alac", b"A_AAC", b"A_OPUS", b"\x1aE\xdf\xa3"),
    *(b"\x00", b"\xff", b"\x7f", b"\x80", b"\xff\xff", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff"),
    *(b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\x01\x00\x00\x00", b"\x00\x00\x00\x01"),
)  # names of chunks and codecs, and numbers at an edge


@cache
def sample(container: str, codec: str, rate: str) -> bytes:
    """A tone in that form, of `rate` Hz; b"" where this build of FFmpeg cannot write it."""
    times_s = np.arange(round(_SECONDS * _RATE)) / _RATE
    try:
        return encode((0.3 * np.sin(2 * np.pi * 440 * times_s)).astype(np.float32), container, codec, int(rate))
    except (ValueError, OSError, KeyError):  # PyAV's errors are among these
        return b""


@cache
def samples() -> tuple[bytes, ...]:
    """All that can be written here, and films with two tracks."""
    quiet = np.zeros(round(_SECONDS * _RATE), np.float32)
    films = (film(container, codec, quiet, quiet + 0.1) for container, codec in _FILMS)
    return (*(data for each in FORMATS if (data := sample(*each))), *films)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """One of them with bytes changed, left out, put in, doubled, or from another one; mostly near its beginning."""
    data = draw(st.sampled_from(samples()))
    for _ in range(draw(st.integers(1, 6))):
        if not data:
            break
        near = draw(st.sampled_from((64, 400, len(data))))
        at = draw(st.integers(0, min(near, len(data)) - 1))
        patch = draw(st.one_of(st.sampled_from(_WORDS), st.binary(min_size=1, max_size=8)))
        match draw(st.sampled_from(("change", "change", "change", "insert", "remove", "double", "cut", "cross"))):
            case "change":
                data = data[:at] + patch + data[at + len(patch) :]
            case "insert":
                data = data[:at] + patch + data[at:]
            case "remove":
                data = data[:at] + data[at + draw(st.integers(1, 64)) :]
            case "double":
                data = data[:at] + data[at : at + draw(st.integers(1, 256))] * 2 + data[at:]
            case "cut":
                data = data[:at]
            case _:
                data = data[:at] + draw(st.sampled_from(samples()))[at:]
    return data
