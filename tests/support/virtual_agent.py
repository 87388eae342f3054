"""A scenario played to an agent of this process, of which only the sound is known, in virtual time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from huiyin.assistant.conversation.world import VirtualWorld
from huiyin.assistant.scenario.agents.sound_line import Recognise, SoundLine
from huiyin.assistant.scenario.cast import made_voice
from huiyin.assistant.scenario.log import BLOCK_S
from huiyin.assistant.scenario.result import Result
from huiyin.assistant.scenario.script import Scenario
from huiyin.assistant.scenario.scripted_client import ScriptedClient


def play_to(
    exchange: Callable[[np.ndarray], np.ndarray],
    scenario: Scenario,
    recognise: Recognise | None = None,
    *,
    aloud: bool = False,
    world: VirtualWorld | None = None,
) -> Result:
    """`exchange`: 20 ms of the microphone in, 20 ms of the agent's sound out; `aloud`: with its echo in the first."""
    world = world or VirtualWorld()
    line = SoundLine(lambda mic: line.receive(exchange(mic)), recognise)
    client = ScriptedClient(scenario, scenario.seed, made_voice(scenario), world, line, aloud=aloud)

    return played_out(client, world)


def played_out(client: ScriptedClient, world: VirtualWorld) -> Result:
    """A scenario from its beginning to its end."""

    def step() -> None:
        client.step()
        world.after(BLOCK_S, step)

    world.after(BLOCK_S, step)
    client.director.begin()
    world.run()
    client.commit()
    return client.finish()
