"""A scenario in real time through a Realtime server, by a scripted client: `huiyin simulate --against realtime:URL`."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp

from huiyin.assistant.conversation.world import RealWorld
from huiyin.assistant.ports.clock import AudioClock
from huiyin.assistant.scenario.cast import Voice
from huiyin.assistant.scenario.log import BLOCK_S
from huiyin.assistant.scenario.realtime_view import Message
from huiyin.assistant.scenario.result import Result
from huiyin.assistant.scenario.script import Scenario
from huiyin.assistant.scenario.scripted_client import ScriptedClient

_START_LIMIT_S = 20.0


class ClientWorld(RealWorld):
    """The client's time, on a loop that others use, too."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.stopped = asyncio.Event()

    def begin(self) -> None:
        """Time begins with the microphone's first sample."""
        self._clock = AudioClock()

    def stop(self) -> None:
        """Ends the scenario, not the loop."""
        self.stopped.set()


class RealtimeRunner:
    """Plays one scenario, once, by one connection."""

    def __init__(
        self, scenario: Scenario, seed: int, voice: Voice, loop: asyncio.AbstractEventLoop, *, simulated: bool = False
    ) -> None:
        """As `ScriptedClient`."""
        self._world = ClientWorld(loop)
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()
        self.client = ScriptedClient(scenario, seed, voice, self._world, self._outbox.put_nowait, simulated=simulated)

    async def run(self, url: str, key: str = "") -> Result:
        """Play it at ws://…/v1/realtime. Raises aiohttp.ClientError, or TimeoutError where no session comes about."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(url, headers=headers, max_msg_size=0) as socket,
        ):
            tasks = [asyncio.create_task(work) for work in (self._receive(socket), self._send(socket))]
            try:
                self.client.configure()
                await asyncio.wait_for(self._ready(), _START_LIMIT_S)
                tasks.append(asyncio.create_task(self._run_devices()))
                self._world.begin()
                self.client.director.begin()
                stopped = asyncio.create_task(self._world.stopped.wait())
                await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    if task.done():
                        task.result()  # raises what went wrong
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        return self.client.finish()

    async def _ready(self) -> None:
        while not self.client.view.is_ready:
            await asyncio.sleep(BLOCK_S)

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse[Any]) -> None:
        async for message in socket:
            self.client.view.receive(json.loads(message.data))
        raise aiohttp.ClientConnectionError("the server closed the connection")

    async def _send(self, socket: aiohttp.ClientWebSocketResponse[Any]) -> None:
        while True:
            await socket.send_str(json.dumps(await self._outbox.get()))

    async def _run_devices(self) -> None:
        """A block every 20 ms, to and fro."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            due_s += BLOCK_S
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            self.client.step()
