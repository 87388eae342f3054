"""Sound that is transcribed while it comes: the microphone's, or a recording's at its own speed."""

from __future__ import annotations

import contextlib
import itertools
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import av

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.devices import find_device
from huiyin.assistant.ports.port import Pcm16, PortError
from huiyin.assistant.ports.streams import open_stream

_BLOCK_S = 0.04  # sound the service is sent at once
_DEAD_AFTER_S = 2.0  # a live microphone brings a block every 40 ms


class SoundSource(Protocol):
    """Sound as it comes, for one listener."""

    rate: int
    """Samples a second."""

    def blocks(self) -> Iterator[bytes]:
        """16-bit little-endian mono at `rate`, each block as soon as it is there; until its end or `stop`."""

    def stop(self) -> None:
        """Give no more; from any thread."""


class MicrophoneSource:
    """A `SoundSource`: a microphone, opened at once. `device` is a number, a name, part of one, or '' for the default.

    Raises PortError without a device of this name, DriverError where it cannot be opened.
    """

    def __init__(self, device: str, latency_s: float) -> None:
        self._blocks: queue.SimpleQueue[Pcm16] = queue.SimpleQueue()
        self._stopped = threading.Event()
        number = find_device(device, "input").number if device else None
        self._stream = open_stream(
            "input", number, lambda rate: lambda mic: self._blocks.put(mic.copy()),
            latency=latency_s, block_s=_BLOCK_S, what="the microphone",
        )  # fmt: skip
        self.rate = self._stream.rate  # the service resamples

    def blocks(self) -> Iterator[bytes]:
        """As `SoundSource.blocks`, until `stop`. Raises PortError when the device dies."""
        try:
            while not self._stopped.is_set():
                yield self._blocks.get(timeout=_DEAD_AFTER_S).astype("<i2").tobytes()
        except queue.Empty:
            if not self._stopped.is_set():
                raise PortError("ports.microphone_stopped") from None
        finally:
            self._stream.close()

    def stop(self) -> None:
        """As `SoundSource.stop`."""
        self._stopped.set()


class FileSource:
    """A `SoundSource`: a recording as if it were spoken now. Raises PortError for no recording."""

    rate = SAMPLE_RATE

    def __init__(self, path: Path) -> None:
        self._path, self._stopped = path, threading.Event()
        try:
            self._container = av.open(str(path))
            self._stream = self._container.streams.audio[0]
        except (av.FFmpegError, OSError, ValueError) as error:
            raise PortError("ports.file_unreadable", path=path, why=getattr(error, "strerror", "") or error) from error
        except IndexError:
            raise PortError("ports.file_without_sound", path=path) from None

    def blocks(self) -> Iterator[bytes]:
        """As `SoundSource.blocks`, each when its last sample would have been heard."""
        started, position_s = time.monotonic(), 0.0
        with self._container:
            for data in self._decoded():
                position_s += len(data) / 2 / SAMPLE_RATE
                if self._stopped.wait(max(0.0, started + position_s - time.monotonic())):
                    return
                yield data

    def stop(self) -> None:
        """As `SoundSource.stop`."""
        self._stopped.set()

    def _decoded(self) -> Iterator[bytes]:
        """Whole blocks; the last may be shorter. What is behind a damage is lost."""
        size = round(_BLOCK_S * SAMPLE_RATE) * 2
        resampler = av.AudioResampler("s16", "mono", SAMPLE_RATE)
        held = b""
        with contextlib.suppress(av.FFmpegError):
            for frame in itertools.chain(self._container.decode(self._stream), [None]):
                for piece in resampler.resample(frame):
                    held += piece.to_ndarray().astype("<i2").tobytes()
                while len(held) >= size:
                    yield held[:size]
                    held = held[size:]
        if held:
            yield held
