"""SenseVoice's engine, on a network that was trained on tones: real layers, real queries, known answers."""

from __future__ import annotations

import itertools
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huiyin.configs.settings import AsrSettings, SettingsError
from huiyin.services.asr.planner import make_plan
from huiyin.services.asr.queue import Caller, ModelQueue
from huiyin.services.asr.recogniser import (
    Engine,
    Hints,
    ModelFolderError,
    Recognition,
    RecordingTranscript,
    Segment,
    load_engine,
)
from huiyin.services.asr.sensevoice.export import exported
from huiyin.services.asr.sensevoice.network import Output
from huiyin.services.asr.transcribe import Recogniser, transcribe
from huiyin.services.common.audio import AudioReader, Samples
from huiyin.services.common.pcm import PcmFormat
from tests.support.asr_fakes import LoudnessDetector
from tests.support.media import pcm16
from tests.support.tone_model import tone_folder
from tests.support.tone_network import Tones, sound, text


def engine(**changes: Any) -> Engine:
    settings = {"engine": "sensevoice", "model": str(tone_folder()), **changes}
    return load_engine(AsrSettings(**settings), Path)


@pytest.fixture(scope="module")
def tones_engine() -> Engine:
    return engine()


def recognise(tones_engine: Engine, tones: Tones, hints: Hints | None = None, seed: int = 0) -> Segment:
    (recognition,) = tones_engine.recognise([sound(tones, np.random.default_rng(seed))], hints or Hints())
    (segment,) = recognition.segments
    return segment


@pytest.mark.parametrize("precision", ["int8", "fp32"])
def test_text_language_emotion_and_laughter_are_recognised(precision: str) -> None:
    tones_engine, rng = engine(precision=precision), np.random.default_rng(1)
    for seed in range(30):
        digits = tuple(rng.integers(0, 10, rng.integers(1, 9)).tolist())
        tones = Tones(digits, ("zh", "en")[seed % 2], ("sad", "neutral", "angry")[seed % 3], seed % 4 == 0)
        segment = recognise(tones_engine, tones, seed=seed)
        assert segment.text == text(digits, tones.language)
        assert segment.language == tones.language
        assert segment.emotion and segment.emotion.label == tones.emotion
        assert [event.label for event in segment.events] == (["laughter"] if tones.laughter else [])
        assert 0.5 < segment.confidence <= 1.0


def test_a_language_in_the_hints_is_the_language_of_the_result(tones_engine: Engine) -> None:
    tones = Tones((1, 2, 3), "zh")
    assert recognise(tones_engine, tones, Hints(("en",))).text == "one two three."
    assert recognise(tones_engine, tones, Hints(("zh", "en"))).text == "一二三。"


def test_a_restricted_language_never_leaves_the_set(tones_engine: Engine) -> None:
    """Also where the network itself would say another: then the piece is listened to again."""
    for language, allowed in (("en", ("zh", "yue")), ("zh", ("en", "ko")), ("zh", ("en", "zh"))):
        assert recognise(tones_engine, Tones((4, 5), language), Hints(allowed)).language in allowed


def test_written_form_is_a_choice(tones_engine: Engine) -> None:
    assert recognise(tones_engine, Tones((7,)), Hints(itn=True)).text == "七。"
    assert recognise(tones_engine, Tones((7,)), Hints(itn=False)).text == "七"


def test_noise_and_silence_are_no_speech(tones_engine: Engine) -> None:
    noise = sound(Tones(()), np.random.default_rng(3))
    assert tones_engine.recognise([noise, np.zeros(16_000, np.float32)], Hints())[0] == Recognition(())


def test_words_come_when_their_tones_do(tones_engine: Engine) -> None:
    tones = Tones((3, 1, 4, 1, 5))
    segment = recognise(tones_engine, tones)
    assert [word.text for word in segment.words] == ["三", "一", "四", "一", "五。"]
    starts = [word.start_s for word in segment.words]
    # a tone lasts 0.2-0.3 s and a gap 0.06-0.11 s
    assert all(0.15 < later - earlier < 0.55 for earlier, later in itertools.pairwise(starts))
    assert 0.0 < starts[0] < 0.5


@pytest.mark.parametrize("seconds", [0.05, 0.0751, 0.3, 1.0, 29.99])
def test_any_length_is_taken_and_times_stay_inside(tones_engine: Engine, seconds: float) -> None:
    tones = sound(Tones(tuple([2] * 90)), np.random.default_rng(0))
    samples = tones[8000 : 8000 + round(seconds * 16_000)]
    (recognition,) = tones_engine.recognise([samples], Hints())
    for segment in recognition.segments:
        edges = [edge for word in segment.words for edge in (word.start_s, word.end_s)]
        assert edges == sorted(edges)
        assert 0.0 <= segment.start_s <= segment.end_s <= len(samples) / 16_000


def test_a_batch_gives_what_its_parts_give(tones_engine: Engine) -> None:
    rng = np.random.default_rng(4)
    pieces = [sound(Tones(tuple(range(n))), rng) for n in (1, 8, 3)]
    together = tones_engine.recognise(pieces, Hints())
    assert together == [tones_engine.recognise([piece], Hints())[0] for piece in pieces]


def test_many_threads_get_their_own_answers(tones_engine: Engine) -> None:
    """The stock call mixes up concurrent callers: its settings lie on the model."""
    rng = np.random.default_rng(5)
    cases = [(tuple(rng.integers(0, 10, 3).tolist()), ("zh", "en")[i % 2]) for i in range(100)]
    clips = [sound(Tones(digits), rng) for digits, _ in cases]

    def one(i: int) -> str:
        return tones_engine.recognise([clips[i]], Hints((cases[i][1],)))[0].segments[0].text

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(100))) == [text(digits, language) for digits, language in cases]


def test_the_graph_is_made_once_and_again_when_the_weights_change(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tone_folder(), folder, ignore=shutil.ignore_patterns("onnx"))
    first = exported(folder, "int8")
    made = first.stat().st_mtime_ns
    assert exported(folder, "int8") == first and first.stat().st_mtime_ns == made
    assert exported(folder, "fp32").parent != first.parent
    from tests.support.sensevoice_folder import TINY, random_weights, save_checkpoint, vocabulary

    save_checkpoint(folder / "model.pt", random_weights(TINY, len(vocabulary())))
    assert exported(folder, "int8") != first
    assert not list(folder.glob("onnx/.making*"))


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("model.pt", "not a PyTorch checkpoint"),
        ("config.yaml", "not a SenseVoice configuration"),
        ("am.mvn", "am.mvn"),
    ],
)
def test_the_error_of_a_broken_folder_names_the_file(tmp_path: Path, broken: str, reason: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tone_folder(), folder, ignore=shutil.ignore_patterns("onnx"))
    (folder / broken).write_text("x")
    with pytest.raises(ModelFolderError, match=reason):
        engine(model=str(folder))
    assert not list(folder.glob("onnx/.making*"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"languages": ("zh", "fr")}, "fr"),
        ({"runtime": "onnx", "precision": "fp16"}, "fp16"),
        ({"runtime": "torch", "precision": "int8"}, "int8"),
        ({"runtime": "onnx", "device": "cuda"}, "CPU"),
    ],
)
def test_impossible_settings_are_refused_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(SettingsError, match=reason):
        engine(**changes)


def test_a_long_recording_has_a_track_of_emotions(tones_engine: Engine) -> None:
    rng, moods = np.random.default_rng(1), ["sad", "angry", "neutral", "sad"]
    parts: list[Samples] = []
    for i, mood in enumerate(moods):
        parts += [
            sound(Tones(tuple([i] * 12), "zh", mood), rng),
            (rng.standard_normal(32_000) * 1.2e-3).astype(np.float32),
        ]
    reader = AudioReader(pcm16(np.concatenate(parts)), 600, PcmFormat(16_000))
    plan = make_plan(tones_engine, AsrSettings(), lambda device: 0)
    recogniser = Recogniser(tones_engine, ModelQueue(1.0, 4, 1), LoudnessDetector, plan)
    *_, transcript = transcribe(recogniser, reader, Hints(), Caller())
    assert isinstance(transcript, RecordingTranscript) and transcript.emotion
    assert [segment.emotion and segment.emotion.label for segment in transcript.segments] == moods
    assert [segment.text for segment in transcript.segments] == [text([i] * 12, "zh") for i in range(4)]
    assert transcript.emotion.scores["sad"] == pytest.approx(0.5, abs=0.1)  # of the time that was spoken
    edges = [edge for s in transcript.segments for word in s.words for edge in (word.start_s, word.end_s)]
    assert edges == sorted(edges) and edges[-1] <= transcript.duration_s


# --- beside the stock call ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stock() -> Any:
    pytest.importorskip("torch", reason="PyTorch is not installed (`make funasr`)")
    pytest.importorskip("funasr", reason="FunASR is not installed (`make funasr`)")
    return engine(runtime="torch", precision="fp32")


@pytest.mark.slow
def test_the_graph_agrees_with_the_stock_network(stock: Any, tones_engine: Engine) -> None:
    """Same argmax on 99.5 % of frames in float32; here on noise, tones, and sound of every length."""
    exact = engine(precision="fp32")
    rng = np.random.default_rng(6)
    same = frames = 0
    for i in range(40):
        samples = sound(Tones(tuple(rng.integers(0, 10, i % 12).tolist())), rng)
        samples = samples + (rng.standard_normal(len(samples)) * 10.0 ** rng.uniform(-4, -1)).astype(np.float32)
        features, queries = exact._frontend(samples), (0, 1, 2, 14 + i % 2)  # type: ignore[attr-defined]
        ours, theirs = (e._network.run([features], queries)[0] for e in (exact, stock))  # type: ignore[attr-defined]
        same += int((ours.frames == theirs.frames).sum())
        frames += len(ours.frames)
        np.testing.assert_allclose(ours.tags, theirs.tags, atol=1e-3)
        np.testing.assert_allclose(ours.probabilities, theirs.probabilities, atol=1e-3)
    assert same / frames >= 0.995


@pytest.mark.slow
def test_automodel_recognises_the_same_text(stock: Any, tones_engine: Engine) -> None:
    """`generate` itself, with its own features and decoding, on the same folder."""
    from funasr import AutoModel

    model: Any = AutoModel(
        model=str(tone_folder()), device="cpu", disable_update=True, disable_pbar=True, log_level="ERROR", ncpu=1
    )
    model.kwargs["frontend"].dither = 0.0
    for seed in range(10):
        tones = Tones(tuple(range(seed, 10)), ("zh", "en")[seed % 2], "sad" if seed % 3 else "angry")
        output = model.generate(sound(tones, np.random.default_rng(seed)), use_itn=True)[0]["text"]
        segment = recognise(tones_engine, tones, seed=seed)
        assert output.rpartition("|>")[2].strip() == segment.text
        assert (
            f"<|{segment.language}|>" in output and segment.emotion and f"|{segment.emotion.label.upper()}|" in output
        )


@pytest.mark.slow
def test_pytorch_batches_give_what_single_pieces_give(stock: Any) -> None:
    rng = np.random.default_rng(7)
    pieces = [sound(Tones(tuple(range(n))), rng) for n in (2, 9, 5)]
    alone = [stock.recognise([piece], Hints())[0].segments[0].text for piece in pieces]
    assert [r.segments[0].text for r in stock.recognise(pieces, Hints())] == alone


@pytest.mark.slow
def test_bf16_recognises_the_same(stock: Any) -> None:
    half = engine(runtime="torch", precision="bf16")
    for seed in range(5):
        assert recognise(half, Tones((seed, 9 - seed)), seed=seed).text == text((seed, 9 - seed), "zh")


def test_int8_errors_are_those_of_float32(tones_engine: Engine) -> None:
    """Token error of int8 against float32 frames (the tones' network is small, so harder on rounding than the real)."""
    exact, rng = engine(precision="fp32"), np.random.default_rng(8)
    different = frames = 0
    for n in range(20):
        features = tones_engine._frontend(sound(Tones(tuple(rng.integers(0, 10, 1 + n % 9).tolist())), rng))  # type: ignore[attr-defined]
        outputs: list[Output] = [e._network.run([features], (0, 1, 2, 14))[0] for e in (tones_engine, exact)]  # type: ignore[attr-defined]
        different += int((outputs[0].frames != outputs[1].frames).sum())
        frames += len(outputs[0].frames)
    assert different / frames < 0.02
