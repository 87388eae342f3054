"""The front end that FunASR's recognisers share: what their published configurations say of the features."""

from __future__ import annotations

from typing import Any

FEATURES = 560  # a frame: 7 of 80 mels
SHIFT = -13.0  # about the published means
SCALE = 0.15  # about one by the published deviations

FRONTEND: dict[str, Any] = {
    "fs": 16000,
    "window": "hamming",
    "n_mels": 80,
    "frame_length": 25,
    "frame_shift": 10,
    "lfr_m": 7,
    "lfr_n": 6,
}


def cmvn() -> str:
    """``am.mvn``, Kaldi's nnet text: the same shift and scale for every feature."""
    rows = (("AddShift", SHIFT), ("Rescale", SCALE))
    parts = [
        f"<{kind}> {FEATURES} {FEATURES}\n<LearnRateCoef> 0 [ {' '.join([str(value)] * FEATURES)} ]\n"
        for kind, value in rows
    ]
    return f"<Nnet>\n<Splice> {FEATURES} {FEATURES}\n[ 0 ]\n" + "".join(parts) + "</Nnet>\n"
