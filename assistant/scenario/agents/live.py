"""The link to a server of OpenAI's Live protocol, which owns the turns and sends what is to be heard: `live:URL`."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.agents.line import AgentError
from huiyin.assistant.scenario.agents.sound_line import Recognise, SoundLine
from huiyin.assistant.scenario.agents.websocket import AgentSocket
from huiyin.configs.messages import said

_FORMAT = {"type": "audio/pcm", "rate": SAMPLE_RATE}
_SESSION = {"model": "huiyin", "audio": {"format": _FORMAT}}


class LiveLink:
    """A `Link` to ws://…/v1/live/sessions. The agent tells its words."""

    log: Sequence[str] = ()

    def __init__(self, url: str, key: str = "", recognise: Recognise | None = None) -> None:
        """`recognise`: for words that are not told."""
        self.line = SoundLine(self._put_sound, recognise)
        self._url, self._key = url, key
        self._socket = AgentSocket()
        self._is_ready = False

    async def open(self) -> None:
        """As `Link.open`."""
        await self._socket.connect(self._url, self._key)
        self._put({"type": "session.start", "session": _SESSION})
        await self._socket.begin(self._take, lambda: self._is_ready)

    async def carry(self) -> None:
        """As `Link.carry`."""
        await self._socket.carry(self._take)

    async def close(self) -> None:
        """As `Link.close`."""
        await self._socket.close()

    def _put(self, message: dict[str, Any]) -> None:
        self._socket.put(json.dumps(message))

    def _put_sound(self, mic: Pcm16) -> None:
        audio = base64.b64encode(mic.astype("<i2").tobytes()).decode()
        self._put({"type": "session.input_audio.append", "audio": audio})

    def _take(self, data: str | bytes) -> None:
        match json.loads(data):
            case {"type": "session.started"}:
                self._is_ready = True
            case {"type": "session.output_audio.delta", "delta": str(delta)}:
                self.line.receive(np.frombuffer(base64.b64decode(delta), "<i2").astype(np.int16))
            case {"type": "session.output_transcript.delta", "delta": str(delta)}:
                self.line.told(delta)
            case {"type": "error", "error": {"message": str(why)}} if not self._is_ready:
                raise AgentError("agents.no_session", url=self._url, why=why)
            case {"type": "error", "error": {"message": str(why)}}:
                self.line.problems.append(said("agents.server_says", why=why))
