"""Sound of other servers, decoded while it comes, in whatever form they send it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any

import av
import numpy as np
import soxr

from huiyin.services.common.pcm import RATES_HZ
from huiyin.services.tts.sound import RATE
from huiyin.services.tts.voice_engine import Sound

More = Callable[[], bytes]
"""The next bytes, b"" at their end."""

_FORMATS = "wav,mp3,flac,ogg,aac,mov,mp4,webm,matroska,aiff,au"  # none that names other files or addresses
_PROBED = {"probesize": "8192", "analyzeduration": "100000"}  # bytes, us: by default the first sound waits for more
_BARE = ("audio/pcm", "audio/l16", "audio/raw")  # content types without a header: 16 bits, mono, 24 kHz
_BYTES = 2  # a sample
_FULL_SCALE = 32768.0
_BUFFER_BYTES = 4096  # that FFmpeg asks for at once; a tenth of a second of PCM
_RIFF_BYTES, _CHUNK_BYTES, _FORMAT_BYTES = 12, 8, 16  # of a WAV: "RIFF", size, "WAVE"; name, size; the least of "fmt "
_PCM = 1  # its number in a WAV
_LONGEST_CHUNK = 2**16  # bytes, before the sound


class NotSound(Exception):
    """What came is no sound, or is damaged."""


def decoded(more: More, content_type: str) -> Iterator[Sound]:
    """float32 mono at 24 kHz, in pieces, each as soon as it is there. Raises NotSound, and what `more` raises."""
    file = _Reader(more)
    if content_type.partition(";")[0].strip().lower() in _BARE:
        yield from _samples(file, RATE, 1)
    elif plain := _plain_wav(file):
        yield from _samples(file, *plain)
    else:
        yield from _in_container(file)


class _Reader:
    """A file of what comes, for FFmpeg, with a look ahead."""

    def __init__(self, more: More) -> None:
        self._more, self._rest = more, b""

    def read(self, size: int) -> bytes:
        """At most `size` bytes, as many as are there; b"" at the end."""
        data = self._rest or self._more()
        self._rest = data[size:]
        return data[:size]

    def ahead(self, size: int) -> bytes:
        """The next `size` bytes, fewer at the end; they are read again."""
        while len(self._rest) < size and (piece := self._more()):
            self._rest += piece
        return self._rest[:size]


def _plain_wav(file: _Reader) -> tuple[int, int] | None:
    """Rate and channels of a WAV of 16 bits, whose header is then read; None for anything else.

    FFmpeg would look through 1.4 s of its sound first, whether it is DTS.
    """
    head = file.ahead(_RIFF_BYTES)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    found, at = None, _RIFF_BYTES
    while len(chunk := file.ahead(at + _CHUNK_BYTES)[at:]) == _CHUNK_BYTES:
        name, size = struct.unpack("<4sI", chunk)
        at += _CHUNK_BYTES
        if name == b"data":
            if found:
                file.read(at)
            return found
        if size > _LONGEST_CHUNK:
            return None
        if name == b"fmt " and size >= _FORMAT_BYTES:
            form = file.ahead(at + _FORMAT_BYTES)[at:].ljust(_FORMAT_BYTES, b"\0")
            kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", form)
            is_plain = (kind, bits) == (_PCM, 8 * _BYTES) and channels > 0 and RATES_HZ[0] <= rate <= RATES_HZ[1]
            found = (rate, channels) if is_plain else None
        at += size + size % 2
    return None


def _samples(file: _Reader, rate: int, channels: int) -> Iterator[Sound]:
    """Bare samples of 16 bits."""
    resampler = None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, dtype="float32")
    rest, frame_bytes = b"", _BYTES * channels
    while piece := file.read(_BUFFER_BYTES * channels):
        data = rest + piece
        size = len(data) - len(data) % frame_bytes
        rest = data[size:]
        sound = np.frombuffer(data[:size], "<i2").reshape(-1, channels).mean(1, dtype=np.float32) / _FULL_SCALE
        sound = resampler.resample_chunk(sound) if resampler else sound
        if len(sound):
            yield sound
    if resampler:
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def _in_container(file: _Reader) -> Iterator[Sound]:
    options = {"format_whitelist": _FORMATS, "protocol_whitelist": "none", **_PROBED}
    try:
        container: Any = av.open(file, mode="r", container_options=options, buffer_size=_BUFFER_BYTES)
    except (av.FFmpegError, ValueError) as error:
        raise NotSound from error
    with container:
        if not container.streams.audio:
            raise NotSound
        resampler = av.AudioResampler("flt", "mono", RATE)
        try:
            for frame in container.decode(container.streams.audio[0]):
                yield from _sounds(resampler.resample(frame))
            yield from _sounds(resampler.resample(None))
        except (av.FFmpegError, ValueError) as error:
            raise NotSound from error


def _sounds(frames: list[Any]) -> Iterator[Sound]:
    for frame in frames:
        yield frame.to_ndarray().reshape(-1).astype(np.float32)
