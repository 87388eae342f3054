"""With the published weights, where they are: ``HUIYIN_SENSEVOICE_DIR=/path/to/SenseVoiceSmall make test``.

Written to be run as it is; the limits are what the model's own publication leads one to expect, with room.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from huiyin.configs.settings import AsrSettings
from huiyin.services.asr.recogniser import Engine, Hints, load_engine
from huiyin.services.asr.sensevoice.export import exported
from huiyin.services.asr.sensevoice.features import Frontend
from huiyin.services.asr.sensevoice.network import OnnxNetwork, TorchNetwork
from huiyin.services.common.audio import Samples, decode
from tests.support.scoring import error_rate
from tests.support.speech_clips import recorded

FOLDER = os.environ.get("HUIYIN_SENSEVOICE_DIR", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER, reason="HUIYIN_SENSEVOICE_DIR does not name a folder with the published weights"),
]
QUERIES = (0, 1, 2, 14)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine(AsrSettings(engine="sensevoice", model=FOLDER), Path)


@dataclass(frozen=True)
class Clip:
    language: str
    text: str
    samples: Samples


@functools.cache
def spoken() -> list[Clip]:
    clips = [Clip(language, text, decode(file, max_duration_s=60).samples) for file, language, text in recorded()]
    if not clips:
        pytest.skip("the recorded clips are not here")
    return clips


def test_it_understands_the_recorded_clips(engine: Engine) -> None:
    for language, limit in (("zh", 0.12), ("en", 0.15)):
        pairs = [
            (clip.text, " ".join(s.text for s in engine.recognise([clip.samples], Hints())[0].segments))
            for clip in spoken()
            if clip.language == language
        ]
        assert error_rate(pairs, language) <= limit


def test_it_knows_the_language(engine: Engine) -> None:
    for clip in spoken():
        segments = engine.recognise([clip.samples], Hints(("zh", "en", "yue", "ja", "ko")))[0].segments
        assert {segment.language for segment in segments} == {clip.language}


def test_no_tag_is_left_in_any_text(engine: Engine) -> None:
    for clip in spoken():
        for itn in (True, False):
            for segment in engine.recognise([clip.samples], Hints(itn=itn))[0].segments:
                assert "<|" not in segment.text
                assert segment.emotion and sum(segment.emotion.scores.values()) == pytest.approx(1.0)


def test_the_exported_graph_agrees_with_the_stock_modules_on_speech() -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed (`make funasr`)")
    pytest.importorskip("funasr", reason="FunASR is not installed (`make funasr`)")
    folder = Path(FOLDER)
    front, same, token_errors = Frontend(folder / "am.mvn"), [], []
    networks = (
        TorchNetwork(folder, "cpu", "fp32", 2),
        OnnxNetwork(exported(folder, "fp32"), 2),
        OnnxNetwork(exported(folder, "int8"), 2),
    )
    for clip in spoken():
        stock, exact, rounded = (network.run([front(clip.samples)], QUERIES)[0] for network in networks)
        same.append(stock.frames == exact.frames)
        token_errors.append(exact.frames != rounded.frames)
    assert np.concatenate(same).mean() >= 0.995
    assert np.concatenate(token_errors).mean() <= 0.02
