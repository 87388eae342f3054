"""Texts to be spoken (`speech_text.tsv`): whether what is said has the words that are right.

"Right" is written for people: the words that must be said, in order, with … or " / " between them; "no" or "never"
before those that must not; remarks in brackets. A reply behind a thought is compared as a whole. What is not written in
the words to be said has a check in REMARKS.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.cases_case import Case
from huiyin.services.common.text import is_chinese
from huiyin.services.tts.spoken import spoken

REMARKS: dict[str, Callable[[str], bool]] = {
    "digit by digit": lambda said: not set(said) & set("十百千万"),
    "a pause at each dash": lambda said: len(re.findall(r"\w[—，,…]+(?=\w)", said)) == 3,
    "the link's definition is not said": lambda said: "example" not in said,
}
_REMARK = re.compile(r"\((?!no |never )[^()]*\)")
_FORBIDDEN = re.compile(r"[\s,(]*\b(?:no|never)\s+([^()]*)\)?")
_BETWEEN = re.compile(r"…| / |; ")


def cases(folder: Path) -> Iterator[Case]:
    """Each row of the table."""
    with (folder / "speech_text.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            text, right = row["text"].replace("\\n", "\n"), row["right"]
            got = spoken(text, "zh" if is_chinese(text + right) else "en")
            yield Case(
                f"{row['id']} {row['kind']}", text, right, got, is_right(got, right, whole=row["kind"] == "thought")
            )


def is_right(said: str, right: str, *, whole: bool) -> bool:
    """Whether `said` is what `right` asks for, all of it with `whole`."""
    right = _REMARK.sub("", right)
    forbidden = [word for group in _FORBIDDEN.findall(right) for word in group.split(" or ")]
    wanted = _FORBIDDEN.sub("", right).strip()
    words = _words(said)
    if any(_is_said(word, said, words) for word in forbidden):
        return False
    if check := REMARKS.get(wanted):
        return check(said)
    if whole:
        return words == _words(wanted)
    at = 0
    for part in _BETWEEN.split(wanted):
        found = words.find(_words(part).strip(), at)
        if found < 0:
            return False
        at = found
    return True


def _is_said(word: str, said: str, words: str) -> bool:
    if word == "ellipsis":
        return "…" in said
    bare = _words(word).strip()
    return (bare if is_chinese(word) else f" {bare} ") in words


def _words(text: str) -> str:
    """Letters only, Chinese without spaces between."""
    text = " ".join(re.findall(r"[^\W_]+", text.lower()))
    return f" {re.sub(r'(?<=[^ -~]) | (?=[^ -~])', '', text)} "
