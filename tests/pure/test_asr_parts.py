"""The parts of the speech-to-text service that need no model."""

from __future__ import annotations

import pytest

from huiyin.configs.settings import AsrSettings, SettingsError
from huiyin.services.asr.engines.loops import looks_looped, without_loop
from huiyin.services.asr.recogniser import Segment, join_texts, load_engine
from huiyin.services.asr.text.simplified import written_simply
from huiyin.services.asr.text.subtitles import as_srt, as_vtt


def test_an_unknown_engine_is_named_with_the_known() -> None:
    with pytest.raises(SettingsError, match=r"'siri'.*whisper"):
        load_engine(AsrSettings(engine="siri"), lambda name: pytest.fail("no model is needed"))


def test_texts_are_joined_as_their_language_is_written() -> None:
    assert join_texts(["Good morning.", "", "How are you?"]) == "Good morning. How are you?"
    assert join_texts(["你好。", "今天天气不错。"]) == "你好。今天天气不错。"
    assert join_texts(["我用", "Python", "写的", "ok then", "go"]) == "我用Python写的ok then go"


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


def test_a_loop_is_reduced_to_one() -> None:
    assert without_loop([7, 1, 2, 1, 2, 1, 2, 1, 2]) == [7, 1, 2]
    assert without_loop([5] * 9) == [5]
    assert without_loop([1, 2, 3]) == [1, 2, 3]


# --- text --------------------------------------------------------------------------------------------------------


def test_chinese_is_written_simply() -> None:
    assert written_simply("廣州市換一首歌,好嗎?") == "广州市换一首歌，好吗？"
    assert written_simply("好萊塢的娛樂") == "好莱坞的娱乐"
    assert written_simply("乾隆看著") == "乾隆看著", "with two simplified forms, by their meaning"
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


@pytest.mark.parametrize("text", ["以下是普通话的句子。", "以下是普通话的句子", "以下是普通话的句子！"])
def test_the_decoders_own_prompt_is_not_speech(text: str) -> None:
    attempt = pytest.importorskip("huiyin.services.asr.engines.whisper_model").Attempt
    assert attempt("zh", [], text, -0.1, 0.1, False).is_prompt
    assert not attempt("zh", [], text + "真的", -0.1, 0.1, False).is_prompt
    assert not attempt("en", [], "", -0.1, 0.1, False).is_prompt
