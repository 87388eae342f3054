"""From sound to bytes, as a stream: wav, mp3, flac, opus and raw PCM, through PyAV."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import soxr
from numpy.typing import NDArray

from huiyin.configs.tables import read_table
from huiyin.services.tts.sound import RATE
from huiyin.services.tts.voice_engine import Sound


@dataclass(frozen=True)
class Codec:
    """PyAV's parameters of a format."""

    container: str
    name: str
    sample_format: str
    bit_rate: int | None = None
    options: dict[str, str] = field(default_factory=dict)
    """Of the container: no seeking back in the file, and every packet written at once."""
    codec_options: dict[str, str] = field(default_factory=dict)
    skip_packets: int = 0
    """Packets at the beginning with nothing but the codec's own delay."""
    cut_s: float = 0.0
    """Cut off the silence before speech, for the rest of the delay."""


@dataclass(frozen=True)
class Format:
    """An output format; without a `codec` it is 16-bit PCM of any sample rate."""

    mime: str
    codec: Codec | None = None
    rate: int = RATE


FORMATS = {
    name: Format(row["mime"], Codec(**row["codec"]) if "codec" in row else None, row.get("rate", RATE))
    for name, row in read_table(Path(__file__).with_name("formats.toml")).items()
}
PCM_FORMATS = [name for name, form in FORMATS.items() if form.codec is None]
"""Those of any sample rate."""
_WAV_UNKNOWN = 0xFFFFFFFF  # an unknown length: players read to the end
_WAV_HEADER_BYTES = 44
_INT16_MAX = 32767
_BYTES = 2  # a sample


def encode(sound: Iterator[Sound], name: str, rate: int, n_samples: int | None = None) -> Iterator[bytes]:
    """Bytes of `sound` (float32 in [-1, 1] at RATE) in the format of that name at `rate`, each as soon as possible.

    `n_samples` is the length of the sound at RATE for a WAV's header, None where it is unknown.
    """
    codec = FORMATS[name].codec
    if codec is not None:
        yield from _encoded(_resampled(_without(sound, round(codec.cut_s * RATE)), rate), codec, rate)
        return
    samples = _resampled(sound, rate)
    header = wav_header(rate, None if n_samples is None else round(n_samples * rate / RATE)) if name == "wav" else b""
    for piece in samples:
        yield header + piece.astype("<i2").tobytes()
        header = b""


def wav_header(rate: int, n_samples: int | None) -> bytes:
    """Header of a WAV, 16-bit mono; None: of unknown length."""
    size = _WAV_UNKNOWN if n_samples is None else n_samples * _BYTES
    riff = _WAV_UNKNOWN if n_samples is None else size + _WAV_HEADER_BYTES - 8
    form = struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * _BYTES, _BYTES, 8 * _BYTES)
    return b"RIFF" + struct.pack("<I", riff) + b"WAVEfmt " + form + b"data" + struct.pack("<I", size)


def _without(sound: Iterator[Sound], samples: int) -> Iterator[Sound]:
    """`sound` without its first `samples`."""
    for piece in sound:
        yield piece[samples:]
        samples = max(0, samples - len(piece))


def _resampled(sound: Iterator[Sound], rate: int) -> Iterator[NDArray[np.int16]]:
    """Samples at `rate`; the resampler's state goes from piece to piece."""
    if rate == RATE:
        yield from map(_to_int16, sound)
        return
    stream = soxr.ResampleStream(RATE, rate, 1, dtype="float32", quality="HQ")
    for piece in sound:
        if len(out := stream.resample_chunk(piece)):
            yield _to_int16(out)
    yield _to_int16(stream.resample_chunk(np.zeros(0, np.float32), last=True))


def _to_int16(samples: Sound) -> NDArray[np.int16]:
    return np.round(np.clip(samples, -1.0, 1.0) * _INT16_MAX).astype(np.int16)


class _Sink:
    """A file without seeking; `take` returns what was written since the last call."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        data, self._parts = b"".join(self._parts), []
        return data


def _encoded(samples: Iterator[NDArray[np.int16]], codec: Codec, rate: int) -> Iterator[bytes]:
    sink = _Sink()
    options = {"flush_packets": "1", **codec.options}
    with av.open(sink, "w", format=codec.container, container_options=options) as container:  # type: ignore[call-overload]
        stream: Any = container.add_stream(
            codec.name, rate=rate, layout="mono", format=codec.sample_format, options=codec.codec_options
        )
        if codec.bit_rate:
            stream.bit_rate = codec.bit_rate
        to_codec = av.AudioResampler(format=codec.sample_format, layout="mono", rate=rate)
        position = 0
        skipped = 0
        for piece in samples:
            if not len(piece):
                continue
            frame = av.AudioFrame.from_ndarray(piece[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate, position
            position += len(piece)
            for ready in to_codec.resample(frame):
                for packet in stream.encode(ready):
                    if skipped < codec.skip_packets:
                        skipped += 1
                    else:
                        container.mux(packet)
            if data := sink.take():
                yield data
        container.mux(stream.encode(None))
    if data := sink.take():
        yield data
