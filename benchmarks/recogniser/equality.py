"""Whether the exported graph chooses the tokens that FunASR's own modules choose, frame by frame."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.output import show
from benchmarks.recogniser.peers import random_model
from benchmarks.recogniser.recordings import speech
from huiyin.services.asr.sensevoice.export import exported
from huiyin.services.asr.sensevoice.features import Frontend
from huiyin.services.asr.sensevoice.network import Network, OnnxNetwork, Output, TorchNetwork
from huiyin.services.asr.sensevoice.tags import EMOTION_QUERY, EVENT_QUERY, ITN_QUERY, LANGUAGE_QUERIES
from huiyin.services.asr.signal.kaldi import Features
from huiyin.services.common.audio import SAMPLE_RATE

_PIECES_S = (1.0, 3.0, 5.0, 10.0, 15.0)
_QUERIES = (LANGUAGE_QUERIES["auto"], EMOTION_QUERY, EVENT_QUERY, ITN_QUERY)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Compare, print the table, return the figures."""
    folder: Path = args.model or random_model()
    front = Frontend(folder / "am.mvn")
    sound, start, pieces = speech().astype(np.float32) / 32768, 0, []
    for length_s in _PIECES_S:
        length = round(length_s * SAMPLE_RATE)
        pieces.append(front(sound[start : start + length]))
        start += length
    stock = _outputs(TorchNetwork(folder, "cpu", "fp32", 2), pieces)
    exact = _outputs(OnnxNetwork(exported(folder, "fp32"), 2), pieces)
    rounded = _outputs(OnnxNetwork(exported(folder, "int8"), 2), pieces)
    same, int8 = _same(exact, stock), 1 - _same(rounded, exact)
    tags = max(float(np.abs(a.tags - b.tags).max()) for a, b in zip(exact, stock, strict=True))
    frames = str(sum(len(output.frames) for output in stock))
    rows = [
        ["float32 and FunASR's modules", frames, f"{100 * same:.2f} %", f"{tags:.1e}"],
        ["int8 and float32", frames, f"{100 - 100 * int8:.2f} %", None],
    ]
    show(("graphs compared", "frames", "the same token in", "tag logits within"), rows)
    return {"model": folder.name, "same_as_stock": same, "tag_logits_within": tags, "int8_different": int8}


def _outputs(network: Network, pieces: list[Features]) -> list[Output]:
    return [network.run([features], _QUERIES)[0] for features in pieces]


def _same(some: list[Output], others: list[Output]) -> float:
    pairs = [(a.frames, b.frames) for a, b in zip(some, others, strict=True)]
    return float(np.mean(np.concatenate([a == b for a, b in pairs])))
