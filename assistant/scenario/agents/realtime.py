"""The line and the link to a Realtime server: OpenAI's protocol, with Huiyin's extensions where the server has them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence

from huiyin.assistant.dialogue.items import Turn
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.agents.line import Tell
from huiyin.assistant.scenario.agents.websocket import AgentSocket
from huiyin.assistant.scenario.hearing import ScriptedUtterance
from huiyin.assistant.scenario.realtime_view import Message, RealtimeView
from huiyin.assistant.scenario.script import Depth, Step
from huiyin.assistant.scenario.visible import Sight, through_realtime
from huiyin.configs.messages import said


class RealtimeLine:
    """A `Line`. Its link calls `configure`, and passes on messages to `view`."""

    depth: Depth = "realtime"
    greeting_s = 0.0

    def __init__(
        self, send: Callable[[Message], None], *, extended: bool = True, simulated: bool = False, aloud: bool = False
    ) -> None:
        """`extended`: with Huiyin's extensions, else as any other client; `simulated`: the services are simulated in
        this process (`watched_services`). `aloud`: the client plays aloud and leaves its echo to the server, for which
        it needs the extensions; else it is one that has cancelled its own.
        """
        self._send, self._extended, self._simulated, self._aloud = send, extended, simulated, aloud
        self._tell: Tell
        self.view = RealtimeView(send, lambda event: self._tell(event))
        self.typed: Callable[[Step], None] = lambda step: None
        """Called with what is typed: simulated services go by it."""

    @property
    def sight(self) -> Sight:
        """As `Line.sight`."""
        return through_realtime(extended=self.view.is_extended, services=self._simulated)

    @property
    def problems(self) -> Sequence[str]:
        """As `Line.problems`."""
        return [said("agents.server_says", why=error) for error in self.view.errors]

    def configure(self) -> None:
        """Tell the server what this client wants."""
        sound = {"type": "audio/pcm", "rate": SAMPLE_RATE}
        turns = {"type": "semantic_vad"}  # as the conversation's own settings have it
        session: Message = {
            "type": "realtime",
            "audio": {
                "input": {"format": sound, "turn_detection": turns, "transcription": {"model": "huiyin"}},
                "output": {"format": sound},
            },
        }
        if self._extended:
            session["huiyin"] = {"enabled": True, "echo_path": "server" if self._aloud else "client"}
        self._send({"type": "session.update", "session": session})

    def attach(self, tell: Tell, utterances: Sequence[ScriptedUtterance]) -> None:
        """As `Line.attach`."""
        self._tell = tell

    def hear(self, mic: Pcm16) -> None:
        """As `Line.hear`."""
        audio = base64.b64encode(mic.astype("<i2").tobytes()).decode()
        self._send({"type": "input_audio_buffer.append", "audio": audio})

    def play(self, at_s: float) -> Pcm16:
        """As `Line.play`."""
        return self.view.step()

    def types(self, step: Step) -> None:
        """As `Line.types`."""
        self.typed(step)
        self._send({"type": "huiyin.type", "text": step.text})

    def key(self, down: bool) -> None:
        """As `Line.key`."""
        self._send({"type": "huiyin.key", "pressed": down})

    def committed(self, recording: Pcm16) -> list[tuple[float, Turn]]:
        """Nothing more: the view has told it."""
        return []


class RealtimeLink:
    """A `Link` to ws://…/v1/realtime."""

    log: Sequence[str] = ()

    def __init__(self, url: str, key: str = "", *, simulated: bool = False, aloud: bool = False) -> None:
        """`simulated`, `aloud`: as for `RealtimeLine`. `url` may be set until `open`."""
        self.url = url
        self._key = key
        self._socket = AgentSocket()
        self.line = RealtimeLine(self._put, simulated=simulated, aloud=aloud)

    async def open(self) -> None:
        """As `Link.open`."""
        await self._socket.connect(self.url, self._key)
        self.line.configure()
        await self._socket.begin(self._take, lambda: self.line.view.is_ready)

    async def carry(self) -> None:
        """As `Link.carry`."""
        await self._socket.carry(self._take)

    async def close(self) -> None:
        """As `Link.close`."""
        await self._socket.close()

    def _put(self, message: Message) -> None:
        self._socket.put(json.dumps(message))

    def _take(self, data: str | bytes) -> None:
        self.line.view.receive(json.loads(data))
