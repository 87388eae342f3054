"""Plays a scenario to an agent in real time, over any link: `huiyin simulate --against …`."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from huiyin.assistant.conversation.world import RealWorld
from huiyin.assistant.ports.clock import AudioClock
from huiyin.assistant.scenario.agents.line import AgentError, Link, first_of
from huiyin.assistant.scenario.cast import Voice
from huiyin.assistant.scenario.expectations import Outcome
from huiyin.assistant.scenario.log import BLOCK_S
from huiyin.assistant.scenario.result import Result
from huiyin.assistant.scenario.script import Scenario
from huiyin.assistant.scenario.scripted_client import ScriptedClient
from huiyin.assistant.turns.transitions import State

_LONGEST_GREETING_S = 20.0


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


class AgentRunner:
    """Plays one scenario, once."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        voice: Voice,
        loop: asyncio.AbstractEventLoop,
        link: Link,
        *,
        simulated: bool = False,
        aloud: bool = False,
    ) -> None:
        """`simulated`, `aloud`: as for `ScriptedClient`. `link` is opened and closed by `run`."""
        self._world, self._link = ClientWorld(loop), link
        self.client = ScriptedClient(scenario, seed, voice, self._world, link.line, simulated=simulated, aloud=aloud)

    async def run(self) -> Result:
        """Play it. An agent that hangs up has failed. Raises AgentError where it cannot be reached."""
        hung_up: AgentError | None = None
        try:
            await self._link.open()
            self._world.begin()
            try:
                await first_of(self._play(), self._link.carry(), self._run_devices())
            except AgentError as error:
                hung_up = error
        finally:
            await self._link.close()
        self._world.forget()
        await asyncio.to_thread(self.client.commit)
        result = replace(self.client.finish(), agent_log=tuple(self._link.log))
        if hung_up is None:
            return result
        return replace(result, outcomes=(*result.outcomes, Outcome(1, 0, str(hung_up), result.log.end_s)))

    async def _play(self) -> None:
        """The script, once the agent has said what it says by itself."""
        director = self.client.director
        await asyncio.sleep(self._link.line.greeting_s)
        for _ in range(round(_LONGEST_GREETING_S / BLOCK_S)):
            if director.state is State.LISTENING:
                break
            await asyncio.sleep(BLOCK_S)
        director.begin(self._world.now)
        await self._world.stopped.wait()

    async def _run_devices(self) -> None:
        """A block every 20 ms, to and fro."""
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            due_s += BLOCK_S
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            self.client.step()
