"""`--clean`: hesitation and repetition are left out of a transcript, and nothing else."""

from __future__ import annotations

import pytest

from huiyin.services.asr.text.clean import clean, cleaned
from tests.support.transcripts import segment, spoken, transcript


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Um, I I think, you know, it works.", "I think, it works."),
        ("So, uh, we should, we should go.", "We should go."),
        ("The the report is, um, done.", "The report is, done."),
        ("Er... yes.", "Yes."),
        ("It was, I mean, fine.", "It was, fine."),
        ("嗯，我我觉得，那个，可以。", "我觉得，可以。"),
        ("呃，那个，我想问一下。", "我想问一下。"),
        ("就是，我们我们今天开会。", "我们今天开会。"),
        ("我们明天，我们明天再说。", "我们明天再说。"),
        ("然后然后他就走了。", "然后他就走了。"),
        ("Uh.", ""),
    ],
)
def test_hesitation_is_left_out(said: str, read: str) -> None:
    assert clean(said) == read


@pytest.mark.parametrize(
    "said",
    [
        "I know you know it.",
        "It looks like rain.",
        "No, no, no!",
        "It was very very good.",
        "He had had enough, and that that is true.",
        "Five five seven seven, that is seven seven.",
        "The human drummer is here.",
        "Errors, err, and umbrella.",
        "那个人是谁？",
        "就是这样。",
        "看看，谢谢，慢慢来。",
        "不不不，别走。",
        "嗯。",
        "三三三三三三，一二三一二三。",
        "对对对。",
        "这个价格可以吗？",
        "iPhone is lowercase.",
    ],
)
def test_what_may_mean_something_stays(said: str) -> None:
    assert clean(said) == said


def test_segments_that_were_nothing_but_hesitation_are_gone_and_words_follow_the_text() -> None:
    said = "So um we should, we should go."
    spoken_words = segment(1, 2, said, words=spoken(said))
    result = cleaned(transcript(segment(0, 1, "Um."), spoken_words, segment(2, 3, "")))
    assert result.text == "So we should go."
    assert [word.text for word in result.segments[0].words] == ["So", "we", "should,", "go."]
    other = cleaned(transcript(segment(1, 2, "Um, 42.", words=spoken("um forty two"))))
    assert len(other.segments[0].words) == 3, "words that are written otherwise stay"
