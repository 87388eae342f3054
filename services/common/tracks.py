"""Which of a file's audio tracks is transcribed."""

from __future__ import annotations

from typing import cast

import av
import numpy as np

from huiyin.services.common.channels import channels_of

_SURE_DB = -30.0  # the loudest second of ordinary speech is louder: a first track with one needs no comparison
_SIMILAR_DB = 20.0  # a track further below the loudest holds the noise of a muted microphone
_PROBE_S = 3600.0  # listened to, at most: some seconds of work
_SILENCE = 1e-12  # power, so that a logarithm exists


def usable(container: av.container.InputContainer) -> list[av.AudioStream]:
    """The audio tracks that can be decoded."""
    return [stream for stream in container.streams.audio if stream.codec_context is not None]


def with_sound(container: av.container.InputContainer) -> int:
    """Number, among the usable tracks, of the first that is nearly as loud as the loudest. Reads `container`."""
    tracks = {stream.index: _Loudness() for stream in usable(container)}
    first = next(iter(tracks.values()))
    packets = container.demux(usable(container))
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                break
            track = tracks[packet.stream.index]
            for frame in cast("list[av.AudioFrame]", packet.decode()):
                track.add(frame)
        except (av.FFmpegError, ValueError):
            continue  # damage is reported when the track is read
        if first.loudest_db >= _SURE_DB or track.length_s >= _PROBE_S:
            break
    loudest_db = max(track.loudest_db for track in tracks.values())
    return next(i for i, track in enumerate(tracks.values()) if track.loudest_db >= loudest_db - _SIMILAR_DB)


class _Loudness:
    """The level of a track's loudest second, in its loudest channel."""

    def __init__(self) -> None:
        self.length_s = 0.0
        self._loudest = self._energy = self._energy_s = 0.0

    @property
    def loudest_db(self) -> float:
        """In dBFS; of a track shorter than a second, that of all of it."""
        return float(10 * np.log10(max(self._loudest, self._energy) + _SILENCE))

    def add(self, frame: av.AudioFrame) -> None:
        """The next frame. Raises ValueError, see `channels_of`."""
        length_s = frame.samples / frame.sample_rate
        self.length_s += length_s
        self._energy += length_s * float(np.mean(channels_of(frame) ** 2, axis=1).max(initial=0.0))
        self._energy_s += length_s
        if self._energy_s >= 1.0:
            self._loudest = max(self._loudest, self._energy / self._energy_s)
            self._energy = self._energy_s = 0.0
