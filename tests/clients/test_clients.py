"""Clients that people have hold a spoken talk with the Realtime server: three turns, a tool call, an interruption.

Each runs in an environment and a process of its own (`scripts`), with a microphone and a loudspeaker in real time.
What the client then believes was said is compared with what its loudspeaker played.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.clients.environments import command_of
from tests.clients.talk_services import AUTHOR, SAID, STORY, WEATHER, TalkServices, for_client, speech, words_heard
from tests.support.realtime_server import realtime_server

pytestmark = [pytest.mark.slow, pytest.mark.clients]

TALK_LIMIT_S = 120.0
BY_THE_WORD = {
    "openai_sdk": 0,
    "openai_live": 1,
    "agents_sdk": 1,
    "agents_js": 1,
    "agents_browser_websocket": 1,
    "pipecat_live": 1,
    "livekit_live": 1,
}
"""Clients that know what is left of an interrupted reply, and by how many words they may be wrong themselves: the
OpenAI Agents SDKs count played sound in their own way (in steps of a block; by the wall clock), a Live client plays
on what it has got."""
BY_THE_CLAUSE = ("pipecat_service", "livekit_plugin", "agents_browser_webrtc")
"""Clients that keep the text as it came, whatever of it was played."""


@dataclass
class Talk:
    """What a client printed, and what the model was asked."""

    events: list[dict[str, Any]]
    asked: list[dict[str, Any]]

    def all(self, event: str) -> list[dict[str, Any]]:
        """The events of a kind."""
        return [one for one in self.events if one["event"] == event]

    def server_events(self, kind: str) -> list[dict[str, Any]]:
        """What the server sent of a kind."""
        return [one["message"] for one in self.all("server") if one["message"]["type"] == kind]

    @property
    def turns(self) -> list[tuple[str, str]]:
        """What the client believes was said: (role, text), from the question about the weather on."""
        told = [(role, " ".join(text.split())) for role, text in self.all("history")[0]["turns"]]
        return told[told.index(("user", SAID["weather"])) :]

    @property
    def heard_of_story(self) -> str:
        """What the client's loudspeaker had said of the story to its end when it fell silent."""
        return words_heard(STORY, self.all("interrupted")[0]["played_ms"])


@pytest.fixture(scope="module")
def user_speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the user says."""
    folder = tmp_path_factory.mktemp("speech")
    for name, text in SAID.items():
        (folder / f"{name}.pcm").write_bytes(for_client(speech(text)))
    return folder


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in (*BY_THE_WORD, *BY_THE_CLAUSE)],
)
def client(request: pytest.FixtureRequest) -> str:
    """The name of a client."""
    return str(request.param)


@pytest.fixture(scope="module")
def talk(client: str, user_speech: Path) -> Iterator[Talk]:
    """The client's talk, held once."""
    with TalkServices() as services, realtime_server(services.settings()) as url:
        command = command_of(client, url, str(user_speech))
        ran = subprocess.run(command, capture_output=True, text=True, timeout=TALK_LIMIT_S)
        events = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
        assert ran.returncode == 0, f"{_last(events)}\n{ran.stderr[-3000:]}"
        yield Talk(events, services.asked)


def test_all_three_turns_are_heard_and_answered(talk: Talk) -> None:
    said = [text for role, text in talk.turns if role == "user"]
    answers = [text for role, text in talk.turns if role == "assistant" and text]

    assert said == list(SAID.values())
    assert (answers[0], answers[-1]) == (WEATHER, AUTHOR)


def test_tool_is_called_once_and_its_result_reaches_the_model(talk: Talk) -> None:
    results = [message for body in talk.asked for message in body["messages"] if message["role"] == "tool"]

    assert len(talk.all("tool")) == 1
    assert "Paris" in json.dumps(talk.all("tool")[0]["arguments"])
    assert "sunny, 21 degrees" in results[0]["content"]


def test_client_believes_what_was_heard_of_the_interrupted_reply(client: str, talk: Talk) -> None:
    believed = next(text for role, text in talk.turns if role == "assistant" and text.startswith("Once"))
    heard = talk.heard_of_story

    assert STORY.startswith(believed)
    if client in BY_THE_WORD:
        assert abs(len(believed.split()) - len(heard.split())) <= BY_THE_WORD[client], (believed, heard)
    else:
        assert len(believed.split()) >= len(heard.split()) - 1  # the word at the cut is either side's
        assert believed != STORY, "text of sound that never came"


def test_model_is_told_what_was_heard(talk: Talk) -> None:
    last = next(body for body in reversed(talk.asked) if SAID["author"].rstrip("?") in str(body["messages"][-1]))
    story = next(m["content"] for m in last["messages"] if m["role"] == "assistant" and "Once" in str(m["content"]))

    assert abs(len(story.split()) - len(talk.heard_of_story.split())) <= 1, (story, talk.heard_of_story)


def test_nothing_goes_wrong(talk: Talk) -> None:
    assert talk.all("error") == []
    late_cancel = "response_cancel_not_active"  # of what the server has ended by itself; livekit ignores it
    assert [event for event in talk.server_events("error") if event["error"]["code"] != late_cancel] == []
    assert talk.all("failed") == []


def _last(events: list[dict[str, Any]]) -> str:
    return "\n".join(json.dumps(event)[:300] for event in events[-15:])
