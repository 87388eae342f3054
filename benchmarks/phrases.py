"""What 600 short phrases said over the assistant's speech do: ``python -m benchmarks.phrases [--misses]``.

Each phrase of ``data/phrases.tsv`` is said once at text depth, over the middle of a story or over the end of a
question. Right is one of three outcomes: the reply is resumed (a listener's word, hesitation, laughter), it stops and
nothing is asked (an order to stop), it stops and the phrase is answered. Half of the phrases, by a checksum of their
letters, is kept aside: nothing was tuned by them, and ``--misses`` does not show them. Those of the lot "later" are
questions, complaints and orders for silence in polite words, written before the rules that are to know them.
"""

from __future__ import annotations

import argparse
import csv
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.command import as_command
from benchmarks.output import percent, show
from huiyin.assistant.scenario.api import parse, simulate
from huiyin.assistant.scenario.script import speech_s

TABLE = Path(__file__).with_name("data") / "phrases.tsv"
_TARGET = 0.92  # of the half kept aside
_PARTS = ("open half", "half kept aside", "written later")
_ASKED = {"en": "Tell me a story, please.", "zh": "给我讲个故事。"}
_REPLIES = {
    (
        "story",
        "en",
    ): "Once upon a time there was a lighthouse on a small island. Nobody had lived in it for many years, "
    "and the sea was wild. One day a boat came.",
    ("story", "zh"): "从前有一座灯塔，在一个小岛上。很多年没有人住在里面，海浪很大。有一天来了一条船。",
    ("question", "en"): "I can book a table for two people at seven o'clock, shall I?",
    ("question", "zh"): "我可以给你订一张两个人的桌子，明天晚上七点，好吗？",
}
_INTO_STORY_S = 1.2
_BEFORE_END_S = 0.7  # of a question


class Phrase(NamedTuple):
    """`over`: 'story' or 'question'; `outcome`: 'resume', 'quiet' or 'answer'."""

    language: str
    over: str
    outcome: str
    text: str
    lot: str = ""

    @property
    def part(self) -> str:
        """Which of `_PARTS`; only by the first may rules be tuned."""
        return _PARTS[2] if self.lot == "later" else _PARTS[zlib.crc32(self.text.encode()) % 2]


def phrases(table: Path = TABLE) -> Iterator[Phrase]:
    """All of them."""
    with table.open(encoding="utf-8", newline="") as lines:
        yield from (Phrase(*row) for row in list(csv.reader(lines, delimiter="\t"))[1:])


def outcome(phrase: Phrase) -> str:
    """What happens when it is said."""
    reply = _REPLIES[phrase.over, phrase.language]
    begins_s = _INTO_STORY_S if phrase.over == "story" else speech_s(reply) - _BEFORE_END_S
    turns = [
        {"user": _ASKED[phrase.language], "complete": 0.98, "reply": reply},
        {"user": phrase.text, "complete": 0.95, "after": f"reply starts + {round(begins_s * 1000)} ms"},
    ]
    moments = Counter(moment.name for moment in simulate(parse({"turns": turns})).log.moments)
    if moments["llm asked"] > 1:
        return "answer"
    return "quiet" if moments["reply stops"] else "resume"


def main() -> None:
    """Print the table and, if wanted, what was missed of the half that is not kept aside."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--misses", action="store_true", help="show what went wrong in the open half")
    args = parser.parse_args()
    said: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str]] = Counter()
    wrong: Counter[tuple[str, str]] = Counter()
    for phrase in phrases():
        got, part = outcome(phrase), phrase.part
        for kind in ("all", phrase.language, f"should {phrase.outcome}"):
            said[part, kind] += 1
            right[part, kind] += got == phrase.outcome
        wrong[part, "stops, should resume"] += phrase.outcome == "resume" != got
        wrong[part, "resumes, should stop"] += got == "resume" != phrase.outcome
        wrong[part, "answers, should be quiet"] += (phrase.outcome, got) == ("quiet", "answer")
        wrong[part, "quiet, should answer"] += (phrase.outcome, got) == ("answer", "quiet")
        if args.misses and part == _PARTS[0] and got != phrase.outcome:
            print(f"{phrase.language} {phrase.over} {phrase.text!r}: right {phrase.outcome}, got {got}", flush=True)
    rows = [
        [kind, *(f"{right[part, kind]}/{said[part, kind]} = {percent(right[part, kind] / said[part, kind])}"
                 for part in _PARTS)]
        for kind in ("all", "zh", "en", "should resume", "should quiet", "should answer")
    ]  # fmt: skip
    rows += [[kind, *(str(wrong[part, kind]) for part in _PARTS)] for kind in dict.fromkeys(kind for _, kind in wrong)]
    show(("phrases", _PARTS[0], f"{_PARTS[1]} (≥ {_TARGET:.0%})", _PARTS[2]), rows)


if __name__ == "__main__":
    as_command(main)
