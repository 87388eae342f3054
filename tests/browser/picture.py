"""The pictures of the page in the README files: `python -m tests.browser.picture` writes docs/page.png, page.zh.png.

The door is the tests': its times are made up.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from tests.browser import fake_session
from tests.browser.conftest import launch, microphone, until
from tests.browser.fake_door import Door, running
from tests.support import ROOT

SIZE = {"width": 1280, "height": 780}
SCALE = 1.5
COLOURS = 256  # a page has few: a third of the bytes

Talk = tuple[list[tuple[str, str, dict[str, Any], list[str]]], list[str]]

ENGLISH: Talk = (
    [
        ("I finished the project, I'm so happy!", "en", {"label": "happy", "confidence": 0.86}, ["laughter"]),
        ("Wait, I only went to bed at three. I'm really tired.", "en", {"label": "sad", "confidence": 0.67}, []),
    ],
    [
        "Congratulations! Getting such a big one done in time is not easy. How will you celebrate it?",
        "Then take it easy today. Leave the screen alone for a while, and go to bed early; a cup of warm milk helps.",
    ],
)  # fmt: skip


def take(playwright: Any, path: Path, locale: str) -> None:
    """A talk in which the user cuts in."""
    with tempfile.TemporaryDirectory() as folder, running(Door()) as address:
        speech = microphone(Path(folder) / "speech.wav", 0.5, 1.6, 3.2, 1.3)
        chromium = launch(playwright, heard=speech)
        page = chromium.new_context(viewport=SIZE, device_scale_factor=SCALE, locale=locale).new_page()
        page.goto(address)
        page.click("#orb-button")
        until(page, "document.querySelectorAll('.assistant .said')[1]?.textContent.length > 12")
        page.screenshot(path=path)
        chromium.close()
    Image.open(path).convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        path, optimize=True
    )


def main() -> None:
    """Both pictures."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        take(playwright, ROOT / "docs" / "page.zh.png", "zh-CN")
        fake_session.TURNS[:], fake_session.REPLIES[:] = ENGLISH
        take(playwright, ROOT / "docs" / "page.png", "en-US")


if __name__ == "__main__":
    main()
