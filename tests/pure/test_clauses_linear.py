"""Cutting a reply into clauses takes work in proportion to its length, whatever the reply is made of."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import FrameType

import pytest

from huiyin.assistant.dialogue.clauses import ClauseSplitter, shown, speakable, split

pytestmark = pytest.mark.slow  # long texts, each call counted

PROSE = "今天天气不错，我们可以去公园散步，然后喝一杯咖啡。It is a nice day, and you may walk along the river with me. "
# What opens something that never ends, before ordinary text or a single word.
OPENINGS = ("`", "``", "```\n", "$", "$$", "\\(", "\\[", "[", "[a](", "《", "<", "<|", "<think>", "https://a.b/", "| ")
# What a reply might consist of from its beginning to its end.
PARTS = (
    ":", ",", ".", " ", "'", '"', "\n", "“", "「", "[", "《", "<", "#", "*", "_", "`", "|", "-", "!", "。", "，", "：",
    "…", "a", "字", "0", "a,", "a. ", "1:", "a:", "[]", "<a>", "`a", "$a", "*a", "\\(", "a and ", "一个", "，”",
    "\n| ", "www.", "https://", "<|", "<think", "- [ ] ",
)  # fmt: skip
TEXTS = {
    **{f"open {opening!r}": opening + PROSE * 40 for opening in OPENINGS},
    **{f"a word after {opening!r}": opening + "x" * 4000 for opening in OPENINGS},
    **{f"only {part!r}": "好的！a" + part * 4000 for part in PARTS},
}
LONGEST_TEXT = 400  # characters that are looked at together: a clause, and a span that is still open


def steps(text: str) -> int:
    """Calls made while `text` comes character by character; none of them looks at more than LONGEST_TEXT characters."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += 1

    splitter = ClauseSplitter()
    profiler = sys.getprofile()
    sys.setprofile(count)
    try:
        for char in text:
            splitter.feed(char)
            assert len(splitter._text) <= LONGEST_TEXT
        splitter.finish()
    finally:
        sys.setprofile(profiler)
    return calls


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_four_times_the_text_takes_four_times_the_steps(text: str) -> None:
    few, many = steps(text[:600]), steps(text[:2400])
    assert many <= 4.8 * few
    assert many <= 150 * 2400


@pytest.mark.parametrize("text", [PROSE * 50, "`" + PROSE * 50, "a, b. " * 1000], ids=["prose", "open", "short"])
def test_a_character_is_read_about_once(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    read_character = ClauseSplitter._read_character

    def counting(splitter: ClauseSplitter) -> None:
        nonlocal count
        count += 1
        read_character(splitter)

    monkeypatch.setattr(ClauseSplitter, "_read_character", counting)
    assert split(text)
    assert count <= 1.2 * len(text)


@pytest.mark.parametrize("look", [speakable, shown])
@pytest.mark.parametrize("part", [*PARTS, "[a](", "](", "```", "\n ", "\n#", "&#", "<think>", "</think>", "<b ", "【a"])
def test_a_long_text_is_looked_at_once(look: Callable[[str], str], part: str) -> None:
    started = time.process_time()
    look(part * (100_000 // len(part)))
    assert time.process_time() - started < 2.0  # about 0.05 s; a minute if it grew with the square of the length
