"""Sentences of two languages with a short pause between them: the recogniser finds both."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soxr

from huiyin.configs.settings import load
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.engines import whisper, whisper_model
from huiyin.services.asr.engines.whisper import WhisperEngine
from huiyin.services.asr.recogniser import Hints, Recognition
from huiyin.services.common.audio import SAMPLE_RATE
from huiyin.services.tts.sound import RATE
from huiyin.services.tts.speaker import Speaker
from huiyin.services.tts.voice_engine import WordTiming
from tests.support.speech_clips import english, trimmed

pytestmark = pytest.mark.slow

CHINESE = "我们坐飞机去上海旅游。"
CHINESE_WORD = "上海"
OTHER = "我们应该保护环境，节约用水。"
FEW = "没有问题。"
ENGLISH = "Please turn off the lights before you leave the room."
ENGLISH_WORD = "lights"


@pytest.fixture(scope="module")
def engine() -> WhisperEngine:
    settings = load(environ={})
    return WhisperEngine(settings.asr, ModelStore(settings.store).ensure)


@functools.cache
def chinese_speaker() -> Speaker:
    return Speaker.load(load(environ={}, overrides=["tts.cache_mb=0"]))


@functools.cache
def chinese(text: str = CHINESE) -> np.ndarray:
    """Synthesised speech: float32, 16 kHz, no silence around it."""
    speaker = chinese_speaker()
    pieces = speaker.speak(text, speaker.choose(text, "zf_xiaoxiao"))
    sound = np.concatenate([piece for piece in pieces if not isinstance(piece, WordTiming)])
    return trimmed(soxr.resample(sound, RATE, SAMPLE_RATE))


def joined(pause_s: float, *sounds: np.ndarray) -> np.ndarray:
    pause, edge = (np.zeros(round(length_s * SAMPLE_RATE), np.float32) for length_s in (pause_s, 0.3))
    parts = [part for sound in sounds for part in (pause, sound)][1:]
    return np.concatenate([edge, *parts, edge])


def languages(recognition: Recognition) -> list[str]:
    return [segment.language for segment in recognition.segments]


@pytest.mark.parametrize("pause_s", [0.4])  # others: python -m benchmarks.mixed_recordings
def test_no_sentence_is_lost_where_the_language_changes(engine: WhisperEngine, pause_s: float) -> None:
    for sounds, expected in (
        ((english(ENGLISH), chinese()), ["en", "zh"]),
        ((chinese(), english(ENGLISH)), ["zh", "en"]),
        ((chinese(), english(ENGLISH), chinese()), ["zh", "en", "zh"]),
    ):
        (recognition,) = engine.recognise([joined(pause_s, *sounds)], Hints())
        assert languages(recognition) == expected
        for segment in recognition.segments:
            word = CHINESE_WORD if segment.language == "zh" else ENGLISH_WORD
            assert word in segment.text, recognition
        edges = [edge for segment in recognition.segments for edge in (segment.start_s, segment.end_s)]
        assert edges == sorted(edges) and edges[0] == pytest.approx(0.3, abs=0.2)


@pytest.mark.parametrize("left", [0, 1])
def test_a_sentence_that_the_decoder_leaves_out_is_found(
    engine: WhisperEngine, passes: list[str], monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    """As Whisper does at times where another person goes on. Both are decoded from one encoding, the later one only
    where it is not what was found at first."""
    decode = engine._whisper.decode
    second = chinese(OTHER)

    def stopping(encoded: Any, count: int, *rest: Any, **options: Any) -> Any:
        attempt = decode(encoded, count, *rest, **options)
        if count <= 1.5 * len(second):
            return attempt
        text = (CHINESE, OTHER)[left]
        return dataclasses.replace(attempt, text=text, tokens=engine._whisper._tokenizer("zh").encode(text))

    monkeypatch.setattr(engine._whisper, "decode", stopping)
    (recognition,) = engine.recognise([joined(0.5, chinese(), second)], Hints(("zh",)))
    assert CHINESE_WORD in recognition.segments[0].text and "环境" in recognition.segments[1].text
    assert recognition.segments[0].end_s < recognition.segments[1].start_s
    assert passes == ["encode", *["generate"] * (2 if left else 3)]


@pytest.mark.parametrize("few", [FEW, "好的。"])
def test_a_few_words_behind_a_pause_are_found(engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch, few: str) -> None:
    """The text of the sentence alone is long enough for both."""
    (alone,) = engine.recognise([chinese(few)], Hints(("zh",)))[0].segments  # its full stop depends on the processor
    assert alone.text.rstrip("。") == few.rstrip("。")
    decode = engine._whisper.decode

    def stopping(encoded: Any, count: int, *rest: Any, **options: Any) -> Any:
        attempt = decode(encoded, count, *rest, **options)
        if count <= 1.5 * len(chinese()):
            return attempt
        return dataclasses.replace(attempt, text=CHINESE, tokens=engine._whisper._tokenizer("zh").encode(CHINESE))

    monkeypatch.setattr(engine._whisper, "decode", stopping)
    (recognition,) = engine.recognise([joined(1.8, chinese(), chinese(few))], Hints(("zh",), words=True))
    assert [segment.text for segment in recognition.segments] == [CHINESE, alone.text]
    edges_s = np.cumsum([0.3, len(chinese()) / SAMPLE_RATE, 1.8, len(chinese(few)) / SAMPLE_RATE]).reshape(2, 2)
    for segment, (start_s, end_s) in zip(recognition.segments, edges_s, strict=True):
        assert [segment.start_s, segment.end_s] == pytest.approx([start_s, end_s], abs=0.2)
        assert "".join(word.text for word in segment.words) == segment.text
        assert all(start_s - 0.4 < word.start_s < word.end_s < end_s + 0.4 for word in segment.words)


def test_no_words_are_made_of_a_hesitation_beside_a_pause(engine: WhisperEngine) -> None:
    sentence, hesitation = english(ENGLISH), english("Hmm.")
    for sounds in ((sentence, hesitation), (hesitation, sentence)):
        (recognition,) = engine.recognise([joined(1.5, *sounds)], Hints(("en",)))
        assert recognition.text.removeprefix("Hmm. ").removesuffix(" Hmm.") == ENGLISH


def test_a_misheard_half_leaves_the_whole_text_as_it_is(engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no word of the text, as if that were of the other half alone; but the words are heard in both."""
    decode = engine._whisper.decode
    first, second = chinese(), chinese(OTHER)
    counts: list[int] = []

    def mishearing(encoded: Any, count: int, *rest: Any, **options: Any) -> Any:
        attempt = decode(encoded, count, *rest, **options)
        counts.append(count)
        return dataclasses.replace(attempt, text="喂闷。") if len(counts) == 2 else attempt

    monkeypatch.setattr(engine._whisper, "decode", mishearing)
    monkeypatch.setattr(whisper, "is_too_short", lambda text, speech_s: len(counts) == 1)
    monkeypatch.setattr(whisper, "is_of_the_other", lambda text, part, other_s: True)
    (recognition,) = engine.recognise([joined(0.5, first, second)], Hints(("zh",)))
    assert len(recognition.segments) == 1 and len(counts) == 3
    assert CHINESE_WORD in recognition.text and "环境" in recognition.text


def test_the_words_are_those_of_the_text(engine: WhisperEngine) -> None:
    """A comma is wide in the words as in the text."""
    (recognition,) = engine.recognise([joined(0.1, chinese(), chinese(OTHER))], Hints(("zh",), words=True))
    (segment,) = recognition.segments
    assert "，" in segment.text
    assert "".join(word.text for word in segment.words) == segment.text


def test_a_language_that_the_caller_names_is_the_only_one(engine: WhisperEngine) -> None:
    sound = joined(0.5, chinese(), english(ENGLISH))
    assert languages(engine.recognise([sound], Hints(("en",)))[0]) == ["en"]


@pytest.fixture
def passes(engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The passes through the model, by name, in order."""
    names: list[str] = []

    class Counting:
        def __init__(self, inner: object) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> object:
            if name in ("encode", "detect_language", "generate"):
                names.append(name)
            return getattr(self._inner, name)

    stock = engine._whisper._whisper
    monkeypatch.setattr(stock, "model", Counting(stock.model))
    yield names


@pytest.mark.parametrize("pause_s", [0.0, 0.5, 1.2])
def test_a_turn_in_one_language_costs_no_pass_more(engine: WhisperEngine, passes: list[str], pause_s: float) -> None:
    """Also where it has a pause: its stretches are parts of one encoding, judged in one call. Where the pause is wide,
    the times of the words tell that nothing is missing."""
    (recognition,) = engine.recognise([joined(pause_s, english(), english(ENGLISH))], Hints())
    assert languages(recognition) == ["en"] and re.search("time.*lights", recognition.segments[0].text)
    assert passes == ["encode", "detect_language", "generate"]


def test_a_slow_speaker_costs_one_decoding_more(
    engine: WhisperEngine, passes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a text is as short as if a sentence were missing, the earlier half shows that none is.

    Whether its text loops there, and is decoded again, depends on the processor.
    """
    monkeypatch.setattr(whisper, "is_too_short", lambda text, speech_s: True)
    decode, decoded, loops = engine._whisper.decode, [], 0

    def decoding(encoded: Any, count: int, *rest: Any, **options: Any) -> Any:
        nonlocal loops
        loops += count in decoded
        decoded.append(count)
        return decode(encoded, count, *rest, **options)

    monkeypatch.setattr(engine._whisper, "decode", decoding)
    sound = joined(0.6, english(ENGLISH), english())
    (recognition,) = engine.recognise([sound], Hints(("en",)))
    assert re.search("lights.*time", recognition.segments[0].text)
    whole, earlier = dict.fromkeys(decoded)
    assert whole == len(sound) and earlier < whole
    assert passes == ["encode", "generate", "generate", *["encode", "generate"] * loops]


@pytest.mark.parametrize(
    ("careful", "loops", "windows_s"), [(False, 1, [12.0]), (False, 3, [12.0, 30.0]), (True, 2, [30.0])]
)
def test_what_loops_is_decoded_in_longer_windows(
    engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch, careful: bool, loops: int, windows_s: list[float]
) -> None:
    """The full one takes seconds of work. What still loops there is cut, and a warning tells so."""
    used: list[float] = []
    encode, decode = engine._whisper.encode, engine._whisper.decode

    def encoding(samples: np.ndarray, window_s: float) -> Any:
        used.append(window_s)
        return encode(samples, window_s)

    def looping(*rest: Any, **options: Any) -> Any:
        attempt = decode(*rest, **options)
        return dataclasses.replace(attempt, text=f"{attempt.text} {len(used)}", looped=len(used) <= loops)

    monkeypatch.setattr(engine._whisper, "encode", encoding)
    monkeypatch.setattr(engine._whisper, "decode", looping)
    (recognition,) = engine.recognise([english(ENGLISH)], Hints(("en",), careful=careful))
    assert ENGLISH_WORD in recognition.text
    assert used[1:] == windows_s
    assert bool(recognition.warnings) == (loops > len(windows_s))


def test_words_are_where_they_were_spoken(engine: WhisperEngine) -> None:
    """Where sentences begin and end is known exactly: silence lies around them. Also behind a change of language."""
    first, second = english(), chinese()
    (recognition,) = engine.recognise([joined(0.6, first, second)], Hints(words=True))
    edges_s = np.cumsum([0.3, len(first) / SAMPLE_RATE, 0.6, len(second) / SAMPLE_RATE]).reshape(2, 2)
    for segment, (start_s, end_s) in zip(recognition.segments, edges_s, strict=True):
        times = [time_s for word in segment.words for time_s in (word.start_s, word.end_s)]
        assert times == sorted(times)
        assert [times[0], times[-1]] == pytest.approx([start_s, end_s], abs=0.08)
        assert "".join(word.text for word in segment.words) == segment.text.replace(" ", "")


def test_times_of_words_cost_nothing_where_nobody_wants_them(engine: WhisperEngine) -> None:
    (recognition,) = engine.recognise([joined(0.3, english())], Hints())
    assert recognition.segments and recognition.segments[0].words == ()


@pytest.mark.parametrize(
    ("hints", "sure", "beams"),
    [
        (Hints(("en",)), -0.5, [1]),
        (Hints(("en",)), 0.0, [1, 5]),
        (Hints(("en",), careful=True), -0.5, [5]),
        (Hints(("zh",)), -0.5, [5]),
    ],
)
def test_several_texts_are_followed_where_one_is_not_sure(
    engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch, hints: Hints, sure: float, beams: list[int]
) -> None:
    used: list[int] = []
    searched = engine._whisper._searched

    def counted(*rest: Any, beam: int) -> Any:
        used.append(beam)
        return searched(*rest, beam=beam)

    monkeypatch.setattr(engine._whisper, "_searched", counted)
    monkeypatch.setattr(whisper_model, "_SURE", {"en": sure})
    engine.recognise([english(ENGLISH) if hints.languages == ("en",) else chinese()], hints)
    assert used == beams


def test_callers_at_once_may_score_many_phrases(engine: WhisperEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one remembers, another may forget at any time."""

    class Forgetful(dict[tuple[str, str], float]):
        def __setitem__(self, key: tuple[str, str], value: float) -> None:
            self.clear()

    monkeypatch.setattr(engine, "_phrases", Forgetful())
    assert engine.phrase_score(english(), "what is the time", "en") is not None


def test_no_more_recordings_at_once_than_cores() -> None:
    settings = load(environ={}, overrides=["asr.threads=2", "asr.workers=5"])
    assert WhisperEngine(settings.asr, ModelStore(settings.store).ensure).workers == 2
