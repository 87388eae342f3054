"""The parts of the speech-to-text service that need no model."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from media import pcm16

from configs.settings import AsrSettings
from services.asr.engine import Emotion, Event, Hints, Recognition, Segment, join_texts, load_engine
from services.asr.engines.loops import looks_looped, without_loop
from services.asr.formats import as_srt, as_vtt
from services.asr.pieces import split
from services.asr.queue import ModelQueue
from services.asr.simplified import written_simply
from services.asr.transcribe import Part, transcribe
from services.common.audio import SAMPLE_RATE, AudioReader, Samples
from services.common.errors import ApiError


def speech(*lengths_s: float, gap_s: float = 0.6) -> Samples:
    """Noise as loud as speech, with quiet gaps between stretches of these lengths."""
    rng = np.random.default_rng(0)
    parts = []
    for length_s in lengths_s:
        parts.append(rng.uniform(-0.3, 0.3, round(length_s * SAMPLE_RATE)))
        parts.append(rng.uniform(-0.001, 0.001, round(gap_s * SAMPLE_RATE)))
    return np.concatenate(parts).astype(np.float32)


def blocks(samples: Samples, size: int = 16_000) -> list[Samples]:
    return [samples[i : i + size] for i in range(0, len(samples), size)]


# --- pieces ------------------------------------------------------------------------------------------------------


def test_pieces_are_cut_in_pauses_and_lose_nothing() -> None:
    lengths_s = (6.0, 5.5, 7.0, 6.5, 5.0, 9.0)
    samples = speech(*lengths_s)
    pieces = list(split(blocks(samples), 28.0))
    assert np.array_equal(np.concatenate([piece for _, piece in pieces]), samples)
    starts = [round(start * SAMPLE_RATE) for start, _ in pieces]
    assert starts == [0, *np.cumsum([len(piece) for _, piece in pieces])[:-1]]
    ends_s = np.cumsum(np.asarray(lengths_s) + 0.6)
    for start, _ in pieces[1:]:
        assert min(abs(start - (end - 0.3)) for end in ends_s) < 0.25, "inside a gap"
    assert max(len(piece) for _, piece in pieces) <= 12 * SAMPLE_RATE


def test_a_spoken_turn_stays_whole() -> None:
    assert len(list(split(blocks(speech(3.0, 3.0, 4.0)), 28.0))) == 1


def test_speech_without_pauses_is_cut_at_the_quietest_moment() -> None:
    samples = speech(60.0, gap_s=0.1)
    dip = 20 * SAMPLE_RATE
    samples[dip : dip + SAMPLE_RATE // 4] *= 0.2
    pieces = list(split(blocks(samples), 28.0))
    assert all(len(piece) <= 28 * SAMPLE_RATE for _, piece in pieces)
    assert pieces[1][0] == pytest.approx(20.12, abs=0.2)
    assert np.array_equal(np.concatenate([piece for _, piece in pieces]), samples)


def test_silence_and_odd_blocks_are_cut_too() -> None:
    samples = np.zeros(100 * SAMPLE_RATE + 7, np.float32)
    pieces = list(split(blocks(samples, 12_345), 28.0))
    assert sum(len(piece) for _, piece in pieces) == len(samples)
    assert all(0 < len(piece) <= 28 * SAMPLE_RATE for _, piece in pieces)
    assert list(split([], 28.0)) == []


# --- transcribe --------------------------------------------------------------------------------------------------


class CountingEngine:
    """Says which piece it was given."""

    model, device, languages, uses_hotwords = "counting", "cpu", ("en",), False
    max_piece_s, batch_s, workers = 28.0, 0.0, 1

    def __init__(self) -> None:
        self.calls = 0

    def recognise(self, pieces: Sequence[Samples], hints: Hints) -> list[Recognition]:
        (samples,) = pieces
        self.calls += 1
        length_s = len(samples) / SAMPLE_RATE
        emotion = Emotion("happy", 0.9, {"happy": 0.9, "sad": 0.1}) if self.calls == 1 else None
        events = (Event("laughter", 0.0, 1.0, 0.5),)
        segment = Segment(0.5, length_s, f"piece {self.calls}", "en", 0.5, emotion, events)
        return [Recognition((segment,), ("odd",))]


def steps_of(samples: Samples) -> list[object]:
    from services.common.pcm import PcmFormat

    reader = AudioReader(pcm16(samples), max_duration_s=600, pcm=PcmFormat(16_000))
    return list(transcribe(CountingEngine(), ModelQueue(1.0, 4), reader, Hints()))


def test_times_events_and_tags_are_those_of_the_recording() -> None:
    *parts, transcript = steps_of(speech(10.0, 10.0, 10.0))
    assert len(parts) == 3 and all(isinstance(part, Part) for part in parts)
    assert transcript.text == "piece 1 piece 2 piece 3" and transcript.language == "en"
    second = transcript.segments[1]
    assert second.start_s == pytest.approx(parts[0].position_s + 0.5)
    assert second.events[0].start_s == pytest.approx(parts[0].position_s)
    assert transcript.events == tuple(segment.events[0] for segment in transcript.segments)
    assert transcript.emotion is not None and transcript.emotion.label == "happy", "of the speech that has one"
    assert transcript.warnings == ("odd",), "said once"
    assert transcript.confidence == pytest.approx(0.5)


def test_digital_silence_is_an_error_but_not_inside_speech() -> None:
    with pytest.raises(ApiError) as caught:
        steps_of(np.zeros(40 * SAMPLE_RATE, np.float32))
    assert caught.value.code == "silent_audio"
    mixed = np.concatenate([np.zeros(40 * SAMPLE_RATE, np.float32), speech(5.0)])
    *_, transcript = steps_of(mixed)
    assert transcript.segments and transcript.duration_s == pytest.approx(45.6)


def test_an_unknown_engine_is_named_with_the_known() -> None:
    with pytest.raises(ValueError, match=r"'siri'.*whisper"):
        load_engine(AsrSettings(engine="siri"), lambda name: pytest.fail("no model is needed"))


def test_texts_are_joined_as_their_language_is_written() -> None:
    assert join_texts(["Good morning.", "", "How are you?"]) == "Good morning. How are you?"
    assert join_texts(["你好。", "今天天气不错。"]) == "你好。今天天气不错。"
    assert join_texts(["我用", "Python", "写的", "ok then", "go"]) == "我用Python写的ok then go"


# --- queue -------------------------------------------------------------------------------------------------------


def test_turns_are_taken_one_at_a_time_in_order_of_arrival() -> None:
    queue = ModelQueue(10.0, 8)
    order: list[int] = []
    busy = threading.Lock()

    def call(number: int) -> None:
        with queue.turn():
            assert busy.acquire(blocking=False), "two at once"
            order.append(number)
            busy.release()

    threads = [threading.Thread(target=call, args=(n,)) for n in range(6)]
    with queue.turn():
        for n, thread in enumerate(threads, 1):
            thread.start()
            while len(queue._line) <= n:
                thread.join(0.001)
    for thread in threads:
        thread.join()
    assert order == list(range(6))


def test_a_caller_waits_no_longer_than_allowed_and_leaves_the_line() -> None:
    queue = ModelQueue(0.05, 1)
    with queue.turn():
        with pytest.raises(ApiError) as caught, queue.turn():
            pass
        assert caught.value.status == 429 and (caught.value.retry_after_s or 0) > 0
    with queue.turn():
        pass


def test_the_line_is_bounded_but_not_for_who_was_accepted() -> None:
    queue = ModelQueue(10.0, 0)
    entered = threading.Event()

    def accepted() -> None:
        with queue.turn(accepted=True):
            entered.set()

    with queue.turn():
        with pytest.raises(ApiError), queue.turn():
            pass
        thread = threading.Thread(target=accepted)
        thread.start()
        assert not entered.wait(0.02)
    assert entered.wait(10)
    thread.join()


def test_an_error_inside_a_turn_frees_the_model() -> None:
    queue = ModelQueue(0.05, 1)
    with pytest.raises(ZeroDivisionError), queue.turn():
        raise ZeroDivisionError
    with queue.turn():
        pass


# --- loops -------------------------------------------------------------------------------------------------------


def test_a_stuttering_decoder_is_noticed() -> None:
    assert looks_looped([5, 5, 5, 5], "5 5 5 5")
    assert looks_looped([1, 2, 3] * 4, "go on now")
    assert looks_looped([9, 1, 2, 1, 2, 1, 2, 1, 2], "so a b a b")
    phrase = list(range(100, 110))
    assert looks_looped([*phrase, 1, 2, *phrase], "a sentence, and the same sentence again")
    assert looks_looped([1], "thank you for watching " * 20)


def test_ordinary_speech_is_not_a_loop() -> None:
    assert not looks_looped([], "")
    assert not looks_looped([5, 5, 5], "no no no")
    ask = "ask not what your country can do for you ask what you can do for your country"
    words = {word: i for i, word in enumerate(sorted(set(ask.split())))}
    assert not looks_looped([words[word] for word in ask.split()], ask)


def test_a_loop_is_said_once() -> None:
    assert without_loop([7, 1, 2, 1, 2, 1, 2, 1, 2]) == [7, 1, 2]
    assert without_loop([5] * 9) == [5]
    assert without_loop([1, 2, 3]) == [1, 2, 3]


# --- text --------------------------------------------------------------------------------------------------------


def test_chinese_is_written_simply() -> None:
    assert written_simply("廣州市換一首歌,好嗎?") == "广州市换一首歌，好吗？"
    assert written_simply("我用 Python, really, 3:30") == "我用 Python, really, 3:30"


def test_subtitles_are_short_and_in_order() -> None:
    text = "This is a long sentence that goes on for quite a while, as people do when they talk, and then it ends. Yes."
    chinese = "今天我们来谈一谈怎样学习一门新的语言，因为很多人都觉得这件事情非常困难，其实只要每天坚持就可以了。"
    segments = [Segment(1.0, 9.0, text, "en", 1.0), Segment(3661.5, 3670.0, chinese, "zh", 1.0)]
    srt = as_srt(segments)
    cues = [block.split("\n") for block in srt.strip().split("\n\n")]
    assert [cue[0] for cue in cues] == [str(n) for n in range(1, len(cues) + 1)] and len(cues) >= 4
    assert cues[0][1].startswith("00:00:01,000 --> ") and cues[-1][1].endswith(" --> 01:01:10,000")
    times = [time for cue in cues for time in cue[1].split(" --> ")]
    assert times == sorted(times)
    assert all(sum(2 if c > "\u2e80" else 1 for c in cue[2]) <= 84 for cue in cues)
    assert " ".join(cue[2] for cue in cues if cue[2].isascii()) == text
    assert "".join(cue[2] for cue in cues if not cue[2].isascii()) == chinese
    assert as_srt([]) == ""


def test_web_subtitles_escape_what_would_be_markup() -> None:
    vtt = as_vtt([Segment(0.0, 1.0, "a < b & c --> d", "en", 1.0)])
    assert vtt == "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na &lt; b &amp; c --&gt; d\n"
    assert as_vtt([]) == "WEBVTT\n"
