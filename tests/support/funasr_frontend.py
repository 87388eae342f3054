"""The features of FunASR's recognisers, and their published configurations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

FEATURES = 560  # a frame: 7 of 80 mels
SHIFT = -13.0  # about the published means
SCALE = 0.15  # about one by the published deviations


def published(name: str, **sizes: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration `name` of `funasr.yaml`; `sizes` are added to its sections, such as `encoder_conf`."""
    config: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("funasr.yaml").read_text(encoding="utf-8"))[name]
    return {**config, **{section: {**config[section], **facts} for section, facts in sizes.items()}}


def cmvn() -> str:
    """``am.mvn``, Kaldi's nnet text: the same shift and scale for every feature."""
    size = f"{FEATURES} {FEATURES}"
    text = f"<Nnet>\n<Splice> {size}\n[ 0 ]\n"
    for kind, value in (("AddShift", SHIFT), ("Rescale", SCALE)):
        text += f"<{kind}> {size}\n<LearnRateCoef> 0 [ {' '.join([str(value)] * FEATURES)} ]\n"
    return text + "</Nnet>\n"
