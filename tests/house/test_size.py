"""Files that can be read in one go, and that hold on every machine."""

from __future__ import annotations

import re

from benchmarks.code_lines import FOLDERS, code_lines
from tests.support import ROOT

MOST_LINES = 400
FILES = [
    path
    for pattern in ("*", *(f"{folder}/**/*" for folder in (*FOLDERS, "docs", "tests")))
    for path in ROOT.glob(pattern)
    if path.suffix in (".py", ".md", ".toml", ".yaml", ".sh") and path.is_file()
]
MACHINE = re.compile(r"(?<![\w.])/(?:root|work|Users|home/(?!me\b)\w+)/\w")  # /home/me stands for the reader's


def test_no_file_of_code_is_longer_than_400_lines() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES if path.suffix == ".py"}
    assert len(lengths) > 300
    assert {path: length for path, length in lengths.items() if length > MOST_LINES} == {}


def test_no_file_names_a_path_of_one_machine() -> None:
    assert [path for path in FILES if MACHINE.search(path.read_text(encoding="utf-8"))] == []


def test_code_lines_are_those_without_blanks_comments_and_docstrings() -> None:
    source = '''"""Docstring
    of two lines."""

# comment
X = """a text

of two lines that are not blank"""  # a comment beside code


def f(
    x,
):
    "docstring"
    return x
'''
    assert code_lines(source) == 2 + 4
