"""Decodes recordings of any format to float32, mono, 16 kHz, in [-1, 1].

FFmpeg's libraries read containers and codecs, through PyAV (no ffmpeg binary), in blocks of about a second: the memory
does not grow with the length, and limits apply while it decodes.

FFmpeg gets bytes or an open file, never a name, and only listed formats: a "recording" that is really a playlist cannot
make this process open other files or addresses.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
import numpy.typing as npt
import soxr

from huiyin.services.common.channels import Apart, AsRecorded, Downmix, channels_of
from huiyin.services.common.errors import ApiError
from huiyin.services.common.headers import bytes_left, mp3_has_frame_count, riff_bytes
from huiyin.services.common.pcm import PcmFormat
from huiyin.services.common.reader_language import in_readers_words
from huiyin.services.common.riff import readable
from huiyin.services.common.tracks import usable, with_sound

SAMPLE_RATE = 16_000  # Hz, everywhere inside the project
MIN_DURATION_S = 0.05  # shorter than any syllable; recognisers crash on a few samples

Samples = npt.NDArray[np.float32]
Source = bytes | Path | BinaryIO
Mix = Apart | AsRecorded | Downmix

_BLOCK_S = 1.0
_MIN_BYTES_PER_S = 100  # every codec uses more: a header that claims a longer file is wrong
_DAMAGE_S = 0.05  # missing sound that is more than a codec's own delay and padding
_OVER_FULL_SCALE = 1.5  # lossy codecs overshoot 1.0 a little; beyond this the file is scaled wrongly

# Demuxers for sound and for films with sound. Left out: playlists and all that names other files (hls, dash, concat,
# sdp, imf), pictures, subtitles, text, devices, and headerless formats that match any bytes.
_FORMATS = (
    "wav,w64,aiff,au,caf,flac,mp3,aac,ogg,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,asf,amr,amrnb,amrwb,avi,flv,mpeg,mpegts,"
    "ac3,eac3,dts,ape,wv,tta,tak,mpc,mpc8,voc,nistsphere,ircam,sox,gsm,ilbc,oma,rm,dsf,spdif,truehd,mlp,shn,nut,wtv,mxf,loas"
)

# Demuxers (their first names) that read the length from the file; the others guess it from the first bit rate.
_WITH_LENGTH = {"wav", "w64", "aiff", "au", "caf", "flac", "ogg", "matroska", "mov", "wv", "ape"}

# Titles in old encodings must not prevent a file from opening; from PyAV 19 on they never do.
_ANY_TITLE: dict[str, Any] = {"metadata_errors": "ignore"} if int(av.__version__.split(".")[0]) < 19 else {}

# FFmpeg checks the checksum of a FLAC frame only with this option; without it damage becomes noise.
_STRICT = {"flac": {"err_detect": "crccheck+explode"}}


@dataclass
class AudioReader:
    """Decodes a recording block by block.

    Iterate once for float32 blocks of about a second (mono, 16 kHz, in [-1, 1]); `warnings` and `decoded_s` are
    complete when the iteration ends. `source` is the bytes, a path, or an open binary file; it is not closed.
    With `apart` the blocks have the shape (n, 2): the two channels side by side.

    Iterating raises ApiError: 400 `empty_audio`; 413 `audio_too_long` (by its header, or as soon as `max_duration_s`
    is passed); 422 `not_audio`, `no_audio_stream`, `unknown_codec`, `audio_too_short`, `invalid_samples` (NaN or
    infinity); with `apart` also `not_two_channels`. Of a damaged
    or cut-off file the rest is decoded, with a warning.
    """

    source: Source
    max_duration_s: float
    pcm: PcmFormat | None = None
    warnings: list[str] = field(default_factory=list)
    decoded_s: float = 0.0
    expected_s: float | None = None
    """Its length by its header, or a guess; None where it is unknown."""
    apart: bool = False

    _promised_s: float = field(default=0.0, init=False)
    _is_damaged: bool = field(default=False, init=False)

    def __iter__(self) -> Iterator[Samples]:
        with self._opened() as file:
            yield from self._read(file)

    def as_recorded(self) -> Iterator[tuple[int, Samples]]:
        """Its sound as it was recorded, instead of iterating: (rate in Hz, float32 (n, 1) or (n, 2)), bit by bit.

        Times are those of iterating. Raises ApiError 413, 422 where it cannot be opened.
        """
        with self._opened() as file:
            yield from self._chunks(file, bytes_left(file), AsRecorded())

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        if isinstance(self.source, Path):
            with self.source.open("rb") as file:
                yield file
        else:
            yield io.BytesIO(self.source) if isinstance(self.source, bytes) else self.source

    def again(self, *, apart: bool = False) -> AudioReader:
        """A reader of the same recording, from its beginning. This one must not go on then."""
        if not isinstance(self.source, (bytes, Path)):
            self.source.seek(0)
        return AudioReader(self.source, self.max_duration_s, self.pcm, apart=apart)

    def _read(self, file: BinaryIO) -> Iterator[Samples]:
        size = bytes_left(file)
        if size == 0:
            raise ApiError(400, "services.empty_audio")
        n_samples = 0
        for block in _to_16k(self._chunks(file, size, Apart() if self.apart else Downmix())):
            n_samples += len(block)
            self.decoded_s = n_samples / SAMPLE_RATE
            if self.decoded_s > self.max_duration_s:
                raise ApiError(413, "services.audio_too_long", limit_s=self.max_duration_s)
            if len(block):
                yield self._checked(block)
        if self.decoded_s < MIN_DURATION_S:
            if self.warnings:
                raise ApiError(422, "services.damaged_audio", why=self.warnings[0])
            length_ms, least_ms = self.decoded_s * 1000, MIN_DURATION_S * 1000
            raise ApiError(422, "services.audio_too_short", length_ms=length_ms, least_ms=least_ms)
        missing_s = self._promised_s - self.decoded_s
        if missing_s > _DAMAGE_S and not self.warnings:
            missing = in_readers_words("services.seconds_missing", missing_s=missing_s, promised_s=self._promised_s)
            self.warnings.append(missing)

    def _checked(self, block: Samples) -> Samples:
        if not np.isfinite(block).all():
            raise ApiError(422, "services.invalid_samples")
        if np.abs(block).max(initial=0.0) > _OVER_FULL_SCALE:
            warning = in_readers_words("services.clipped")
            if warning not in self.warnings:
                self.warnings.append(warning)
        return np.clip(block, -1.0, 1.0)

    def _chunks(self, file: BinaryIO, size: int | None, mix: Mix) -> Iterator[tuple[int, Samples]]:
        return self._pcm_chunks(file, mix) if self.pcm else self._media_chunks(file, size, mix)

    def _pcm_chunks(self, file: BinaryIO, mix: Mix) -> Iterator[tuple[int, Samples]]:
        assert self.pcm is not None
        rate, channels = self.pcm.rate, self.pcm.channels
        frame_bytes = 2 * channels
        while data := file.read(round(_BLOCK_S * rate) * frame_bytes):
            if extra := len(data) % frame_bytes:
                self.warnings.append(in_readers_words("services.half_sample"))
                data = data[:-extra]
            values = np.frombuffer(data, dtype=">i2" if self.pcm.big_endian else "<i2") / np.float64(32768.0)
            yield rate, mix(values.reshape(-1, channels).T, rate).astype(np.float32)

    def _media_chunks(self, file: BinaryIO, size: int | None, mix: Mix) -> Iterator[tuple[int, Samples]]:
        promised, mp3_has_length = riff_bytes(file), mp3_has_frame_count(file)
        if promised and size and promised > size:
            self._is_damaged = True
            missing = in_readers_words("services.bytes_missing", missing=promised - size, promised=promised)
            self.warnings.append(missing)
        container, stream = _open_track(readable(file))
        with container:
            self._check_header(container, size, mp3_has_length)
            stream.codec_context.options = _STRICT.get(stream.codec_context.name, {})
            position_s = 0.0
            packets = container.demux(stream)
            while True:
                try:
                    packet = next(packets, None)
                    frames = [] if packet is None else packet.decode()
                    blocks = [(frame.sample_rate, channels_of(frame)) for frame in frames]
                except (av.FFmpegError, ValueError) as error:
                    self._damaged(position_s, error)
                    continue
                if packet is None:
                    return
                for rate, channels in blocks:
                    position_s += channels.shape[1] / rate
                    yield rate, mix(channels, rate).astype(np.float32)

    def _check_header(self, container: av.container.InputContainer, size: int | None, mp3_has_length: bool) -> None:
        """Refuse a recording that its header calls too long; a claim that its size cannot bear out is ignored."""
        claimed_s = container.duration / av.time_base if container.duration else 0.0
        if size is not None and claimed_s * _MIN_BYTES_PER_S > size:
            return
        self.expected_s = claimed_s or None
        kind = container.format.name.partition(",")[0]
        if kind in _WITH_LENGTH or (kind == "mp3" and mp3_has_length):
            self._promised_s = claimed_s
        if self._promised_s > self.max_duration_s:
            limit_s = self.max_duration_s
            raise ApiError(
                413, "services.audio_too_long_by_header", code="audio_too_long", claimed_s=claimed_s, limit_s=limit_s
            )

    def _damaged(self, position_s: float, error: Exception) -> None:
        if not self._is_damaged:  # only the first
            self._is_damaged = True
            damage = in_readers_words("services.damaged_at", position_s=position_s, why=_reason(error))
            self.warnings.append(damage)


@dataclass(frozen=True)
class Audio:
    """A recording in memory: `samples` float32 (n,), mono, 16 kHz, in [-1, 1]."""

    samples: Samples
    warnings: tuple[str, ...]

    @property
    def duration_s(self) -> float:
        """Its length in seconds."""
        return len(self.samples) / SAMPLE_RATE


def decode(source: Source, *, max_duration_s: float, pcm: PcmFormat | None = None) -> Audio:
    """The whole recording at once. Raises ApiError as AudioReader does."""
    reader = AudioReader(source, max_duration_s, pcm)
    blocks = list(reader)
    return Audio(np.concatenate(blocks), tuple(reader.warnings))


def _open(file: BinaryIO) -> av.container.InputContainer:
    options = {"format_whitelist": _FORMATS, "protocol_whitelist": "none", "codec_whitelist": _audio_codecs()}
    try:
        # Not `options`: up to PyAV 17.0 those end the process where probing finds one more track.
        container: av.container.InputContainer = av.open(file, mode="r", container_options=options, **_ANY_TITLE)
    except (av.FFmpegError, ValueError) as error:
        raise ApiError(422, "services.not_audio") from error
    return container


def _open_track(file: BinaryIO) -> tuple[av.container.InputContainer, av.AudioStream]:
    """A recording, at its beginning, and the track to transcribe. Raises ApiError 422."""
    seekable = bytes_left(file) is not None
    here = file.tell() if seekable else 0
    container = _open(file)
    tracks = usable(container)
    if not tracks:
        name, has_sound = container.format.name, bool(container.streams.audio)
        container.close()
        raise ApiError(422, "services.unknown_codec" if has_sound else "services.no_audio_stream", container=name)
    if len(tracks) == 1 or not seekable:
        return container, tracks[0]
    with container:
        number = with_sound(container)
    file.seek(here)
    container = _open(file)
    return container, usable(container)[number]


@functools.lru_cache(maxsize=1)
def _audio_codecs() -> str:
    """FFmpeg's decoders for sound, comma-separated: no picture of a film is decoded, not even to probe it."""
    names = []
    for name in sorted(av.codecs_available):
        try:
            if av.Codec(name, "r").type == "audio":
                names.append(name)
        except ValueError:
            continue  # an encoder only
    return ",".join(names)


def _to_16k(chunks: Iterable[tuple[int, Samples]]) -> Iterator[Samples]:
    """Blocks of about a second at 16 kHz from (rate, samples) chunks; the rate may change on the way.

    A chunk has the shape (n,), or (n, channels), as all others then.
    """
    pending: list[Samples] = []
    pending_s, rate = 0.0, 0
    nothing = np.empty(0, np.float32)
    resampler: soxr.ResampleStream | None = None

    def resampled(last: bool) -> Samples:
        block = np.concatenate(pending) if pending else nothing
        if resampler is not None:
            block = np.asarray(resampler.resample_chunk(block, last=last), dtype=np.float32)
        return block

    for chunk_rate, chunk in chunks:
        nothing = chunk[:0]
        if chunk_rate != rate:
            if rate:
                yield resampled(last=True)
            pending, pending_s, rate = [], 0.0, chunk_rate
            channels = 1 if chunk.ndim == 1 else chunk.shape[1]
            resampler = None
            if rate != SAMPLE_RATE:
                resampler = soxr.ResampleStream(rate, SAMPLE_RATE, channels, dtype="float32")
        pending.append(chunk)
        pending_s += len(chunk) / rate
        if pending_s >= _BLOCK_S:
            yield resampled(last=False)
            pending, pending_s = [], 0.0
    yield resampled(last=True)


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
