"""Sound on the wire: base64 of PCM at any usual rate or of G.711, and the conversation's 16 kHz."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from huiyin.assistant.faces.connections.wire import WireError
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.resample import Resampler

PCM, MU_LAW, A_LAW = "audio/pcm", "audio/pcmu", "audio/pcma"
DEFAULT_RATE = 24_000  # Hz: the only one of OpenAI's own server
RATES = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)  # of PCM, Hz
G711_RATE = 8000  # Hz

Bytes8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class AudioFormat:
    """`kind` as on the wire; `rate` in Hz."""

    kind: str = PCM
    rate: int = DEFAULT_RATE

    @classmethod
    def of(cls, body: dict[str, Any]) -> AudioFormat:
        """Of a checked format object."""
        return cls(PCM, body.get("rate", DEFAULT_RATE)) if body["type"] == PCM else cls(body["type"], G711_RATE)

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample."""
        return 2 if self.kind == PCM else 1

    def seconds_of(self, text: str) -> float:
        """How long the sound lasts that `text` has in base64, to a sample."""
        return len(text) * 3 // 4 / (self.sample_bytes * self.rate)

    def samples_of(self, data: bytes) -> Pcm16:
        """Bytes as samples at this format's rate, shape (n,)."""
        if self.kind == PCM:
            return np.frombuffer(data, "<i2").astype(np.int16)
        return _decoded(self.kind)[np.frombuffer(data, np.uint8)]

    def bytes_of(self, samples: Pcm16) -> bytes:
        """Samples at this format's rate as bytes."""
        if self.kind == PCM:
            return samples.astype("<i2").tobytes()
        return _encoded(self.kind)[samples.astype(np.int32) + 32768].tobytes()


class Decoder:
    """The client's sound, piece by piece, as samples at 16 kHz."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self._format = audio_format
        self._resampler = Resampler(audio_format.rate, SAMPLE_RATE)

    def feed(self, text: str) -> Pcm16:
        """The next piece, base64. Raises WireError; such a piece is not heard."""
        return self._resampler.feed(self._format.samples_of(decoded(text, self._format)))

    def flush(self) -> Pcm16:
        """What is still within; a new sound begins."""
        return self._resampler.flush()


class Encoder:
    """A response's sound, piece by piece, as base64 for the client."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self._format = audio_format
        self._resampler = Resampler(SAMPLE_RATE, audio_format.rate)

    def feed(self, samples: Pcm16) -> str:
        """The next samples at 16 kHz; '' where nothing comes out yet."""
        return self._text(self._resampler.feed(samples))

    def flush(self) -> str:
        """What is still within; a new sound begins."""
        return self._text(self._resampler.flush())

    def _text(self, samples: Pcm16) -> str:
        return base64.b64encode(self._format.bytes_of(samples)).decode()


def decoded(text: str, audio_format: AudioFormat) -> bytes:
    """The bytes of base64 text: whole samples. Raises WireError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise WireError("connections.not_base64", code="invalid_audio", param="audio", why=error) from error
    if len(data) % audio_format.sample_bytes:
        raise WireError("connections.odd_length", code="invalid_audio", param="audio", bytes=len(data))
    return data


def check_room(waiting_s: float, coming_s: float, most_s: float) -> None:
    """Raise WireError where more than `most_s` of sound would wait."""
    if waiting_s + coming_s > most_s:
        raise WireError("connections.buffer_full", code="input_audio_buffer_full", param="audio", most_s=most_s)


# -- G.711: each byte stands for one of 256 values ---------------------------------------------------------------------


@cache
def _decoded(kind: str) -> Pcm16:
    """Byte -> sample, shape (256,)."""
    byte = np.arange(256)
    if kind == MU_LAW:
        byte = ~byte & 0xFF
        size = ((((byte & 0x0F) << 3) + 0x84) << ((byte & 0x70) >> 4)) - 0x84
        return np.where(byte & 0x80, -size, size).astype(np.int16)
    byte ^= 0x55
    segment, size = (byte & 0x70) >> 4, ((byte & 0x0F) << 4) + 8
    size = np.where(segment, (size + 0x100) << np.maximum(segment - 1, 0), size)
    return np.where(byte & 0x80, size, -size).astype(np.int16)


@cache
def _encoded(kind: str) -> Bytes8:
    """Sample + 32768 -> the byte whose value is nearest, shape (65536,)."""
    values = _decoded(kind).astype(np.int32)
    order = np.argsort(values, kind="stable")
    middles = (values[order][1:] + values[order][:-1]) / 2
    return order[np.searchsorted(middles, np.arange(-32768, 32768))].astype(np.uint8)
