"""What a report shows and plays of the recording: a waveform of few points, and the sound itself, made small."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator
from typing import Any, cast

import av
import numpy as np

from huiyin.services.common.audio import SAMPLE_RATE, AudioReader, Samples

MOST_PEAKS = 4000

_FIRST_STEP = 160  # samples a point in the shortest recordings: 10 ms
_BIT_RATE = 32_000  # speech at 16 kHz stays clear; an hour takes 14 MB
_IN_MEMORY_BYTES = 8 * 2**20
_BASE64_BYTES = 3 * 2**14  # a multiple of three, so that the pieces join


class Waveform:
    """The loudest sample of each short stretch. Its memory does not grow: at twice the length the stretches double."""

    def __init__(self, most: int) -> None:
        """At most `most` points, 2 to MOST_PEAKS; there are at least half as many unless the recording is tiny."""
        self._most, self._step = most - most % 2, _FIRST_STEP
        self._peaks: list[float] = []
        self._begun, self._loudest = 0, 0.0  # samples of the stretch that is not complete

    def add(self, samples: Samples) -> None:
        """The next samples, float32 (n,) in [-1, 1]."""
        loud = np.abs(samples)
        while len(loud):
            if self._begun or len(loud) < self._step:
                used = min(self._step - self._begun, len(loud))
                self._begun, self._loudest = self._begun + used, max(self._loudest, float(loud[:used].max()))
                if self._begun == self._step:
                    self._peaks.append(self._loudest)
                    self._begun, self._loudest = 0, 0.0
            else:
                count = min(len(loud) // self._step, self._most - len(self._peaks))
                used = count * self._step
                self._peaks += loud[:used].reshape(count, self._step).max(axis=1).tolist()
            loud = loud[used:]
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
        return [*self._peaks, self._loudest] if self._begun else list(self._peaks)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"step_s": self.step_s, "peaks": [round(peak, 3) for peak in self.peaks]}


class Sound:
    """The recording as MP3, mono, 16 kHz: what every browser plays, whatever the recording was."""

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
        """No more samples come."""
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def as_base64(self) -> Iterator[str]:
        """The file in base64, piece by piece."""
        self._file.seek(0)
        while data := self._file.read(_BASE64_BYTES):
            yield base64.b64encode(data).decode()

    def close(self) -> None:
        """Forget it."""
        self._file.close()


def listen(reader: AudioReader, peaks: int, sound_up_to_s: float) -> tuple[Waveform, Sound | None]:
    """Decode a recording once more, for `peaks` points and, unless it is longer than `sound_up_to_s`, its sound.

    Decoding takes 2 s an hour of WAV and 6 s an hour of MP3, so it is not worth keeping from the first time, least of
    all when the transcript came from a cache. Raises ApiError as AudioReader does.
    """
    waveform, sound = Waveform(peaks), Sound() if sound_up_to_s > 0 else None
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
