"""A small page, for all tests of the web program."""

from __future__ import annotations

from pathlib import Path

import pytest

SCRIPT = "// what talks\n" * 200


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A folder with a page."""
    folder = tmp_path / "page"
    (folder / "parts").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>The page</title>")
    (folder / "parts" / "talk.js").write_text(SCRIPT)
    (folder / "notes.txt").write_text("not for browsers")
    (tmp_path / "secret.js").write_text("beside the page")
    return folder
