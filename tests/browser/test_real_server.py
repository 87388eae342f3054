"""The page with the Realtime server and the door that come with it; only recogniser, model and voice are simulated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.stages import Parts, TurnSoFar
from huiyin.assistant.conversation.world import Plan, Source
from huiyin.assistant.faces.connections.engines import Engines
from huiyin.assistant.faces.realtime.server import RealtimeServer
from huiyin.assistant.faces.web.access import Door
from huiyin.assistant.faces.web.app import make_app
from huiyin.assistant.turns.events import Transcript
from tests.browser.conftest import Speaks, until
from tests.realtime.rig import PERSONA, LoudEar, Stages
from tests.support.live_server import running
from tests.web.door import settings_for

pytestmark = pytest.mark.browser

SAID = "What did the lighthouse keeper do next?"
STORY = "He lit the lamp. Then he climbed the stairs again. At the top he saw a ship. It was far away and very small. "
EMOTION = {"label": "surprised", "confidence": 0.7, "scores": {"surprised": 0.7, "neutral": 0.3}}


class Recognises(Stages):
    """Whatever is said, it is `SAID`; the reply is `STORY`."""

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        facts: dict[str, Any] = {"emotion": EMOTION, "events": [{"label": "cough", "confidence": 0.6}]}
        return Plan([(0.05, Transcript(SAID, "en", facts=facts))], 0.05)


class RealDoor:
    """`conversations`: those that were begun."""

    def __init__(self, key: str = "") -> None:
        settings = settings_for(None, "realtime.sessions=1")
        self.stages = Recognises()
        self.stages.replies.extend([[f"{sentence}. " for sentence in STORY.split(". ")[:-1]]] * 20)
        self.conversations: list[Session] = []
        engines = Engines(
            Parts(self.stages, self.stages, self.stages), lambda name: self.stages, LoudEar,
            lambda persona: {},
        )  # fmt: skip
        services = Services(settings)
        server = RealtimeServer(
            settings, services, {"test": PERSONA}, engines=engines, on_session=self.conversations.append
        )
        self.app = make_app(services, server, Door(key, 8000), {"test": PERSONA})
        self.settings = replace(settings.service, host="127.0.0.1", api_key="")

    def said(self) -> list[tuple[str, str, bool]]:
        """(user, what was heard of the assistant, interrupted) of the last conversation's turns."""
        return [(turn.user, turn.heard, turn.interrupted) for turn in self.conversations[-1].history.turns]


@pytest.fixture
def door() -> RealDoor:
    return RealDoor()


@pytest.fixture
def address(door: RealDoor) -> Iterator[str]:
    with running(door.app, door.settings) as url:
        yield url


def test_one_speaks_is_answered_and_cuts_in(speaks: Speaks, door: RealDoor) -> None:
    page = speaks(0.5, 1.5, 4.0, 1.5)
    page.click("#orb-button")
    page.wait_for_selector(f".user .bubble >> text={SAID}")
    page.wait_for_selector(".user .mark.surprised")
    until(page, "document.querySelector('.assistant .said')?.textContent.length > 8")
    page.wait_for_selector(".assistant s")
    heard, unheard = page.text_content(".assistant .said"), page.text_content(".assistant s")
    assert (heard + unheard).strip() in STORY
    until(page, "document.querySelectorAll('.assistant').length === 2")
    until(page, "document.querySelectorAll('.assistant .said')[1].textContent.length > 8")
    assert page.locator(".user").count() == 2
    assert page.locator(".assistant .latency-bar").count() == 2
    until(page, f"document.querySelectorAll('.assistant .said')[1].textContent.trim() === {STORY.strip()!r}")
    page.wait_for_selector("#orb[data-state=listening]")
    assert page.errors == []
    turns = door.said()
    assert [turn[0] for turn in turns] == [SAID, SAID]
    assert turns[0][1:] == (heard.strip(), True)  # the page shows as heard what the server remembers
    assert turns[1][1:] == (STORY.strip(), False)


def test_typing_escape_and_push_to_talk(speaks: Speaks, door: RealDoor) -> None:
    page = speaks(0.0, 40.0)
    page.select_option("#turns", "hold")
    page.click("#orb-button")
    page.wait_for_selector("#orb[data-state=hold]")
    page.fill("#typed", "Tell me a story")
    page.press("#typed", "Enter")
    page.wait_for_selector(".user .bubble >> text=Tell me a story")
    page.wait_for_selector("#orb[data-state=speaking]")
    until(page, "document.querySelector('.assistant .said').textContent.length > 5")
    page.keyboard.press("Escape")
    page.wait_for_selector(".assistant s")
    page.wait_for_selector("#orb[data-state=hold]")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.down("Space")
    page.wait_for_selector("#orb[data-state=user]")
    page.wait_for_timeout(700)
    page.keyboard.up("Space")
    page.wait_for_selector(f".user .bubble >> text={SAID}")
    until(page, "document.querySelectorAll('.assistant').length === 2")
    until(page, "document.querySelectorAll('.assistant .said')[1].textContent.length > 5")
    assert page.errors == []


def test_a_page_for_which_there_is_no_room_says_so_and_gets_in_later(speaks: Speaks, door: RealDoor) -> None:
    page = speaks(60.0)
    page.click("#orb-button")
    page.wait_for_selector("#orb[data-state=listening]")
    other = page.context.new_page()
    other.goto(page.url)
    other.click("#orb-button")
    other.wait_for_selector(".notice")
    assert "1" in other.text_content(".notice")
    page.click("#end")
    other.wait_for_selector("#orb[data-state=listening]")
    assert other.locator(".notice").count() == 1


def test_setup_and_system_of_the_door_are_understood(quiet: Speaks, door: RealDoor) -> None:
    page = quiet("system")
    page.wait_for_selector(".checks li")
    assert "not running" in page.text_content("#system")
    page.click("#tab-talk")
    page.wait_for_selector("#banner >> text=Speech recognition is not running.")
    assert page.locator("#persona option").count() == 1
    assert page.errors == []


def test_one_without_the_link_types_the_key(browser: Any) -> None:
    door = RealDoor("the-right-key")
    with running(door.app, door.settings) as address:
        page = browser.new_context(locale="en-US").new_page()
        page.goto(address)
        page.fill("input[name=key]", "a-wrong-key")
        page.click("form button")
        page.wait_for_selector("[role=alert]")
        page.fill("input[name=key]", "the-right-key")
        page.click("form button")
        page.wait_for_selector("#orb-button")
        page.context.close()
