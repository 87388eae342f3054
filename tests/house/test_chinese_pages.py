"""The Chinese pages say what the English ones say: as many headings, tables and lists, the same code, links, figures.

What cannot be compared is whether a sentence is right; but who changes a page's code, links or figures is told which
other page has to follow.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.support import ROOT

PAIRS = {
    ROOT / "README.md": ROOT / "README.zh-CN.md",
    **{ROOT / "docs" / page.name: page for page in sorted((ROOT / "docs" / "zh").glob("*.md"))},
}
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
_COMMENT = re.compile(r"(?:^|\s+)(?:#|//) .*$", re.M)  # may be translated
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")

both = pytest.mark.parametrize(("english", "chinese"), PAIRS.items(), ids=lambda page: page.parent.name + page.name)


def _text(page: Path) -> str:
    """Without its blocks of code."""
    return _BLOCK.sub("", page.read_text(encoding="utf-8"))


def _code(page: Path) -> list[tuple[str, str]]:
    """(language, code without its comments); what a program prints, which has no language, stands in the reader's."""
    blocks = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [(kind, _COMMENT.sub("", code) if kind else "") for kind, code in blocks]


def _tables(page: Path) -> list[tuple[int, int]]:
    """(lines, columns) of each table."""
    tables = re.findall(r"(?:^\|.*\|\n)+", _text(page), re.M)
    return [(table.count("\n"), len(re.split(r"(?<!\\)\|", table.splitlines()[0]))) for table in tables]


def _targets(page: Path) -> Counter[Path]:
    """The files that it links to: of a page that is there in both languages the English one; not its own other form."""
    files = ((page.parent / link.partition("#")[0]).resolve() for link in _LINK.findall(_text(page)) if ":" not in link)
    english = {chinese: english for english, chinese in PAIRS.items()}
    named = Counter(english.get(file, file) for file in files if file.suffix != ".png" and file != page.parent)
    own = {english.get(page, page)}
    return Counter({file: count for file, count in named.items() if file not in own})


@both
def test_its_parts_are_those_of_the_english_page(english: Path, chinese: Path) -> None:
    for pattern in (r"^#+ ", r"^\s*[-*] ", r"^\d+\. ", r"^!\["):
        there = [[part.strip() for part in re.findall(pattern, _text(page), re.M)] for page in (english, chinese)]
        assert there[0] == there[1], pattern
    assert _tables(english) == _tables(chinese)


@both
def test_its_code_is_that_of_the_english_page(english: Path, chinese: Path) -> None:
    assert _code(english) == _code(chinese)


@both
def test_its_links_are_those_of_the_english_page(english: Path, chinese: Path) -> None:
    first, second = _targets(english), _targets(chinese)
    index = {ROOT / "README.md", ROOT / "docs" / "README.md"}  # named in the line that tells of the other language
    assert {file: count for file, count in (first - second).items() if file not in index} == {}
    assert {file: count for file, count in (second - first).items() if file not in index} == {}


@both
def test_its_figures_are_those_of_the_english_page(english: Path, chinese: Path) -> None:
    """The Chinese page may have more: it writes some in digits that the English one spells."""
    assert set(_NUMBER.findall(_text(english))) - set(_NUMBER.findall(_text(chinese))) == set()


@both
def test_each_page_names_the_other(english: Path, chinese: Path) -> None:
    for page, other in ((english, chinese), (chinese, english)):
        links = {(page.parent / link.partition("#")[0]).resolve() for link in _LINK.findall(_text(page))}
        assert other in links, page
