"""What is no Python is in the wheel, too: tables, pages, lists of words."""

from __future__ import annotations

from huiyin.configs.tables import read_table
from tests.support import ROOT

PACKAGES = ("assistant", "services", "configs")


def test_files_that_are_not_python_are_shipped() -> None:
    patterns = read_table(ROOT / "pyproject.toml")["tool"]["setuptools"]["package-data"]
    shipped = {
        file
        for package, globs in patterns.items()
        for glob in globs
        for file in ROOT.joinpath(*package.split(".")[1:]).glob(glob)
    }
    files = {file for package in PACKAGES for file in (ROOT / package).rglob("*") if file.is_file()}
    assert {file for file in files - shipped if file.suffix not in (".py", ".pyc")} == set()
