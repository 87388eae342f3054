"""The parts that FunASR's recognisers share: features and encoder of their published configurations."""

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

DROPOUTS = {"dropout_rate": 0.1, "positional_dropout_rate": 0.1}
ENCODER: dict[str, Any] = {
    **DROPOUTS,
    "attention_dropout_rate": 0.1,
    "input_layer": "pe",
    "pos_enc_class": "SinusoidalPositionEncoder",
    "normalize_before": True,
    "kernel_size": 11,
    "sanm_shfit": 0,
    "selfattention_layer_type": "sanm",
}


def cmvn() -> str:
    """``am.mvn``, Kaldi's nnet text: the same shift and scale for every feature."""
    size = f"{FEATURES} {FEATURES}"
    text = f"<Nnet>\n<Splice> {size}\n[ 0 ]\n"
    for kind, value in (("AddShift", SHIFT), ("Rescale", SCALE)):
        text += f"<{kind}> {size}\n<LearnRateCoef> 0 [ {' '.join([str(value)] * FEATURES)} ]\n"
    return text + "</Nnet>\n"
