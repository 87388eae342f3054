"""Loudness of sound, by FFmpeg's meter."""

from __future__ import annotations

import av
import numpy as np
import numpy.typing as npt

_BLOCK_S = 0.2


def lufs(samples: npt.NDArray[np.float32], rate: int) -> float:
    """Integrated loudness (EBU R 128) of mono `samples` in [-1, 1]."""
    meter = av.filter.Graph()
    source = meter.add_abuffer(sample_rate=rate, format="flt", layout="mono")
    scale, sink = meter.add("ebur128", "metadata=1"), meter.add("abuffersink")
    source.link_to(scale)
    scale.link_to(sink)
    meter.configure()
    result = -np.inf
    block = round(_BLOCK_S * rate)
    for at in range(0, len(samples), block):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None, at : at + block]), "flt", "mono")
        frame.sample_rate, frame.pts = rate, at
        source.push(frame)
        while True:
            try:
                measured = sink.pull()
            except (av.BlockingIOError, av.EOFError):
                break
            result = float(measured.metadata.get("lavfi.r128.I", result))  # type: ignore[union-attr]
    return result
