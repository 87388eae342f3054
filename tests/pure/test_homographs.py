"""English words of two readings, told apart by their company."""

from __future__ import annotations

import pytest

from huiyin.services.tts.homographs import with_readings


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("The roof is of lead.", "The roof is of [lead](/lˈɛd/)."),
        ("a very minute difference", "a very [minute](/mInˈut/) difference"),
        ("Take a bow, all of you.", "Take a [bow](/bˈW/), all of you."),
        ("She seems content.", "She seems [content](/kəntˈɛnt/)."),
        ("Would you object if I left?", "Would you [object](/əbʤˈɛkt/) if I left?"),
        ("He plays bass.", "He plays [bass](/bˈAs/)."),
        ("I sent my resume.", "I sent my [resume](/ɹˈɛzəmˌA/)."),
    ],
)
def test_the_rarer_reading_is_marked(text: str, marked: str) -> None:
    assert with_readings(text) == marked


@pytest.mark.parametrize(
    "text",
    [
        "They lead the way.", "in a minute", "tie a bow", "the content of it", "an object on a table", "sea bass",
        "Resume the game.", "It is misleading.",
    ],
)  # fmt: skip
def test_the_common_reading_is_left_to_the_reader(text: str) -> None:
    assert with_readings(text) == text
