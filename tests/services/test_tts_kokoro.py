"""Kokoro's rewritten graph compared with the original."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from huiyin.configs.settings import load
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.common.onnx import has_exact_int8, open_model
from huiyin.services.tts.engines import kokoro, kokoro_graph
from huiyin.services.tts.voice_engine import WordTiming

STEP = 240  # samples: 10 ms
VOICE = "zf_xiaoxiao"


def test_silence_is_left_out_and_keeps_its_weight() -> None:
    energy = np.full(100, -9.0, np.float32)
    energy[30:60] = 5.0
    start, end, weights = kokoro.audible_frames(energy)
    assert 0 < start < 30 < 60 < end < 100
    assert weights.sum() == pytest.approx(100)  # each frame once, the missing ones at the edges
    assert (weights[10:-10] == 1).all()
    assert weights[0] > 1 < weights[-1]


@pytest.mark.parametrize("energy", [np.full(9, -9.0), np.full(9, 5.0), np.full(1, -9.0), np.full(2, 5.0)])
def test_all_silence_or_none(energy: np.ndarray) -> None:
    start, end, weights = kokoro.audible_frames(energy.astype(np.float32))
    assert (start, end) == (0, len(energy))
    assert (weights == 1).all()


def test_another_model_is_refused(tmp_path: Path) -> None:
    info = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    float_type = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph([node], "g", [info("x", float_type, [1])], [info("y", float_type, [1])])
    path = tmp_path / "other.onnx"
    onnx.save(onnx.helper.make_model(graph), str(path))
    with pytest.raises(kokoro_graph.UnexpectedGraph, match=r"other\.onnx"):
        kokoro_graph.split(path, int8_products=True)


@pytest.fixture(scope="module")
def store() -> ModelStore:
    return ModelStore(load(environ={}).store)


@pytest.fixture(scope="module")
def stock(store: ModelStore) -> Any:
    """The export as it is."""
    return open_model(store.ensure("kokoro-v1.0.int8.onnx"), threads=2)


@pytest.fixture(scope="module", params=[True, False], ids=["int8", "plain"])
def engine(store: ModelStore, request: pytest.FixtureRequest) -> Iterator[kokoro.KokoroEngine]:
    """With and without the convolutions as matrix products."""
    with pytest.MonkeyPatch.context() as patch:
        if not request.param:
            patch.setattr(kokoro, "has_exact_int8", lambda: False)
        elif not has_exact_int8():
            pytest.skip("this processor has no exact 8-bit dot product")
        yield kokoro.KokoroEngine(store, threads=2)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["你好，很高兴认识你。", "苹果。", "What time is it?"])
def test_sounds_as_the_model_does(engine: kokoro.KokoroEngine, stock: Any, store: ModelStore, text: str) -> None:
    (ours,) = [made for made in engine.synthesise(text, VOICE) if not isinstance(made, WordTiming)]
    spoken = engine.phonemes(text)
    styles = np.fromfile(store.ensure(f"kokoro-voices/{VOICE}.bin"), np.float32).reshape(510, 1, 256)
    feed = {
        "tokens": np.array([[0, *(engine.ids[p] for p in spoken), 0]], np.int64),
        "style": styles[len(spoken) - 1],
        "speed": np.ones(1, np.float32),
    }
    theirs = stock.run(None, feed)[0]
    assert len(ours) < 0.8 * len(theirs)  # the rest is silence
    mine, model = envelope(ours), envelope(theirs)
    # Where ours lies in theirs, and how alike they are there.
    start = int(np.argmax(np.correlate(model, mine, "valid")))
    same = model[start : start + len(mine)]
    assert np.corrcoef(mine, same)[0, 1] > 0.97
    assert np.linalg.norm(mine) == pytest.approx(np.linalg.norm(same), rel=0.15)
    assert model[:start].max(initial=0) < 0.02
    assert model[start + len(mine) :].max(initial=0) < 0.02


def envelope(sound: np.ndarray) -> np.ndarray:
    """RMS of each 10 ms."""
    return np.sqrt(np.mean(sound[: len(sound) // STEP * STEP].reshape(-1, STEP) ** 2, axis=1))
