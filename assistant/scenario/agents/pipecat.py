"""The link to a pipecat pipeline behind its WebSocket transport and protobuf serializer: `pipecat:URL`."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.resample import Resampler
from huiyin.assistant.scenario.agents.line import AgentError
from huiyin.assistant.scenario.agents.pipecat_frames import decode, encode
from huiyin.assistant.scenario.agents.sound_line import Recognise, SoundLine
from huiyin.assistant.scenario.agents.websocket import AgentSocket

_CLIENT_READY = {"label": "rtvi-ai", "type": "client-ready", "id": "1", "data": {"version": "1.0.0"}}
"""Bots that wait for it begin; others ignore it."""


class PipecatLink:
    """A `Link`. The transport takes one client at a time."""

    log: Sequence[str] = ()

    def __init__(self, url: str, recognise: Recognise | None = None) -> None:
        """`url`: ws://…"""
        self.line = SoundLine(self._put_sound, recognise)
        self._url = url
        self._socket = AgentSocket()
        self._resampler = Resampler(SAMPLE_RATE, SAMPLE_RATE)
        self._rate = SAMPLE_RATE

    async def open(self) -> None:
        """As `Link.open`."""
        await self._socket.connect(self._url)
        self._socket.put(encode("message", data=json.dumps(_CLIENT_READY)))

    async def carry(self) -> None:
        """As `Link.carry`."""
        await self._socket.carry(self._take)

    async def close(self) -> None:
        """As `Link.close`."""
        await self._socket.close()

    def _put_sound(self, mic: Pcm16) -> None:
        audio = mic.astype("<i2").tobytes()
        self._socket.put(encode("audio", audio=audio, sample_rate=SAMPLE_RATE, num_channels=1))

    def _take(self, data: str | bytes) -> None:
        if isinstance(data, str):
            return
        try:
            kind, frame = decode(data)
        except ValueError as error:
            raise AgentError("agents.not_pipecat", url=self._url, why=error) from error
        if kind == "interruption":
            self._resampler.flush()
            self.line.interrupt()
        elif kind == "audio":
            if frame.sample_rate != self._rate:
                self._rate, self._resampler = frame.sample_rate, Resampler(frame.sample_rate, SAMPLE_RATE)
            channels = max(1, frame.num_channels)
            samples = np.frombuffer(frame.audio, "<i2").reshape(-1, channels).mean(axis=1).astype(np.int16)
            self.line.receive(self._resampler.feed(samples))
