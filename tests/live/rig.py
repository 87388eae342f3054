"""A Live session in virtual time, with a client that plays what it is sent, and simulated stages."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from huiyin.assistant.conversation.session import Session
from huiyin.assistant.dialogue.items import AssistantItem
from huiyin.assistant.faces.connections.engines import Limits
from huiyin.assistant.faces.live.session import LiveSession
from huiyin.assistant.ports.port import Pcm16
from huiyin.configs.settings import load
from tests.realtime.protocol import Event
from tests.realtime.rig import PERSONA, ClientRig

RATE = 24_000
LIMITS = Limits()
WEATHER_TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
BACKEND = {"type": "responses", "responses": {"model": "m", "tools": [WEATHER_TOOL]}}


class LiveRig(ClientRig):
    """A session, begun by `start`, and its client."""

    APPEND = "session.input_audio.append"
    session: LiveSession

    def __init__(self, *, limits: Limits = LIMITS, overrides: Sequence[str] = ()) -> None:
        super().__init__()
        self.conversation: Session | None = None
        self.is_ended = False
        settings = load(environ={}, overrides=overrides)
        self.session = LiveSession(
            lambda: self.world, self.engines(), PERSONA, settings, limits, self._take, self._end, on_session=self._keep
        )

    def start(self, **session: Any) -> Event:
        """Begin; what is sent to the client."""
        self.send("session.start", session={"model": "huiyin", **session}, event_id="start")
        self._microphone()
        return self.all("session.started")[0]["session"]  # type: ignore[no-any-return]

    def ask(self, words: str) -> None:
        """The user says something, and the reply begins."""
        since = len(self.events)
        self.say(words)
        self.wait("session.input_transcript.delta", since)

    def wait_for_silence(self) -> None:
        """Go on until the assistant has been silent for a second."""
        while True:
            before = len(self.all("session.output_audio.delta"))
            self.go_on(1.0)
            if before == len(self.all("session.output_audio.delta")):
                return

    # -- what came

    def said(self, who: str) -> str:
        """All words of the "input" (the user) or the "output"."""
        return "".join(event["delta"] for event in self.all(f"session.{who}_transcript.delta"))

    def heard(self) -> list[str]:
        """What the history has of the replies."""
        assert self.conversation is not None
        return [item.text for item in self.conversation.history.items if isinstance(item, AssistantItem)]

    def sound(self, since: int = 0) -> Pcm16:
        """What the assistant said, 24 kHz."""
        deltas = [event["delta"] for event in self.all("session.output_audio.delta", since)]
        return np.frombuffer(b"".join(map(base64.b64decode, deltas)), "<i2").astype(np.int16)

    def _keep(self, session: Session) -> None:
        self.conversation = session

    def _end(self) -> None:
        self.is_ended = True


def a_live_rig(**options: Any) -> Iterator[LiveRig]:
    """For fixtures."""
    rig = LiveRig(**options)
    yield rig
    rig.close()
