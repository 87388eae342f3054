"""Word timings, places in the text, styles, the cache, and the voice of each part: without a model."""

from __future__ import annotations

import multiprocessing
import os
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huiyin.services.common.errors import ApiError
from huiyin.services.tts.alignment import TextAlignment
from huiyin.services.tts.cache import LONGEST_CHARS, LONGEST_S, SpeechCache
from huiyin.services.tts.engines.hibari import HibariEngine
from huiyin.services.tts.sound import RATE
from huiyin.services.tts.speaker import Speaker
from huiyin.services.tts.styles import STYLES, style_of
from huiyin.services.tts.timing import in_proportion
from huiyin.services.tts.voice_engine import PLAIN, Prosody, Speech, SynthesisFailed, Voice, WordTiming
from huiyin.services.tts.voice_selector import parts
from tests.services.test_tts_speaker import Tone, only_sound, speaker
from tests.support.limits import PATIENCE_S

# --- where the words are ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "spoken", "part", "source"),
    [
        ("你好世界", "你好世界", "世界", "世界"),
        ("涨了3.5%，好", "涨了百分之三点五，好", "百分之三点五", "3.5%"),
        ("涨了3.5%，好", "涨了百分之三点五，好", "好", "好"),
        ("**Hi** there", "Hi there", "Hi", "Hi"),
        ("**Hi** there", "Hi there", "there", "there"),
        ("See https://a.b/c now", "See now", "now", "now"),
        ("It costs $5 today", "It costs five dollars today", "five dollars", "$5"),
        ("Well. ```" + "x = 1; " * 400 + "``` And goodbye.", "Well. And goodbye.", "goodbye", "goodbye"),
    ],
)
def test_a_part_of_what_is_said_is_found_in_the_text(text: str, spoken: str, part: str, source: str) -> None:
    at = spoken.index(part)
    start, end = TextAlignment(text, spoken).source_span(at, at + len(part))
    assert text[start:end] == source


@pytest.mark.parametrize(("text", "spoken"), [("", ""), ("", "abc"), ("abc", ""), ("abc", "xyz" * 300)])
def test_texts_that_share_nothing_have_places_all_the_same(text: str, spoken: str) -> None:
    start, end = TextAlignment(text, spoken).source_span(0, max(1, len(spoken)))
    assert 0 <= start <= end <= len(text)


def test_places_in_a_long_text_that_repeats_itself_take_no_time() -> None:
    text = "我们先去公园散步，再去饭店吃饭，花了30元。" * 220
    started = time.process_time()
    TextAlignment(text, text.replace("30", "三十"))
    assert time.process_time() - started < 2  # measured: 0.1; comparing them as wholes took 9


def test_words_share_the_time_by_their_syllables() -> None:
    words = list(in_proportion("Hello, my friend.", 2.0))
    assert [("Hello, my friend."[w.start : w.end]) for w in words] == ["Hello,", "my", "friend."]
    assert words[0].start_s == 0
    assert words[-1].end_s == pytest.approx(2.0)
    assert words[1].start_s > words[0].end_s  # the comma's pause
    assert words[0].end_s > words[1].end_s - words[1].start_s
    assert not list(in_proportion("……", 1.0))


class Telling(Tone):
    """Speaks each character in a tenth of a second, after 0.2 s of silence, and may fail after some."""

    fails_after: int | None = None

    def synthesise(self, text: str, voice: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        self.asked.append(text)
        yield np.zeros(RATE // 5, np.float32)
        for i in range(len(text)):
            if i == self.fails_after:
                raise SynthesisFailed("tts.edge_failed", text[i:], why="broken")
            yield WordTiming(i, i + 1, 0.2 + i / 10, 0.2 + (i + 1) / 10)
            yield (0.3 * np.sin(2 * np.pi * 200 * np.arange(RATE // 10) / RATE)).astype(np.float32)


def test_words_keep_their_times_when_silence_is_left_out_and_pauses_are_added() -> None:
    one = Speaker([Telling("kokoro", (Voice("v", "kokoro", "zh-CN", "female", frozenset({"zh", "en"})),))])
    made = list(one.speak("一二。三", one.choose("一", "v")))
    words = [each for each in made if isinstance(each, WordTiming)]
    assert [w.end for w in words] == [1, 2, 3, 4]
    assert [w.end_s for w in words[:2]] == pytest.approx([0.112, 0.212], abs=0.01)  # 12 ms stay in front
    sound = np.concatenate(only_sound(iter(made)))
    assert words[3].start_s == pytest.approx(0.32 + 0.04 + 0.25, abs=0.05)  # after the pause of the full stop
    assert words[3].end_s <= len(sound) / RATE


def test_words_go_on_in_the_voice_that_stands_in() -> None:
    breaking = Telling("first", (Voice("v", "first", "en-US", "female", frozenset({"en"})),))
    breaking.fails_after = 4
    one = Speaker([breaking, Telling("hibari", HibariEngine.voices)])
    made = list(one.speak("one two", one.choose("one", "v")))
    words = [each for each in made if isinstance(each, WordTiming)]
    assert [w.end for w in words] == list(range(1, 8))
    assert [w.end_s for w in words] == sorted(w.end_s for w in words)
    assert words[-1].end_s <= sum(map(len, only_sound(iter(made)))) / RATE


# --- who says it ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Hello there. 你好。 Goodbye.",
            [("Hello there. ", "heart"), ("你好。 ", "zf_xiaoxiao"), ("Goodbye.", "heart")],
        ),
        ("Hello, 我在用 Python。", [("Hello, ", "heart"), ("我在用 Python。", "zf_xiaoxiao")]),
        ("你好，3.5。Yes", [("你好，3.5。", "zf_xiaoxiao"), ("Yes", "heart")]),
        ("你好。", [("你好。", "zf_xiaoxiao")]),
        ("Hello.", [("Hello.", "heart")]),
    ],
)
def test_clauses_that_a_voice_does_not_speak_have_another_voice(text: str, expected: list[tuple[str, str]]) -> None:
    choice = speaker("hibari", "kokoro").choose(text, "heart")
    assert [(part, who.voice.name) for part, who in parts(text, choice)] == expected
    assert bool(choice.warning) == ("你" in text or "我" in text)
    if choice.warning:
        assert "heart" in choice.warning
        assert "zf_xiaoxiao" in choice.warning


def test_default_voices_give_no_warning() -> None:
    for text in ("你好。Hello.", "Hello."):
        assert not speaker("hibari", "kokoro").choose(text).warning


# --- how it is said ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "style"),
    [
        *((name, name) for name in STYLES),
        ("", "neutral"), ("unknown", "neutral"), ("sad", "gentle"), ("fearful", "gentle"), ("crying", "gentle"),
        ("happy", "cheerful"), ("Happy ", "cheerful"), ("surprised", "cheerful"), ("angry", "calm"),
        ("disgusted", "calm"), ("formal", "serious"),
    ],
)  # fmt: skip
def test_emotions_ask_for_styles(word: str, style: str) -> None:
    assert style_of(word).name == style


@pytest.mark.parametrize("word", ["flirty", 3, ["sad"], None])
def test_unknown_emotions_are_refused(word: object) -> None:
    with pytest.raises(ApiError) as refused:
        style_of(word)
    assert refused.value.status == 400
    assert "gentle" in refused.value.hint


def test_styles_differ_and_stay_small() -> None:
    assert len({(s.pace, s.pitch, s.level_db) for s in STYLES.values()}) == len(STYLES)
    for style in STYLES.values():
        assert 0.88 <= style.pace <= 1.12
        assert abs(style.pitch) <= 2
        assert abs(style.level_db) <= 3


# --- spoken before --------------------------------------------------------------------------------------------------

MADE: list[Speech] = [WordTiming(0, 1, 0.0, 0.5), np.linspace(-0.5, 0.5, RATE, dtype=np.float32)]


def with_cache(folder: Path, limit: int = 10**7) -> tuple[Speaker, Tone]:
    tone = Tone("hibari", HibariEngine.voices)
    return Speaker([tone], cache=SpeechCache(folder, limit)), tone


def test_the_second_time_a_short_text_is_not_synthesised(tmp_path: Path) -> None:
    first, tone = with_cache(tmp_path)
    choice = first.choose("Hello.")
    made = list(first.speak("Hello.", choice))
    again, other_tone = with_cache(tmp_path)  # another process's
    started = time.thread_time()  # what it costs, however busy the machine is
    kept = list(again.speak("Hello.", again.choose("Hello.")))
    took_s = time.thread_time() - started
    assert (tone.asked, other_tone.asked) == (["Hello."], [])
    assert np.concatenate(only_sound(iter(kept))) == pytest.approx(np.concatenate(only_sound(iter(made))), abs=1e-4)
    assert [m for m in kept if isinstance(m, WordTiming)] == [m for m in made if isinstance(m, WordTiming)]
    assert took_s < 0.010 + 0.05  # measured: 0.001


def test_what_changes_the_sound_is_synthesised_again(tmp_path: Path) -> None:
    one, tone = with_cache(tmp_path)
    choice = one.choose("Hello.")
    list(one.speak("Hello.", choice))
    list(one.speak("Hello.", choice, 1.2))
    list(one.speak("Hello.", choice, 1.0, STYLES["gentle"]))
    list(one.speak("Hello!", choice))
    tone.version = "2"
    list(one.speak("Hello.", choice))
    assert len(tone.asked) == 5


def test_long_texts_and_texts_half_spoken_are_not_stored(tmp_path: Path) -> None:
    one, _ = with_cache(tmp_path)
    choice = one.choose("Hello.")
    list(one.speak("a" * (LONGEST_CHARS + 1), choice))
    sound = one.speak("一。二。", choice)
    next(sound)
    sound.close()  # type: ignore[attr-defined]
    assert not list(tmp_path.iterdir())


def test_cache_that_is_off_writes_nothing(tmp_path: Path) -> None:
    one, tone = with_cache(tmp_path, 0)
    for _ in range(2):
        list(one.speak("Hello.", one.choose("Hello.")))
    assert len(tone.asked) == 2
    assert not list(tmp_path.iterdir())


def test_what_may_not_be_stored_is_not_though_it_is_used_where_it_is_there(tmp_path: Path) -> None:
    one, tone = with_cache(tmp_path, 10**7)
    for count, may_store, files in ((1, False, 0), (2, False, 0), (3, True, 1), (3, False, 1)):
        list(one.speak("Hello.", one.choose("Hello."), may_store=may_store))
        assert (len(tone.asked), len(list(tmp_path.iterdir()))) == (count, files)


def test_the_least_recently_used_goes_when_there_is_no_room(tmp_path: Path) -> None:
    size = RATE * 2 + 1000
    cache = SpeechCache(tmp_path, 4 * size)
    for i in range(4):
        cache.put([i], MADE)
        for path in tmp_path.iterdir():  # as if a minute had passed
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 60))
    assert cache.get([0])
    cache.put([4], MADE)
    assert cache.get([0])
    assert cache.get([4])
    assert cache.get([1]) is None
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 4 * size


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a zip", None])
def test_a_broken_file_counts_as_missing(damage: bytes | None, tmp_path: Path) -> None:
    cache = SpeechCache(tmp_path, 10**7)
    cache.put(["a"], MADE)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:1000] if damage is None else damage)
    assert cache.get(["a"]) is None
    cache.put(["a"], MADE)
    assert cache.get(["a"])


def test_folder_that_cannot_be_written_is_not_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = SpeechCache(tmp_path / "file" / "folder", 10**7)
    cache.put(["a"], MADE)
    assert cache.get(["a"]) is None


def test_a_file_that_unpacks_to_more_than_any_speech_is_not_unpacked(tmp_path: Path) -> None:
    cache = SpeechCache(tmp_path, 10**7)
    cache.put(["a"], MADE)
    (path,) = tmp_path.iterdir()
    np.savez_compressed(path, sound=np.zeros(20 * 10**6, np.int16), words=np.zeros((0, 4)))
    assert path.stat().st_size < 10**5
    tracemalloc.start()
    assert cache.get(["a"]) is None
    assert tracemalloc.get_traced_memory()[1] < 10**6
    tracemalloc.stop()


def test_a_file_with_other_numbers_than_samples_counts_as_missing(tmp_path: Path) -> None:
    cache = SpeechCache(tmp_path, 10**7)
    cache.put(["a"], MADE)
    (path,) = tmp_path.iterdir()
    for sound in (np.zeros((10, 10), np.int16), np.zeros(10, np.complex128), np.zeros(10, np.float64)):
        np.savez(path, sound=sound, words=np.zeros((0, 4)))
        assert cache.get(["a"]) is None


def test_speech_longer_than_any_entry_is_not_stored(tmp_path: Path) -> None:
    cache = SpeechCache(tmp_path, 10**9)
    cache.put(["a"], [np.zeros(round(LONGEST_S * RATE) + 1, np.float32)])
    assert not list(tmp_path.iterdir())


def test_what_is_stored_is_not_said_to_be_lost_where_another_process_tidies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cache = SpeechCache(tmp_path, 1)  # so that it tidies at once

    def gone(folder: object) -> Any:
        raise FileNotFoundError(2, "gone", "a.npz")

    monkeypatch.setattr("huiyin.services.tts.cache.os.scandir", gone)
    with caplog.at_level("DEBUG"):
        cache.put(["a"], MADE)
    assert cache.get(["a"]) and not caplog.records


def _write_and_read(folder: Path, wrong: multiprocessing.Queue[str]) -> None:
    cache = SpeechCache(folder, 200_000)
    for i in range(40):
        cache.put([i % 5], [WordTiming(0, 1, 0.0, 1.0), np.full(RATE // 4, 0.5, np.float32)])
        kept = cache.get([(i + 1) % 5])
        if kept is not None and (len(kept) != 2 or not np.allclose(kept[1], 0.5, atol=1e-3)):  # type: ignore[arg-type]
            wrong.put("half a file was read")


@pytest.mark.slow
def test_many_processes_share_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    wrong: multiprocessing.Queue[str] = context.Queue()
    others = [context.Process(target=_write_and_read, args=(tmp_path, wrong)) for _ in range(2)]
    for other in others:
        other.start()
    _write_and_read(tmp_path, wrong)
    for other in others:
        other.join(PATIENCE_S)
        assert other.exitcode == 0
    assert wrong.empty()
    assert {path.suffix for path in tmp_path.iterdir()} == {".npz"}
