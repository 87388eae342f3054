"""A client that plays aloud and leaves its echo to the server: it is not taken for the user, and the user is heard."""

from __future__ import annotations

from pathlib import Path

import pytest

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.stages import Parts
from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.faces.connections.engines import ears
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.room import RoomSettings
from huiyin.assistant.scenario.api import read
from huiyin.assistant.scenario.needs import lacking
from huiyin.configs.settings import load
from tests.support import ROOT
from tests.support.room_client import Network, RoomClient
from tests.support.speech_clips import english
from tests.support.story_teller import StoryTeller
from tests.support.virtual_realtime import play_aloud

MISSING = make_echo_path("both")[1]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

ROOM = RoomSettings(rt60_s=0.4, delay_ms=100, echo_db=-8, seed=5)
NEAR = Network(0.005, 0.005)
FAR = Network(0.120, 0.040)
STORY = (
    "Once upon a time there was a lighthouse on a small island, far away from the coast.",
    "Nobody had lived in it for many years, and the lamp had long been dark.",
    "One evening a young woman came in a small boat, climbed the stairs, and lit the lamp again.",
    "The fishermen saw the light from far away, and could not believe their eyes.",
)
SCENARIOS = [
    path
    for path in sorted((ROOT / "tests/conversations").glob("*.yaml"))
    if read(path).depths != ("text",) and not lacking(read(path), "realtime", real_services=False)
]


class Talk:
    """A client, and the user beside it."""

    def __init__(self, network: Network, *, has_track: bool = False, **huiyin: str) -> None:
        self.teller = StoryTeller([english(text) for text in STORY], a_reply=3)
        parts = Parts(self.teller, self.teller, self.teller)
        make_ear = ears(load(environ={}))
        self.client = RoomClient(ROOM, parts, make_ear, network=network, has_track=has_track, **huiyin)
        self.client.go_on(1.0)

    def story(self) -> float:
        """It tells one from now on; when that begins to be heard."""
        self.client.type("Tell me a story.")
        assert self.client.go_on(3.0, lambda: self.client.is_playing)
        return self.client.world.now

    def cut_in(self) -> float:
        """The user does; when."""
        line, now = english("Wait a moment, please tell me another story."), self.client.world.now
        self.client.room.say(line)
        self.teller.users.append((now, now + len(line) / SAMPLE_RATE))
        return now

    def sees(self, kind: type[on.Public], since_s: float, *, within_s: float) -> bool:
        left_s = since_s + within_s - self.client.world.now
        return self.client.go_on(left_s, lambda: bool(self.client.since(since_s, kind)))


@pytest.mark.parametrize("network", [NEAR, FAR], ids=["near", "far"])
@pytest.mark.parametrize("has_track", [False, True], ids=["WebSocket", "WebRTC"])
def test_it_does_not_hear_itself_and_hears_the_user(network: Network, has_track: bool) -> None:
    talk = Talk(network, has_track=has_track, echo_path="server")
    for _ in range(2):
        began_s = talk.story()
        talk.client.go_on(4.0)
        assert not talk.client.since(began_s, on.ReplyPaused, on.ReplyStopped, on.SpeechHeard)
        onset_s = talk.cut_in()
        assert talk.sees(on.ReplyStopped, onset_s, within_s=1.5)
        assert talk.sees(on.ReplyStarted, onset_s, within_s=6.5), "it is answered"
        talk.client.interrupt()
        talk.client.go_on(1.0)


def test_without_it_the_same_echo_interrupts() -> None:
    talk = Talk(NEAR, echo_path="client")
    began_s = talk.story()
    talk.client.go_on(4.0)
    assert talk.client.since(began_s, on.ReplyPaused)


def test_the_client_may_leave_it_to_the_server_later() -> None:
    talk = Talk(NEAR)
    talk.client.update(echo_path="server")
    began_s = talk.story()
    talk.client.go_on(4.0)
    assert not talk.client.since(began_s, on.ReplyPaused)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_scenarios_hold_with_echo(path: Path) -> None:
    result = play_aloud(read(path))
    assert result.passed, result.report()
