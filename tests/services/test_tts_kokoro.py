"""Kokoro's rewritten graph compared with the original."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from huiyin.configs.settings import load
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.common.onnx import has_exact_int8, open_model
from huiyin.services.tts.engines import kokoro, kokoro_graph, kokoro_passes
from huiyin.services.tts.engines.onnx_graph import Constants
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


def test_the_product_is_the_transform(tmp_path: Path) -> None:
    make, constant = onnx.helper.make_node, onnx.numpy_helper.from_array
    window = np.hanning(21)[:20].astype(np.float32)
    given = [constant(np.array(5), "hop"), constant(window, "window"), constant(np.array(20), "size")]
    node = make("STFT", ["signal", "hop", "window", "size"], ["spectrum"], "stft", onesided=1)
    signal = (np.random.default_rng(1).normal(size=(1, 320)) - 0.5).astype(np.float32)
    transform = run(tmp_path, [node], given, {"signal": signal})
    graph = onnx.helper.make_graph([node], "g", [], [], given)
    constants = Constants()
    kokoro_passes.transform_by_multiplying(graph, constants)
    product = run(tmp_path, list(graph.node), [*given, *constants.tensors], {"signal": signal})
    np.testing.assert_allclose(product, transform, atol=1e-4)
    means = product[0, :, 0]
    assert (means[:, 0] < 0).any()
    assert (means[means[:, 0] < 0, 1] > 0).all()  # their phase is pi, not -pi


def test_channels_scaled_at_once_are_the_same(tmp_path: Path) -> None:
    make = onnx.helper.make_node
    nodes = [
        make("Sqrt", ["variance"], ["deviation"]),
        make("Div", ["signal", "deviation"], ["even"], "/generator/block/adain1/Div"),
        make("Mul", ["loud", "even"], ["louder"], "louder"),  # two blocks share one normalisation
        make("Mul", ["even", "soft"], ["softer"], "softer"),
        make("Sub", ["louder", "softer"], ["spectrum"]),
    ]
    random = np.random.default_rng(1)
    feed = {name: random.uniform(1, 2, (1, 4, 1)).astype(np.float32) for name in ("variance", "loud", "soft")}
    feed["signal"] = random.normal(size=(1, 4, 50)).astype(np.float32)
    before = run(tmp_path, nodes, [], feed)
    graph = onnx.helper.make_graph(nodes, "g", [], [])
    kokoro_passes.scale_channels_at_once(graph, re.compile(r".*/adain.*"))
    assert not any("signal" in node.input for node in graph.node if node.op_type == "Div")
    np.testing.assert_allclose(run(tmp_path, list(graph.node), [], feed), before, rtol=1e-4, atol=1e-5)


def run(folder: Path, nodes: list[Any], given: list[Any], feed: dict[str, np.ndarray]) -> Any:
    """The value "spectrum" of a graph of `nodes`, with the constants `given`."""
    info, number = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    inputs = [info(name, number, value.shape) for name, value in feed.items()]
    graph = onnx.helper.make_graph(nodes, "g", inputs, [info("spectrum", number, None)], given)
    path = folder / "graph.onnx"
    opsets = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    return open_model(path).run(["spectrum"], feed)[0]


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
