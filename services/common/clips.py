"""Stretches of a recording as MP3 files, which every player and browser plays."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import av
import numpy as np

from huiyin.services.common.audio import AudioReader, Samples

_RATES_HZ = (16_000, 22_050, 24_000, 32_000, 44_100, 48_000)  # of MP3; its lower ones save little
_BIT_RATE = 64_000  # a channel: laughter and applause stay clear
_LAYOUTS = {1: "mono", 2: "stereo"}
_FULL_SCALE = 32767.0


@dataclass(frozen=True)
class Stretch:
    """Of a recording, in seconds from its beginning; `title` goes into the file."""

    start_s: float
    end_s: float
    title: str


def cut(reader: AudioReader, stretches: Sequence[Stretch]) -> Iterator[tuple[int, bytes]]:
    """(number of the stretch, its file), each as soon as it is whole; they may overlap. What is not there is left out.

    The recording is decoded once, up to the last end. Raises ApiError as `AudioReader.as_recorded` does.
    """
    waiting = sorted(range(len(stretches)), key=lambda number: stretches[number].start_s, reverse=True)
    under_way: dict[int, _Mp3] = {}
    position_s = 0.0
    for rate, block in reader.as_recorded():
        end_s = position_s + len(block) / rate
        while waiting and stretches[waiting[-1]].start_s < end_s:
            number = waiting.pop()
            under_way[number] = _Mp3(rate, block.shape[1], stretches[number].title)
        for number, file in list(under_way.items()):
            stretch = stretches[number]
            first = round(max(0.0, stretch.start_s - position_s) * rate)
            file.add(rate, block[first : max(first, round((stretch.end_s - position_s) * rate))])
            if stretch.end_s <= end_s:
                yield number, under_way.pop(number).finish()
        position_s = end_s
        if not (waiting or under_way):
            return
    for number, file in under_way.items():
        yield number, file.finish()


class _Mp3:
    """A file in the making, one channel or two."""

    def __init__(self, rate_hz: int, channels: int, title: str) -> None:
        self._layout = _LAYOUTS[channels]
        self._rate_hz = next((rate for rate in _RATES_HZ if rate >= rate_hz), _RATES_HZ[-1])
        self._bytes = io.BytesIO()
        self._container = av.open(self._bytes, "w", format="mp3")
        self._container.metadata["title"] = title
        self._stream = cast(Any, self._container.add_stream("libmp3lame", rate=self._rate_hz, layout=self._layout))
        self._stream.bit_rate = _BIT_RATE * channels
        self._resampler: av.AudioResampler | None = None
        self._comes_as = 0, 0

    def add(self, rate_hz: int, samples: Samples) -> None:
        """The next samples, float32 (n, 1) or (n, 2) in [-1, 1]; rate and channels may change on the way."""
        if not len(samples):
            return
        if self._comes_as != (rate_hz, samples.shape[1]):
            self._flush()
            self._comes_as = rate_hz, samples.shape[1]
            self._resampler = av.AudioResampler("s16p", self._layout, self._rate_hz)
        sound = np.clip(np.nan_to_num(samples), -1.0, 1.0) * np.float32(_FULL_SCALE)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T, np.int16), "s16p", _LAYOUTS[samples.shape[1]])
        frame.sample_rate = rate_hz
        self._encode(frame)

    def finish(self) -> bytes:
        """After the last samples: the file."""
        self._flush()
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._bytes.getvalue()

    def _flush(self) -> None:
        if self._resampler is not None:
            self._encode(None)

    def _encode(self, frame: av.AudioFrame | None) -> None:
        assert self._resampler is not None
        for each in self._resampler.resample(frame):
            each.pts = None  # the encoder counts
            self._container.mux(self._stream.encode(each))
