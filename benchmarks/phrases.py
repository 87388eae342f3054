"""What 500 short phrases said over the assistant's speech do: ``python -m benchmarks.phrases [--misses]``.

Each phrase of ``data/phrases.tsv`` is said once at text depth, over the middle of a story or over the end of a
question. Right is one of three outcomes: the reply is resumed (a listener's word, hesitation, laughter), it stops and
nothing is asked (an order to stop), it stops and the phrase is answered. Half of the phrases, by a checksum of their
letters, is kept aside: nothing was tuned by them, and ``--misses`` does not show them.
"""

from __future__ import annotations

import argparse
import csv
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.output import percent, show
from huiyin.assistant.scenario.api import parse, simulate
from huiyin.assistant.scenario.script import speech_s

TABLE = Path(__file__).with_name("data") / "phrases.tsv"
_TARGET = 0.92  # of the half kept aside
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

    @property
    def is_kept_aside(self) -> bool:
        """Whether nothing may be tuned by it."""
        return zlib.crc32(self.text.encode()) % 2 == 1


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
    parser.add_argument("--misses", action="store_true", help="show what went wrong, not of the half kept aside")
    args = parser.parse_args()
    said: Counter[tuple[bool, str]] = Counter()
    right: Counter[tuple[bool, str]] = Counter()
    wrong: Counter[tuple[bool, str]] = Counter()
    for phrase in phrases():
        got, aside = outcome(phrase), phrase.is_kept_aside
        for kind in ("all", phrase.language, f"should {phrase.outcome}"):
            said[aside, kind] += 1
            right[aside, kind] += got == phrase.outcome
        wrong[aside, "stops, should resume"] += phrase.outcome == "resume" != got
        wrong[aside, "resumes, should stop"] += got == "resume" != phrase.outcome
        wrong[aside, "answers, should be quiet"] += (phrase.outcome, got) == ("quiet", "answer")
        wrong[aside, "quiet, should answer"] += (phrase.outcome, got) == ("answer", "quiet")
        if args.misses and not aside and got != phrase.outcome:
            print(f"{phrase.language} {phrase.over} {phrase.text!r}: right {phrase.outcome}, got {got}", flush=True)
    rows = [
        [kind, *(f"{right[aside, kind]}/{said[aside, kind]} = {percent(right[aside, kind] / said[aside, kind])}"
                 for aside in (False, True))]
        for kind in ("all", "zh", "en", "should resume", "should quiet", "should answer")
    ]  # fmt: skip
    rows += [
        [kind, str(wrong[False, kind]), str(wrong[True, kind])] for kind in dict.fromkeys(kind for _, kind in wrong)
    ]
    show(("phrases", "open half", f"half kept aside (≥ {_TARGET:.0%})"), rows)


if __name__ == "__main__":
    main()
