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
        ("Lead was used for roofs.", "[Lead](/lˈɛd/) was used for roofs."),
        ("It was so minute that I missed it.", "It was so [minute](/mInˈut/) that I missed it."),
        ("a final bow", "a final [bow](/bˈW/)"),
        ("Are you content with it?", "Are you [content](/kəntˈɛnt/) with it?"),
        ("Our neighbours object to it.", "Our neighbours [object](/əbʤˈɛkt/) to it."),
        ("Turn the bass down, or turn down the bass.", "Turn the bass down, or turn down the [bass](/bˈAs/)."),
        ("Has everyone read it?", "Has everyone [read](/ɹˈɛd/) it?"),
        ("They read a page every day.", "They [read](/ɹˈid/) a page every day."),
        ("The shops close at nine.", "The shops [close](/klˈOz/) at nine."),
        ("There is a tear in her coat.", "There is a [tear](/tˈɛɹ/) in her coat."),
        ("They are playing live tonight.", "They are playing [live](/lˈIv/) tonight."),
        ("We project a loss.", "We [project](/pɹəʤˈɛkt/) a loss."),
        ("They had a row over nothing.", "They had a [row](/ɹˈW/) over nothing."),
        ("Polish the table.", "[Polish](/pˈɑlɪʃ/) the table."),
    ],
)
def test_the_rarer_reading_is_marked(text: str, marked: str) -> None:
    assert with_readings(text) == marked


@pytest.mark.parametrize(
    "text",
    [
        "They lead the way.", "in a minute", "tie a bow", "the content of it", "an object on a table", "sea bass",
        "Resume the game.", "It is misleading.", "Take the lead, and keep it.", "This object to the left", "a bow tie",
        "I have to read it.", "He read it last year.", "They live in Rome.", "a tear in her eye", "the front row",
        "The project is late.", "Polish food is good.", "Stand close at hand.",
    ],
)  # fmt: skip
def test_the_common_reading_is_left_to_the_reader(text: str) -> None:
    assert with_readings(text) == text
