"""From a recording to a transcript: the pipeline around an engine, with an engine that answers from its samples."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import psutil
import pytest

from huiyin.configs.settings import AsrSettings
from huiyin.services.asr.http.cache import AnswerCache, digest_of
from huiyin.services.asr.planner import Plan, make_plan, next_batch, recognise_all
from huiyin.services.asr.queue import Caller, ModelQueue
from huiyin.services.asr.recogniser import Emotion, Hints, Recognition, RecordingTranscript, Segment, SoundEvent
from huiyin.services.asr.transcribe import Part, Recogniser, transcribe
from huiyin.services.common.audio import SAMPLE_RATE, AudioReader, Samples, Source
from huiyin.services.common.errors import ApiError
from huiyin.services.common.pcm import PcmFormat
from huiyin.services.common.watch import ClientLeft
from tests.support.asr_fakes import FakeEngine, LoudnessDetector, fingerprint, speech
from tests.support.media import encode, pcm16

GIB = 2**30


def with_engine(engine: FakeEngine, free_bytes: int = 8 * GIB, **settings: float) -> Recogniser:
    plan = make_plan(engine, AsrSettings(**settings), lambda device: free_bytes)  # type: ignore[arg-type]
    return Recogniser(engine, ModelQueue(1.0, 4, engine.workers), LoudnessDetector, plan)


def steps_of(
    source: Source, engine: FakeEngine | None = None, caller: Caller | None = None, pcm: bool = False
) -> tuple[list[Part], RecordingTranscript]:
    reader = AudioReader(source, 36_000, PcmFormat(SAMPLE_RATE) if pcm else None)
    *parts, last = transcribe(with_engine(engine or FakeEngine()), reader, Hints(), caller or Caller())
    assert all(isinstance(part, Part) for part in parts) and isinstance(last, RecordingTranscript)
    return parts, last  # type: ignore[return-value]


def in_order(transcript: RecordingTranscript) -> bool:
    times = [round(edge, 6) for s in transcript.segments for edge in (s.start_s, s.end_s)]
    return times == sorted(times) and times[0] >= 0 and times[-1] <= transcript.duration_s


# --- results -----------------------------------------------------------------------------------------------------


class TaggingEngine(FakeEngine):
    """Recognises an emotion in the first piece only, and laughter in each."""

    def recognise(self, pieces: Sequence[Samples], hints: Hints) -> list[Recognition]:
        first = not self.batches
        length_s = len(pieces[0]) / SAMPLE_RATE
        super().recognise(pieces, hints)
        emotion = Emotion("happy", 0.9, {"happy": 0.9, "sad": 0.1}) if first else None
        events = (SoundEvent("laughter", 0.0, 1.0, 0.5),)
        segment = Segment(0.5, length_s, f"piece {len(self.batches)}", "en", 0.5, emotion, events)
        return [Recognition((segment,), ("odd",))]


def test_times_events_and_tags_are_those_of_the_recording() -> None:
    parts, transcript = steps_of(pcm16(speech(10.0, 10.0, 10.0)), TaggingEngine(), pcm=True)
    assert len([part for part in parts if part.segments]) == 3
    assert transcript.text == "piece 1 piece 2 piece 3" and transcript.language == "en"
    second = transcript.segments[1]
    start_s = 10.0 + 0.6 - 0.3  # of the second piece: it begins with some quiet
    assert second.start_s == pytest.approx(start_s + 0.5, abs=0.03)
    assert second.events[0].start_s == pytest.approx(start_s, abs=0.03)
    assert transcript.events == tuple(segment.events[0] for segment in transcript.segments)
    assert transcript.emotion is not None and transcript.emotion.label == "happy", "of the speech that has one"
    assert transcript.warnings == ("odd",), "once"
    assert transcript.confidence == pytest.approx(0.5) and not transcript.cached


def test_times_are_right_to_the_sample() -> None:
    samples = np.zeros(100 * SAMPLE_RATE, np.float32)
    spans = [(160_007, 200_011), (640_001, 700_003), (1_500_005, 1_555_555)]
    for first, end in spans:
        samples[first:end] = 0.5
    _, transcript = steps_of(pcm16(samples), pcm=True)
    edges = [(round(s.start_s * SAMPLE_RATE), round(s.end_s * SAMPLE_RATE)) for s in transcript.segments]
    assert edges == spans


def test_positions_go_on_through_silence_to_the_end() -> None:
    samples = np.concatenate([speech(5.0, 5.0), np.zeros(120 * SAMPLE_RATE, np.float32), speech(5.0, gap_s=9.0)])
    parts, transcript = steps_of(encode(samples))
    positions = [part.position_s for part in parts]
    assert positions == sorted(positions) and len(positions) >= 6
    assert positions[-1] == pytest.approx(len(samples) / SAMPLE_RATE)
    assert all(part.total_s == pytest.approx(len(samples) / SAMPLE_RATE, abs=0.01) for part in parts)
    assert len(transcript.segments) == 3 and in_order(transcript)


def test_digital_silence_is_an_error_but_not_beside_speech() -> None:
    silence = np.zeros(40 * SAMPLE_RATE, np.float32)
    with pytest.raises(ApiError) as caught:
        steps_of(pcm16(silence), pcm=True)
    assert caught.value.code == "silent_audio"
    _, transcript = steps_of(pcm16(np.concatenate([silence, speech(5.0)])), pcm=True)
    assert len(transcript.segments) == 1 and transcript.duration_s == pytest.approx(45.6)


def test_a_long_recording_without_speech_has_no_words() -> None:
    noise = np.random.default_rng(0).normal(0, 0.001, 40 * SAMPLE_RATE).astype(np.float32)
    engine = FakeEngine()
    parts, transcript = steps_of(pcm16(noise), engine, pcm=True)
    assert transcript.text == "" and transcript.segments == () and transcript.confidence == 0
    assert engine.batches == [], "the model is not called"
    assert parts[-1].position_s == 40.0


@pytest.mark.parametrize(("container", "codec"), [("wav", "pcm_s16le"), ("flac", "flac"), ("ogg", "libopus")])
def test_of_a_cut_off_file_comes_what_is_there_and_a_warning(container: str, codec: str) -> None:
    samples = speech(6.0, 6.0, 6.0, 6.0, 6.0)
    data = encode(samples, container, codec, 48_000 if codec == "libopus" else 16_000)
    _, whole = steps_of(data)
    _, half = steps_of(data[: len(data) // 2])
    assert 2 <= len(half.segments) < len(whole.segments) == 5 and not whole.warnings
    assert [s.text for s in half.segments[:2]] == [s.text for s in whole.segments[:2]]
    assert len(half.warnings) == (0 if container == "ogg" else 1), "an ogg stream may end anywhere"


def test_of_a_file_damaged_inside_comes_the_rest_and_a_warning() -> None:
    data = bytearray(encode(speech(6.0, 6.0, 6.0, 6.0), "flac", "flac"))
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    _, transcript = steps_of(bytes(data))
    assert len(transcript.segments) >= 3 and "damaged" in transcript.warnings[0]


@pytest.mark.slow
def test_an_hour_needs_no_more_memory_than_minutes() -> None:
    """A WAV that is made as it is read: speech, pauses, and spans of ten minutes without speech."""
    minute = pcm16(speech(6.0, 14.0, 3.0, 1.0, 30.0))
    quiet = pcm16(np.random.default_rng(1).uniform(-0.001, 0.001, 60 * SAMPLE_RATE).astype(np.float32))
    minutes = [quiet if n % 20 >= 10 else minute for n in range(60)]
    process = psutil.Process()
    mb: list[float] = []
    engine = FakeEngine(work=lambda: mb.append(process.memory_info().rss / 2**20))
    _, transcript = steps_of(Endless(minutes), engine)
    assert transcript.duration_s == pytest.approx(sum(map(len, minutes)) / 2 / SAMPLE_RATE)
    assert transcript.duration_s > 3450 and in_order(transcript) and len(transcript.segments) > 150
    early = mb[: len(mb) // 10]
    assert max(mb) - max(early) < 20, f"{max(early):.0f} MB after minutes, {max(mb):.0f} MB at most"


class Endless(io.RawIOBase):
    """A WAV file of these parts that is nowhere as a whole."""

    def __init__(self, parts: list[bytes]) -> None:
        size = sum(map(len, parts))
        head = b"RIFF" + (36 + size).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little")
        head += (
            b"\1\0\1\0" + SAMPLE_RATE.to_bytes(4, "little") + (2 * SAMPLE_RATE).to_bytes(4, "little") + b"\2\0\x10\0"
        )
        self._parts = [head + b"data" + size.to_bytes(4, "little"), *parts]
        self._starts = np.cumsum([0, *map(len, self._parts)])
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, int(self._starts[-1]))[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        i = int(np.searchsorted(self._starts, self._at, side="right")) - 1
        if i >= len(self._parts):
            return b""
        start = self._at - int(self._starts[i])
        data = self._parts[i][start : start + size]
        self._at += len(data)
        return data


# --- leaving and deadlines ---------------------------------------------------------------------------------------


def test_when_the_caller_leaves_nothing_more_is_recognised() -> None:
    engine = FakeEngine()
    caller = Caller(left=lambda: len(engine.batches) >= 2)
    with pytest.raises(ClientLeft):
        steps_of(pcm16(speech(*[6.0] * 20)), engine, caller, pcm=True)
    assert len(engine.batches) == 2


def test_after_the_deadline_the_error_names_the_position() -> None:
    engine = FakeEngine()
    caller = Caller(deadline_s=1000.0)
    engine.work = lambda: setattr(caller, "since", caller.since - 400.0)  # a call that takes 400 s
    with pytest.raises(ApiError, match=r"1000 s; the first 19\.\d s") as caught:
        steps_of(pcm16(speech(*[6.0] * 20)), engine, caller, pcm=True)
    assert (caught.value.status, caught.value.code) == (504, "deadline")
    assert len(engine.batches) == 3


# --- batches and memory ------------------------------------------------------------------------------------------


LENGTHS_S = (6.0, 9.0, 4.5, 13.0, 6.5, 8.0, 5.0, 11.0, 4.2, 7.0)


def test_batches_give_the_same_in_the_same_order() -> None:
    single, batched = FakeEngine(), FakeEngine(batch_s=60.0)
    data = pcm16(speech(*LENGTHS_S * 4))
    parts, alone = steps_of(data, single, pcm=True)
    parts_batched, together = steps_of(data, batched, pcm=True)
    assert together.segments == alone.segments and in_order(alone) and len(alone.segments) == 4 * len(LENGTHS_S)
    assert parts_batched == parts
    assert max(map(len, single.batches)) == 1 and len(batched.batches) < len(single.batches) / 2
    for lengths_s in batched.batches:
        assert len(lengths_s) * max(lengths_s) <= 60.0
        assert min(lengths_s) >= 0.6 * max(lengths_s), "little of a batch is padding"


@pytest.mark.parametrize("memory_s", [59.0, 31.0, 16.0])
def test_when_memory_runs_out_batches_shrink_and_nothing_is_lost(memory_s: float) -> None:
    data = pcm16(speech(*LENGTHS_S * 3))
    _, alone = steps_of(data, pcm=True)
    engine = FakeEngine(batch_s=60.0, memory_s=memory_s)
    _, together = steps_of(data, engine, pcm=True)
    assert together.segments == alone.segments
    assert max(map(len, engine.batches)) >= (1 if memory_s < 20 else 2)


def test_a_piece_that_does_not_fit_is_cut_in_two() -> None:
    samples = speech(14.0, 14.0, 5.0)
    engine = FakeEngine(memory_s=4.0)
    _, transcript = steps_of(pcm16(samples), engine, pcm=True)
    assert in_order(transcript) and all(length_s <= 4.0 for (length_s,) in engine.batches)
    assert sum(s.end_s - s.start_s for s in transcript.segments) == pytest.approx(33.0, abs=0.01)


def test_when_not_even_two_seconds_fit_it_gives_up_with_a_hint() -> None:
    with pytest.raises(ApiError) as caught:
        steps_of(pcm16(speech(9.0)), FakeEngine(memory_s=0.7), pcm=True)
    assert (caught.value.status, caught.value.code) == (503, "out_of_memory")
    assert "asr.device" in caught.value.hint


def test_the_plan_follows_the_device_and_its_memory() -> None:
    def none(device: str) -> int:
        raise AssertionError("only for a GPU")

    assert make_plan(FakeEngine(), AsrSettings(batch_size_s=60), none) == Plan(15.0, 0.0, 0.0), "a CPU: one by one"
    gpu = FakeEngine(batch_s=1e9)
    by_memory = [make_plan(gpu, AsrSettings(), lambda _, gib=gib: int(gib * GIB)).batch_s for gib in (0.2, 1, 2, 80)]
    assert by_memory == sorted(by_memory) and by_memory[0] < 15 < by_memory[1] < 240 == by_memory[3]
    assert make_plan(gpu, AsrSettings(), lambda _: 50_000_000).piece_s == 4.0
    assert make_plan(gpu, AsrSettings(batch_size_s=33), lambda _: GIB).batch_s == 33.0
    assert make_plan(FakeEngine(batch_s=50.0), AsrSettings(), lambda _: 80 * GIB).batch_s == 50.0


def test_a_batch_that_shrank_grows_again() -> None:
    plan = Plan(15.0, 60.0, 60.0)
    engine = FakeEngine(memory_s=30.0)
    pieces = [speech(5.0, gap_s=0.0)] * 40

    def call(batch: Sequence[Samples]) -> list[Recognition]:
        return engine.recognise(batch, Hints())

    recognise_all(call, pieces, plan)
    assert plan.batch_s < 60.0
    engine.memory_s = 1e9
    for _ in range(4):
        recognise_all(call, pieces, plan)
    assert plan.batch_s == 60.0


def test_the_next_batch_is_the_longest_piece_and_its_likes() -> None:
    waiting = [(3, 5.0), (4, 14.0), (7, 9.0), (8, 13.0), (9, 4.0)]
    assert next_batch(waiting, 0.0) == [3]
    assert next_batch(waiting, 100.0) == [4, 8, 7]
    assert next_batch(waiting, 28.0) == [4, 8]
    assert next_batch(waiting, 1.0) == [4]


# --- the cache --------------------------------------------------------------------------------------------------


def test_the_cache_keeps_the_answers_used_last() -> None:
    cache: AnswerCache[list[int]] = AnswerCache(2)
    cache.put("a", [[1]])
    cache.put("b", [[2]])
    (first,) = cache.get("a") or []
    first.append(7)
    cache.put("c", [[3]])
    assert cache.get("a") == [[1]], "everyone gets a copy"
    assert cache.get("b") is None and cache.get("c") == [[3]]
    assert cache.hits == 3 and len(cache) == 2
    off: AnswerCache[int] = AnswerCache(0)
    off.put("a", [1])
    assert off.get("a") is None and len(off) == 0


def test_the_digest_is_of_the_bytes_alone(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = bytes(range(256)) * 4096
    path = tmp_path_factory.mktemp("digest") / "a.bin"
    path.write_bytes(data)
    file = io.BytesIO(data)
    assert digest_of(data) == digest_of(path) == digest_of(file) == digest_of(file) != digest_of(data[:-1])


def test_the_fake_engine_has_another_text_for_each_piece() -> None:
    samples = speech(1.0)
    other = samples.copy()
    other[5] += 1e-4
    assert fingerprint(samples) != fingerprint(other)
