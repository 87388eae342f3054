"""A caller over WebRTC: aiortc as a client, with a microphone and an ear."""

from __future__ import annotations

import asyncio
import fractions
import json
from typing import Any

import aiohttp
import av
import numpy as np
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from tests.realtime.protocol import Event, Invariants
from tests.support.limits import PATIENCE_S

RATE = 48_000
FRAME = 960  # 20 ms


class Microphone(MediaStreamTrack):
    """Silence, or a voice while `speaks`."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.speaks = False
        self._frames = 0
        self._began_s = 0.0

    async def recv(self) -> av.AudioFrame:
        now_s = asyncio.get_running_loop().time()
        self._began_s = self._began_s or now_s
        await asyncio.sleep(max(0.0, self._began_s + self._frames * 0.02 - now_s))
        at = (np.arange(FRAME) + self._frames * FRAME) / RATE
        sound = 8000 * np.sin(2 * np.pi * 220 * at) if self.speaks else 0 * at
        frame = av.AudioFrame.from_ndarray(sound.astype(np.int16).reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._frames * FRAME, fractions.Fraction(1, RATE)
        self._frames += 1
        return frame


def as_form(**fields: str) -> aiohttp.MultipartWriter:
    """As the openai SDK sends it."""
    form = aiohttp.MultipartWriter("form-data")
    for name, value in fields.items():
        form.append(value).set_content_disposition("form-data", name=name)
    return form


class Caller:
    """A client. Each event is checked as it comes; `loud`: frames of sound that were not silent."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.microphone = Microphone()
        self.connection.addTrack(self.microphone)
        self.channel = self.connection.createDataChannel("oai-events")
        self.rules = Invariants()
        self.events: list[Event] = []
        self.loud = 0
        self.location = ""
        self._news: asyncio.Queue[Event] = asyncio.Queue()
        self._listening: asyncio.Task[None] | None = None
        self.gone = asyncio.Event()
        self.channel.on("message", self._take)
        self.channel.on("close", self.gone.set)
        self.connection.on("track", self._listen)

    async def call(
        self, http: aiohttp.ClientSession, url: str, session: dict[str, Any] | None = None, *, answers: bool = True
    ) -> None:
        """`answers`: to the server's answer, by connecting."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        offer = self.connection.localDescription.sdp
        if session is None:
            request = http.post(f"{url}/v1/realtime/calls", data=offer, headers={"Content-Type": "application/sdp"})
        else:
            form = as_form(sdp=offer, session=json.dumps(session))
            request = http.post(f"{url}/v1/realtime/calls", data=form)
        async with request as answer:
            text = await answer.text()
            assert answer.status == 201, text
            assert answer.content_type == "application/sdp"
            self.location = answer.headers["Location"]
        candidates = [line for line in text.splitlines() if line.startswith("a=candidate")]
        assert candidates and all(" 127.0.0.1 " in line for line in candidates)
        if answers:
            await self.connection.setRemoteDescription(RTCSessionDescription(text, "answer"))

    def send(self, kind: str, **fields: Any) -> None:
        self.channel.send(json.dumps({"type": kind, **fields}))

    async def next(self) -> Event:
        return await asyncio.wait_for(self._news.get(), PATIENCE_S)

    async def wait(self, kind: str) -> Event:
        while (event := await self.next())["type"] != kind:
            pass
        return event

    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]

    def first(self, kind: str) -> Event:
        return next(event for event in self.events if event["type"] == kind)

    def type(self, text: str) -> None:
        """A user's text, to be answered."""
        content = [{"type": "input_text", "text": text}]
        self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        self.send("response.create")

    async def hears(self) -> None:
        """Until there is sound."""
        before = self.loud
        while self.loud <= before:
            await asyncio.sleep(0.02)

    async def vanish(self) -> None:
        """Without a word to the server."""
        ice = self.connection.getTransceivers()[0].sender.transport.transport
        await ice._connection.close()
        await self.leave()

    async def leave(self) -> None:
        await self.connection.close()
        if self._listening:
            await asyncio.wait({self._listening})

    def _take(self, message: str) -> None:
        event = json.loads(message)
        self.rules.take(event)
        self.events.append(event)
        self._news.put_nowait(event)

    def _listen(self, track: MediaStreamTrack) -> None:
        async def listen() -> None:
            try:
                while True:
                    frame = await track.recv()
                    self.loud += bool(np.abs(frame.to_ndarray().astype(np.int32)).mean() > 50)
            except Exception:
                return

        self._listening = asyncio.ensure_future(listen())
