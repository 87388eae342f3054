"""A recording of any length becomes pieces: no speech is lost, and they do not depend on the blocks."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from huiyin.configs.settings import AsrSettings, StoreSettings
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import ModelFolderError
from huiyin.services.asr.signal.detector import Detectors
from huiyin.services.asr.signal.pieces import Piece, quietest, split
from huiyin.services.asr.signal.voice_activity import FSMN, load_detectors
from huiyin.services.common.audio import SAMPLE_RATE, Samples, decode
from huiyin.services.common.onnx import SILERO_FILE
from tests.support.asr_fakes import LoudnessDetector, speech
from tests.support.speech_clips import english, recorded


def blocks(samples: Samples, size: int = 16_000) -> list[Samples]:
    return [samples[i : i + size] for i in range(0, len(samples), size)]


def spoken(samples: Samples, max_s: float = 28.0, size: int = 16_000) -> list[Piece]:
    """The pieces that hold sound; each equals the recording at its place, and they do not overlap."""
    pieces = [p for p in split(blocks(samples, size), max_s, LoudnessDetector) if len(p.samples)]
    end = 0
    for piece in pieces:
        assert piece.start >= end
        end = piece.start + len(piece.samples)
        assert np.array_equal(samples[piece.start : end], piece.samples) and len(piece.samples) >= 800
    assert end <= len(samples)
    return pieces


def lost_s(samples: Samples, pieces: list[Piece]) -> float:
    """Loud sound that is in no piece."""
    inside = np.zeros(len(samples), bool)
    for piece in pieces:
        inside[piece.start : piece.start + len(piece.samples)] = True
    return float(np.count_nonzero(np.abs(samples[~inside]) > 0.02)) / SAMPLE_RATE


def test_pieces_end_in_pauses_and_hold_all_speech() -> None:
    samples = speech(6.0, 5.5, 7.0, 6.5, 5.0, 9.0)
    pieces = spoken(samples)
    assert len(pieces) == 6 and lost_s(samples, pieces) == 0
    starts_s = np.cumsum([0, 6.6, 6.1, 7.6, 7.1, 5.6])
    for piece, start_s in zip(pieces, starts_s, strict=True):
        assert piece.start_s == pytest.approx(max(0, start_s - 0.3), abs=0.03), "with a little quiet before the speech"


def test_short_sentences_share_a_piece_and_long_pauses_part_them() -> None:
    assert [round(p.end_s - p.start_s) for p in spoken(speech(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, gap_s=0.5))] == [4, 4, 4, 2]
    assert len(spoken(speech(1, 1, 1, 1, 1, gap_s=4.0))) == 5


def test_a_spoken_turn_is_one_piece_without_detection() -> None:
    def no_detector() -> LoudnessDetector:
        raise AssertionError("a short recording must not pay for detection")

    samples = np.concatenate([speech(2.0, gap_s=5.0), speech(3.0, gap_s=1.5)])
    (piece,) = split(blocks(samples), 28.0, no_detector)
    assert piece.start == 0 and np.array_equal(piece.samples, samples)
    assert list(split([], 28.0, no_detector)) == []


@pytest.mark.parametrize("max_s", [28.0, 8.0])
def test_speech_without_pauses_is_cut_at_its_quietest_moment(max_s: float) -> None:
    samples = speech(60.0, gap_s=0.1)
    dip = round(0.75 * min(max_s, 15.0) * SAMPLE_RATE)
    samples[dip : dip + SAMPLE_RATE // 4] *= 0.2
    pieces = spoken(samples, max_s)
    assert all(p.end_s - p.start_s <= min(max_s, 15.0) for p in pieces)
    assert pieces[0].end_s == pytest.approx(dip / SAMPLE_RATE + 0.125, abs=0.15)
    assert lost_s(samples, pieces) == 0
    assert dip < quietest(samples[: dip * 4 // 3]) < dip + SAMPLE_RATE // 4


def test_silence_is_left_out_and_reported() -> None:
    samples = np.concatenate([np.zeros(200 * SAMPLE_RATE + 7, np.float32), speech(3.0), np.zeros(90 * 16_000, "f")])
    pieces = list(split(blocks(samples, 12_345), 28.0, LoudnessDetector))
    (piece,) = [p for p in pieces if len(p.samples)]
    assert piece.start_s == pytest.approx(199.7, abs=0.03) and piece.end_s == pytest.approx(203.3, abs=0.03)
    positions = [p.start_s for p in pieces]
    assert len(pieces) > 6 and positions == sorted(positions), "progress is visible"


@pytest.mark.parametrize("size", [7_001, 16_000, 1_000_000])
def test_the_size_of_the_blocks_makes_no_difference(size: int) -> None:
    samples = speech(6.0, 0.5, 20.0, 1.0, 1.0, 4.0, 0.3, 16.0, gap_s=0.4)
    expected = [(p.start, len(p.samples)) for p in spoken(samples, size=997)]
    assert [(p.start, len(p.samples)) for p in spoken(samples, size=size)] == expected


def test_no_speech_is_lost_wherever_the_pauses_fall() -> None:
    rng = np.random.default_rng(5)
    for _ in range(12):
        parts = [
            speech(float(rng.uniform(0.2, 9)), gap_s=float(rng.choice([0.05, 0.3, 0.5, 2.0, 6.0])))
            for _ in range(rng.integers(2, 9))
        ]
        samples = np.concatenate([*parts, speech(float(rng.uniform(12, 16)), gap_s=0.0)])
        assert lost_s(samples, spoken(samples, float(rng.choice([6.0, 28.0])))) == 0


@pytest.mark.slow
def test_memory_is_that_of_one_piece() -> None:
    one = speech(6.0, 30.0)  # made once; an hour of it

    def hour() -> Iterator[Samples]:
        for _ in range(100):
            yield from blocks(one)

    tracemalloc.start()
    try:
        count = sum(1 for piece in split(hour(), 28.0, LoudnessDetector) if len(piece.samples))
        peak_mb = tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()
    assert count > 300
    assert peak_mb < 8, f"{peak_mb:.1f} MB"  # 16 s are 1 MB


# --- the real detectors ------------------------------------------------------------------------------------------


@pytest.fixture(params=["silero", "fsmn"])
def detectors(request: pytest.FixtureRequest) -> Detectors:
    store = ModelStore(StoreSettings(offline=True))
    if not all(file.is_here for file in store.look({"silero": SILERO_FILE, "fsmn": FSMN}[request.param])):
        pytest.skip("its file is not here")
    if request.param == "fsmn":
        pytest.importorskip("kaldi_native_fbank")
    return load_detectors(AsrSettings(vad=request.param), store.ensure)


def talk() -> tuple[Samples, list[tuple[float, float]]]:
    """Clips with 3 s between them, and where each is, in seconds."""
    sounds = [decode(path, max_duration_s=60).samples for path, _, _ in recorded()[:6]] or [english()] * 6
    parts: list[Samples] = []
    spans, at = [], 0
    for clip in sounds:
        loud = np.flatnonzero(np.abs(clip) > 0.1 * np.abs(clip).max())
        spans.append(((at + loud[0]) / SAMPLE_RATE, (at + loud[-1]) / SAMPLE_RATE))
        parts += [clip, np.zeros(3 * SAMPLE_RATE, np.float32)]
        at += len(clip) + 3 * SAMPLE_RATE
    return np.concatenate(parts), spans


@pytest.mark.slow
@pytest.mark.parametrize("level", [1.0, 0.01])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_speech_is_found_also_when_quiet_or_in_noise(detectors: Detectors, level: float, noise: float) -> None:
    samples, spans = talk()
    loudness = float(np.sqrt(np.mean(samples[samples != 0] ** 2)))
    samples = (samples + np.random.default_rng(1).normal(0, noise * loudness, len(samples))).astype("f") * np.float32(
        level
    )
    pieces = [p for p in split(blocks(samples), 28.0, detectors) if len(p.samples)]
    for start_s, end_s in spans:
        inside_s = sum(max(0.0, min(end_s, p.end_s) - max(start_s, p.start_s)) for p in pieces)
        assert inside_s >= end_s - start_s - 0.6, "but for a pause inside the clip"
    assert sum(p.end_s - p.start_s for p in pieces) < 0.9 * len(samples) / SAMPLE_RATE, "the gaps are left out"


@pytest.mark.slow
def test_detection_is_the_same_in_blocks_and_costs_little(detectors: Detectors) -> None:
    import time

    samples, _ = talk()
    started = time.process_time()
    at_once = np.concatenate([detectors().push(block) for block in [samples]])
    cost = (time.process_time() - started) / (len(samples) / SAMPLE_RATE)
    detector = detectors()
    in_blocks = np.concatenate([detector.push(block) for block in blocks(samples, 1_234)])
    assert len(at_once) == len(in_blocks) and np.allclose(at_once, in_blocks, atol=1e-3)
    assert cost < 0.02, f"{cost:.2%} of real time"  # 0.3 and 0.5 % alone on the machine
    print(f"{detector.name}: {cost:.2%} of real time")


@pytest.mark.slow
def test_noise_and_hum_are_not_speech(detectors: Detectors) -> None:
    t = np.arange(30 * SAMPLE_RATE) / SAMPLE_RATE
    hum = sum(0.05 / k * np.sin(2 * np.pi * 50 * k * t) for k in range(1, 8))
    noise = np.random.default_rng(3).standard_normal(len(t)) * 0.03
    for name, sound in (("noise", noise), ("hum", hum if detectors().name == "silero" else 0 * t)):
        pieces = [p for p in split([sound.astype(np.float32)], 28.0, detectors) if len(p.samples)]
        assert sum(p.end_s - p.start_s for p in pieces) < 2.0, name


def test_the_detector_follows_the_settings_and_what_is_here() -> None:
    names: list[str] = []

    def find(name: str) -> Path:
        names.append(name)
        raise LookupError(name)

    for engine, vad, here, model in (
        ("sensevoice", "auto", False, SILERO_FILE),
        ("sensevoice", "auto", True, FSMN),
        ("whisper", "auto", True, SILERO_FILE),
        ("sensevoice", "silero", True, SILERO_FILE),
        ("whisper", "fsmn", False, FSMN),
    ):
        if model == FSMN:
            pytest.importorskip("kaldi_native_fbank")
        with pytest.raises(LookupError):
            load_detectors(AsrSettings(engine=engine, vad=vad), find, {FSMN: here}.__getitem__)
        assert names.pop() == model


def test_a_wrong_mean_file_is_named(tmp_path: Path) -> None:
    pytest.importorskip("kaldi_native_fbank")
    from huiyin.services.asr.signal.kaldi import read_cmvn

    path = tmp_path / "am.mvn"
    for text in ("", "<AddShift> 2 2 <LearnRateCoef> 0 [ 1 2 ] <Rescale> 2 2 <LearnRateCoef> 0 [ 1 2 ]"):
        path.write_text(text)
        with pytest.raises(ModelFolderError, match=r"am\.mvn"):
            read_cmvn(path, 400)
