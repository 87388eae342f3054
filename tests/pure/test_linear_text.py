"""The time that a text takes on its way to a voice grows with its length, whatever it is made of."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from types import ModuleType

import pytest

from huiyin.services.common import think
from huiyin.services.tts import alignment, phrases
from huiyin.services.tts.spoken import addresses, characters, markup, reading, spoken

pytestmark = pytest.mark.slow  # long texts, each call counted

ONE_OF_EACH = (
    ":", "9", ".", " ", "<", "|", "#", "'", '"', "$5", "\\(", "\\[", "http://", "*a ", "~~a ", "a-b.", "【1†", "1/",
    "3.5", " \t", "\n ", "e.g. ", "\u0301\u0323", "`", "[", "][", "字", "¥", "验证码", "密码\t ", "<!--", "&#9",
)  # fmt: skip
# What opens something that never ends, before 10,000 ordinary characters.
OPENINGS = ("`", "[", "(", "$", "<", "*", "_", "~~", "```", "“", "<think>", "![", "$$", "\\(", "[a](", '[a](b "', "&#")

# Patterns over whole texts that may run to the end, and why that takes them there once only.
MAY_RUN_ON = {
    "_BLOCK": "matches to the end of the text",
    "_OPENED_BY_PROMPT": "starts at the beginning only",
    "_FENCE": "matches to the end of the text",
    "_UNSEEN": "matches to the end of the text",
    "_INLINE_CODE": "one or two backticks: without an end there is no later start",
    "_REFERENCE": "matches to the end of the line",
}
CLASS = re.compile(r"\[(?:\\.|[^\]\\])+\]")


def patterns(module: ModuleType) -> dict[str, str]:
    return {name: value.pattern for name, value in vars(module).items() if isinstance(value, re.Pattern)}


@pytest.mark.parametrize("module", [addresses, characters, markup, reading, think])
def test_patterns_over_whole_texts_are_bounded(module: ModuleType) -> None:
    found = patterns(module)
    assert found
    running_on = {name for name, pattern in found.items() if re.search(r"(?<!\\)\.[*+]", CLASS.sub("", pattern))}
    assert running_on <= MAY_RUN_ON.keys()
    # A space before something would be looked through again from each of its characters.
    assert not [name for name, pattern in found.items() if re.match(r"\\s[*+].", pattern)]


def test_rules_read_a_sentence_or_a_part_of_it() -> None:
    for text in ("字" * 2000, "word " * 400, "9" * 2000, "a. b! " * 300):
        parts = list(reading._sentences(text))
        assert "".join(parts) == text
        assert max(map(len, parts)) <= reading._LONGEST


def growth(run: Callable[[str], object], text: str) -> float:
    """How much longer four times the text takes, in the processor's time."""
    times = []
    for repeats in (1, 4):
        seconds = []
        for _ in range(3):
            started = time.process_time()
            run(text * repeats)
            seconds.append(time.process_time() - started)
        times.append(min(seconds))
    return times[1] / times[0]


@pytest.mark.parametrize("part", ONE_OF_EACH)
def test_reading_four_times_the_text_takes_about_four_times_as_long(part: str) -> None:
    assert growth(spoken, (part * 2500)[:2500]) < 9  # with the square of the length: 16


@pytest.mark.parametrize("opening", OPENINGS)
def test_what_never_ends_is_not_looked_for_again(opening: str) -> None:
    ordinary = "It was a long day, and so on. 然后我们回家了，"
    assert growth(lambda text: spoken(opening + text), ordinary * 60) < 9


def test_a_number_too_long_for_a_character_is_no_character() -> None:
    assert spoken("a &#" + "9" * 5000 + "; b") == "a b."


@pytest.mark.parametrize("part", [" .", "e.g. ", "- ", "](", "字", "word ", "。“", "9"])
def test_each_character_is_counted_a_few_times_for_pieces(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, counted = part * 2000, 0
    count = phrases.syllables

    def counting(piece: str) -> int:
        nonlocal counted
        counted += len(piece)
        return count(piece)

    monkeypatch.setattr(phrases, "syllables", counting)
    assert "".join(phrases.pieces(text)) == text
    assert counted <= 3 * len(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1-" * 2000, "one-" * 2000),
        ("a1" * 2000, "a one " * 2000),
        ("x_y " * 1000, "x y " * 1000),
        ("abc", "xyz " * 2000),
        ("<b>a</b> " * 500, "a " * 500),
        ("字，" * 2000, "词，" * 2000),
    ],
)
def test_places_are_looked_up_a_few_times_a_token(text: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = 0
    first = alignment._first

    def counting(positions: list[int], start: int) -> int | None:
        nonlocal looked_up
        looked_up += 1
        return first(positions, start)

    monkeypatch.setattr(alignment, "_first", counting)
    alignment.TextAlignment(text, said)
    tokens = len(alignment._TOKEN.findall(text)) + len(alignment._TOKEN.findall(said))
    assert looked_up <= 4 * tokens
