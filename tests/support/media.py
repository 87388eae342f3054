"""Sound files of every kind, made for tests with PyAV."""

from __future__ import annotations

import io

import av
import numpy as np
import numpy.typing as npt
import soxr

from huiyin.services.common.audio import SAMPLE_RATE

_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


def encode(
    samples: npt.NDArray[np.float32],
    container: str = "wav",
    codec: str = "pcm_s16le",
    rate: int = 16_000,
    channels: int = 1,
) -> bytes:
    """`samples` (float32 mono 16 kHz) as a file. More than one channel: the same sound in each."""
    sound = np.asarray(soxr.resample(samples, SAMPLE_RATE, rate), dtype=np.float32)
    return film(container, codec, np.stack([sound] * channels), rate=rate)


def film(container: str, codec: str, *tracks: npt.NDArray[np.float32], rate: int = SAMPLE_RATE) -> bytes:
    """A file with these tracks, each (samples,) or (channels, samples) at `rate`."""
    sounds = [np.atleast_2d(track) for track in tracks]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        layouts = [_LAYOUTS[len(sound)] for sound in sounds]
        streams = [output.add_stream(codec, rate=rate, layout=layout) for layout in layouts]
        for stream, layout, sound in zip(streams, layouts, sounds, strict=True):
            frame = av.AudioFrame.from_ndarray(sound, "fltp", layout)
            frame.sample_rate, frame.pts = rate, 0
            resampler = av.AudioResampler(stream.format, stream.layout, stream.rate)
            for piece in (*resampler.resample(frame), *resampler.resample(None)):
                output.mux(stream.encode(piece))
            output.mux(stream.encode(None))
    return buffer.getvalue()


def float_wav(samples: npt.NDArray[np.float32]) -> bytes:
    """A WAV that holds exactly these values, also such as NaN; 16 kHz mono."""
    data = samples.astype("<f4").tobytes()
    form = (3).to_bytes(2, "little") + (1).to_bytes(2, "little") + (16_000).to_bytes(4, "little")
    form += (64_000).to_bytes(4, "little") + (4).to_bytes(2, "little") + (32).to_bytes(2, "little")
    chunks = b"fmt " + len(form).to_bytes(4, "little") + form + b"data" + len(data).to_bytes(4, "little") + data
    return b"RIFF" + (4 + len(chunks)).to_bytes(4, "little") + b"WAVE" + chunks


def pcm16(samples: npt.NDArray[np.float32]) -> bytes:
    """Bare little-endian 16-bit samples."""
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
