"""The Transcribe tab with the recogniser's own jobs: only its engine is simulated. A reload loses nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from huiyin.assistant.faces.web.page_files import FOLDER
from huiyin.configs.settings import load
from huiyin.services.asr import serving
from huiyin.services.asr.app import make_app
from huiyin.services.asr.recogniser import Hints, Recognition
from huiyin.services.common.audio import Samples
from tests.browser.conftest import Speaks, until, wait_until
from tests.browser.test_rooms import broken
from tests.support.asr_fakes import FakeEngine, LoudnessDetector, speech
from tests.support.limits import PATIENCE_S
from tests.support.live_server import running
from tests.support.media import encode
from tests.web.door import open_door, settings_for

pytestmark = pytest.mark.browser

REMEMBERED = "JSON.parse(localStorage.getItem('huiyin.jobs')).length"


class Engine(FakeEngine):
    """Recognises two pieces, and the others when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_go_on = threading.Event()

    def recognise(self, pieces: list[Samples], hints: Hints) -> list[Recognition]:
        if len(self.batches) >= 2:
            assert self.may_go_on.wait(PATIENCE_S)
        return super().recognise(pieces, hints)


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.may_go_on.set()


@pytest.fixture
def recogniser(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Its address."""
    monkeypatch.setattr(serving, "load_engine", lambda *_: engine)
    monkeypatch.setattr(serving, "load_detectors", lambda *_: LoudnessDetector)
    settings = load(overrides=[f"jobs.dir={tmp_path / 'jobs'}", "asr.cache_entries=0"])
    with running(make_app(settings), settings.service) as url:
        yield url


@pytest.fixture
def address(recogniser: str) -> Iterator[str]:
    """The web program's, with the page."""
    with open_door(FOLDER, settings=settings_for(int(recogniser.rpartition(":")[2]))) as url:
        yield url


def jobs(url: str) -> list[dict[str, Any]]:
    return list(requests.get(f"{url}/jobs", timeout=PATIENCE_S).json()["data"])


def recording(path: Path) -> Path:
    path.write_bytes(encode(speech(5.0, 6.0, 7.0, 5.0, 6.0)))
    return path


@pytest.fixture
def half_done(quiet: Speaks, tmp_path: Path) -> Callable[[], Any]:
    """A page on which the recogniser has come half way through a recording."""

    def begin() -> Any:
        page = quiet("transcribe")
        page.set_input_files("#choose", [recording(tmp_path / "Monday.wav")])
        page.wait_for_selector("tr[data-state=recognising]")
        until(page, "document.querySelector('#so-far')?.textContent.split(' ').length === 2")
        return page

    return begin


def test_after_a_reload_in_the_middle_it_goes_on_and_is_whole(
    half_done: Callable[[], Any], engine: Engine, recogniser: str
) -> None:
    page = half_done()
    text = page.text_content("#so-far")
    page.reload()
    page.wait_for_selector("tr[data-state=recognising] >> text=Monday.wav")
    until(page, "document.querySelector('#so-far')?.textContent.length > 0")
    assert page.text_content("#so-far") == text
    engine.may_go_on.set()
    page.wait_for_selector(".segments li:nth-child(5)")
    assert len(engine.batches) == 5, "no piece twice"
    page.reload()
    page.wait_for_selector("tr[data-state=done] >> text=Monday.wav")
    assert "0:32" in page.text_content("tr[data-state=done]")
    assert page.evaluate("Object.keys(localStorage).join()") == "huiyin.jobs"
    assert page.evaluate("localStorage.getItem('huiyin.jobs')") == f'["{jobs(recogniser)[0]["id"]}"]'
    page.click(".segments li:nth-child(3) .time")  # the sound is the server's now
    until(page, "document.querySelector('audio').readyState > 0")
    until(page, "document.querySelector('audio').currentTime > 5")
    page.click("tr button[aria-label='Remove Monday.wav']")
    until(page, "!document.querySelector('#files tr')")
    assert jobs(recogniser) == [] and page.evaluate(REMEMBERED) == 0
    assert page.errors == []


def test_one_that_is_cancelled_stops_and_nothing_of_it_is_kept(
    half_done: Callable[[], Any], engine: Engine, recogniser: str, tmp_path: Path
) -> None:
    page = half_done()
    page.click("tr button[aria-label='Stop and remove Monday.wav']")
    page.wait_for_selector("tr[data-state=stopping]")
    wait_until(page, lambda: jobs(recogniser)[0]["status"] == "stopping")
    engine.may_go_on.set()
    until(page, "!document.querySelector('#files tr')")
    assert jobs(recogniser) == [] and page.evaluate(REMEMBERED) == 0
    assert not [path for path in (tmp_path / "jobs").iterdir() if path.is_dir()]
    assert len(engine.batches) == 3, "the piece in hand was the last"
    page.wait_for_selector("#result >> text=Transcripts appear here")


def test_one_that_failed_says_why_and_is_tried_again_also_after_a_reload(
    quiet: Speaks, recogniser: str, tmp_path: Path
) -> None:
    page = quiet("transcribe")
    page.set_input_files("#choose", [broken(tmp_path / "broken.m4a")])
    page.wait_for_selector("tr[data-state=failed] .bad")
    page.reload()
    page.wait_for_selector("tr[data-state=failed] .bad >> text=sound file")
    with page.expect_response("**/retry") as answer:
        page.click("tr[data-state=failed] .link")
    assert answer.value.status == 202
    page.wait_for_selector("tr[data-state=failed]")
    requests.delete(f"{recogniser}/jobs/{jobs(recogniser)[0]['id']}", timeout=PATIENCE_S)
    page.reload()
    page.wait_for_selector("tr[data-state=gone] >> text=does not have it any more")
    page.click("tr[data-state=gone] .act button")
    assert page.evaluate(REMEMBERED) == 0
    page.reload()
    assert page.locator("#files tr").count() == 0
    assert page.errors == []
