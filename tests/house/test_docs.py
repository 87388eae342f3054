"""What the documentation names is there."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path

import pytest

from tests.support import ROOT

PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
_LINK = re.compile(r"\]\(([^)\s:]+)\)")
_BLOCK = re.compile(r"^```.*?^```", re.M | re.S)
_PATH = r"`((?:assistant|services|configs|tests|benchmarks|docs)/[\w/.-]+)`"
_YET_TO_BE_WRITTEN = re.compile(r"/(?:mine|my_judge|en_my_bug)\.|/ports\.toml$")  # by whoever reads the page


def test_the_index_has_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert {name for name in pages if f"]({name})" not in index} == set()


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*/*.md")])
def test_its_links_lead_somewhere(page: Path) -> None:
    lost = []
    for link in _LINK.findall(_BLOCK.sub("", page.read_text(encoding="utf-8"))):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            lost.append(link)
    assert lost == []


@cache
def _anchors(page: Path) -> set[str]:
    """Of its headings, as GitHub makes them: letters, digits and hyphens stay."""
    headings = re.findall(r"^#+ (.+)$", _BLOCK.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_the_modules_of_its_commands_are_there(page: Path) -> None:
    modules = re.findall(r"python -m ((?:benchmarks|huiyin)[\w.]*\w)", page.read_text(encoding="utf-8"))
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []


def test_the_files_and_names_of_the_contributors_page_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = [path for path in re.findall(_PATH, text) if not _YET_TO_BE_WRITTEN.search(path)]
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []
    for name, path in re.findall(r"`(\w+)`[^`.]* in\s+" + _PATH, text):
        assert re.search(rf"\b{name}\b", (ROOT / path).read_text(encoding="utf-8")), f"{name} in {path}"


def test_the_architecture_page_names_files_that_are_there() -> None:
    """A bare file name stands behind its folder, or behind a file of the same folder."""
    missing = []
    for line in (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines():
        folder = ROOT
        for name in re.findall(r"`(\w+(?:/[\w.]+)+/?|\w+\.py)`", line):
            path = (ROOT if "/" in name else folder) / name
            folder = path if path.is_dir() else path.parent
            missing += [] if path.exists() else [name]
    assert missing == []


def test_the_tests_of_the_security_page_are_there() -> None:
    """Each as `path::name`."""
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert len(named) > 20
    missing = []
    for path, name in named:
        source = (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else ""
        if not source or (name and not re.search(rf"^def {name}\(", source, re.MULTILINE)):
            missing.append(f"{path}::{name}")
    assert missing == []
