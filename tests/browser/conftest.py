"""A real Chromium with a microphone that plays a file, and the door of `fake_door`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huiyin.assistant.ports.wav import wav_bytes
from tests.browser.fake_door import Door, running

RATE = 48_000
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

Speaks = Callable[..., Any]
"""(seconds of silence and speech in turn, options of the context) -> a page that is open."""


def microphone(path: Path, *seconds: float) -> Path:
    """A recording of silence, speech, silence, ... of these lengths; in the silence there is a room's noise."""
    random = np.random.default_rng(1)
    parts = []
    for i, length in enumerate((*seconds, 60.0)):
        at = np.arange(round(length * RATE)) / RATE
        syllables = 0.2 * np.sin(2 * np.pi * 180 * at) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * at))
        parts.append((syllables if i % 2 else 0 * at) + 0.0005 * random.standard_normal(len(at)))
    write_wav(path, np.concatenate(parts), RATE)
    return path


def write_wav(path: Path, samples: np.ndarray[Any, Any], rate: int, channels: int = 1) -> None:
    """Mono samples -1..1 as 16-bit WAV, the same in all channels."""
    path.write_bytes(wav_bytes(np.tile((samples * 32767).astype(np.int16), (channels, 1)), rate))


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def address(door: Door) -> Iterator[str]:
    with running(door) as url:
        yield url


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    """Its loop runs in this thread until it is closed: no longer than a module, for the tests that have their own."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="the page's tests need Playwright")
    if CHROMIUM is None:
        pytest.skip("the page's tests need Chromium")
    with sync_api.sync_playwright() as api:
        yield api


def until(page: Any, expression: str) -> None:
    """Until `expression` is true. Playwright's own way of waiting evaluates texts, which the page's policy forbids."""
    wait_until(page, lambda: page.evaluate(f"Boolean({expression})"), expression)


def wait_until(page: Any, true: Callable[[], bool], what: str = "") -> None:
    """Until something is so; the page's own events go on meanwhile."""
    for _ in range(400):
        if true():
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"it did not come about: {what}")


def launch(playwright: Any, *args: str, heard: Path | None = None) -> Any:
    """Chromium without a window; its microphone plays the file `heard`, once."""
    fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    if heard is not None:
        fake.append(f"--use-file-for-fake-audio-capture={heard}%noloop")
    return playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--mute-audio", *fake, *args])


@pytest.fixture(scope="module")
def browser(playwright: Any) -> Iterator[Any]:
    """For tests without speech."""
    chromium = launch(playwright)
    yield chromium
    chromium.close()


@pytest.fixture
def quiet(browser: Any, address: str) -> Iterator[Speaks]:
    """A page without speech."""
    contexts = []

    def open_page(tab: str = "talk", **options: Any) -> Any:
        contexts.append(browser.new_context(**{"locale": "en-US", **options}))
        page = watched(contexts[-1].new_page())
        page.address = address
        page.goto(f"{address}/#{tab}")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def speaks(playwright: Any, address: str, tmp_path: Path) -> Iterator[Speaks]:
    """A page whose microphone hears speech."""
    browsers = []

    def open_page(*seconds: float, **options: Any) -> Any:
        file = microphone(tmp_path / f"microphone{len(browsers)}.wav", *seconds)
        browsers.append(launch(playwright, heard=file))
        page = watched(browsers[-1].new_context(**{"locale": "en-US", **options}).new_page())
        page.goto(address)
        return page

    yield open_page
    for chromium in browsers:
        chromium.close()


def watched(page: Any) -> Any:
    """`page`, whose errors are failures: `page.errors`."""
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("console", lambda line: page.errors.append(line.text) if "Content Security Policy" in line.text else None)
    page.set_default_timeout(20_000)
    return page
