"""The recording in a report: a waveform of few points, and the sound itself, compressed."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator
from typing import Any, cast

import av
import numpy as np

from huiyin.services.common.audio import SAMPLE_RATE, AudioReader, Samples

MOST_PEAKS = 4000

_FRAME = 160  # samples, 10 ms: a point of the shortest recordings
_BIT_RATE = 32_000  # speech at 16 kHz stays clear; an hour takes 14 MB
_IN_MEMORY_BYTES = 8 * 2**20
_BASE64_BYTES = 3 * 2**14  # a multiple of three, so that the pieces join


class Waveform:
    """The loudest sample of each step. Its memory is bounded: for twice the length the step doubles."""

    def __init__(self, most: int) -> None:
        """At most `most` points, 2 to MOST_PEAKS; at least half as many but for short recordings."""
        self._most = most - most % 2
        self._step = _FRAME  # samples a point
        self._peaks: list[float] = []
        self._frames: list[float] = []  # peaks of the frames of the incomplete point
        self._rest = np.empty(0, np.float32)  # samples of the incomplete frame

    def add(self, samples: Samples) -> None:
        """The next samples, float32 (n,) in [-1, 1]."""
        loud = np.concatenate([self._rest, np.abs(samples)])
        whole = len(loud) // _FRAME * _FRAME
        self._rest = loud[whole:]
        for peak in loud[:whole].reshape(-1, _FRAME).max(axis=1).tolist():
            self._frames.append(peak)
            if len(self._frames) * _FRAME == self._step:
                self._peaks.append(max(self._frames))
                self._frames.clear()
            if len(self._peaks) == self._most:
                self._peaks = [max(pair) for pair in zip(self._peaks[::2], self._peaks[1::2], strict=True)]
                self._step *= 2

    @property
    def step_s(self) -> float:
        """Seconds from one point to the next."""
        return self._step / SAMPLE_RATE

    @property
    def peaks(self) -> list[float]:
        """The points, in [0, 1]."""
        incomplete = [*self._frames, *self._rest.tolist()]
        return [*self._peaks, max(incomplete)] if incomplete else list(self._peaks)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"step_s": self.step_s, "peaks": [round(peak, 3) for peak in self.peaks]}


class Sound:
    """The recording as MP3, mono, 16 kHz, which every browser plays."""

    content_type = "audio/mpeg"

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)  # noqa: SIM115 - lives as long as this
        self._container = av.open(cast(Any, self._file), "w", format="mp3")
        self._stream = cast(Any, self._container.add_stream("libmp3lame", rate=SAMPLE_RATE, layout="mono"))
        self._stream.bit_rate = _BIT_RATE
        self._position = 0

    def add(self, samples: Samples) -> None:
        """The next samples, float32 (n,) in [-1, 1]."""
        pcm = np.ascontiguousarray(samples * np.float32(32767.0), dtype=np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[np.newaxis], "s16p", "mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE, self._position
        self._position += len(pcm)
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """After the last samples."""
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def as_base64(self) -> Iterator[str]:
        """The file in base64, in pieces."""
        self._file.seek(0)
        while data := self._file.read(_BASE64_BYTES):
            yield base64.b64encode(data).decode()

    def close(self) -> None:
        """Delete the file."""
        self._file.close()


def waveform_and_sound(reader: AudioReader, peaks: int, sound_up_to_s: float) -> tuple[Waveform, Sound | None]:
    """A waveform of `peaks` points and, for a recording up to `sound_up_to_s`, its sound.

    It decodes the recording a second time, which takes 2 s an hour of WAV and 6 s an hour of MP3. Raises ApiError as
    AudioReader does.
    """
    waveform = Waveform(peaks)
    sound = Sound() if sound_up_to_s > 0 else None
    for block in reader:
        waveform.add(block)
        if sound and reader.decoded_s > sound_up_to_s:
            sound.close()
            sound = None
        if sound:
            sound.add(block)
    if sound:
        sound.finish()
    return waveform, sound
