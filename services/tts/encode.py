"""Sound to bytes, as it is made: wav, mp3, flac, opus and raw PCM, through PyAV."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
import soxr

from services.tts.engine import Sound


@dataclass(frozen=True)
class Format:
    """An output format. `codec` is None for formats without one of their own; `rate` None: any."""

    mime: str
    container: str | None = None
    codec: str | None = None
    sample_format: str = "s16"
    rate: int | None = None
    bit_rate: int | None = None


FORMATS = {
    "wav": Format("audio/wav"),
    "pcm": Format("audio/pcm"),
    "mp3": Format("audio/mpeg", "mp3", "libmp3lame", "s16p", bit_rate=64_000),
    "flac": Format("audio/flac", "flac", "flac"),
    "opus": Format("audio/ogg", "ogg", "libopus", rate=48_000, bit_rate=32_000),
}
_WAV_UNKNOWN = 0xFFFFFFFF  # a length that is not known yet: players then read to the end


def encode(sound: Iterator[Sound], source_rate: int, name: str, rate: int) -> Iterator[bytes]:
    """Bytes of `sound` (float32 in [-1, 1] at `source_rate`) in the named format at `rate`, piece by piece."""
    form = FORMATS[name]
    samples = _resampled(sound, source_rate, form.rate or rate)
    if form.codec is None:
        if name == "wav":
            yield wav_header(rate)
        for piece in samples:
            yield piece.astype("<i2").tobytes()
        return
    yield from _encoded(samples, form, form.rate or rate)


def wav_header(rate: int) -> bytes:
    """Header of a streamed WAV: 16-bit mono, its length unknown."""
    return (
        b"RIFF" + struct.pack("<I", _WAV_UNKNOWN) + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * 2, 2, 16)
        + b"data" + struct.pack("<I", _WAV_UNKNOWN)
    )  # fmt: skip


def _resampled(sound: Iterator[Sound], source: int, target: int) -> Iterator[Any]:
    """int16 samples at `target`."""
    stream = None if source == target else soxr.ResampleStream(source, target, 1, dtype="float32", quality="HQ")
    for piece in sound:
        out = piece if stream is None else stream.resample_chunk(piece)
        if len(out):
            yield _to_int16(out)
    if stream is not None:
        rest = stream.resample_chunk(np.zeros(0, np.float32), last=True)
        if len(rest):
            yield _to_int16(rest)


def _to_int16(samples: Sound) -> Any:
    return (np.clip(samples, -1.0, 1.0) * 32767).astype(np.int16)


class _Sink:
    """A file that only grows: what was written since the last look."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        data, self._parts = b"".join(self._parts), []
        return data


def _encoded(samples: Iterator[Any], form: Format, rate: int) -> Iterator[bytes]:
    sink = _Sink()
    with av.open(sink, "w", format=form.container) as container:  # type: ignore[call-overload]
        stream = container.add_stream(form.codec, rate=rate, layout="mono", format=form.sample_format)
        if form.bit_rate:
            stream.bit_rate = form.bit_rate
        to_codec = av.AudioResampler(format=form.sample_format, layout="mono", rate=rate)
        at = 0
        for piece in samples:
            frame = av.AudioFrame.from_ndarray(piece[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate, at
            at += len(piece)
            for ready in to_codec.resample(frame):
                for packet in stream.encode(ready):
                    container.mux(packet)
            if data := sink.take():
                yield data
        for packet in stream.encode(None):
            container.mux(packet)
    if data := sink.take():
        yield data
