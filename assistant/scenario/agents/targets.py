"""The agents that scenarios can be played to, as they are written: a program, or an address with its protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.agents.command import CommandLink
from huiyin.assistant.scenario.agents.line import AgentError, Link
from huiyin.assistant.scenario.agents.live import LiveLink
from huiyin.assistant.scenario.agents.pipecat import PipecatLink
from huiyin.assistant.scenario.agents.play import AgentRunner
from huiyin.assistant.scenario.agents.realtime import RealtimeLink
from huiyin.assistant.scenario.api import check_playable
from huiyin.assistant.scenario.cast import ServiceVoice, Voice, made_voice
from huiyin.assistant.scenario.meaning_judge import judge_for
from huiyin.assistant.scenario.result import Result
from huiyin.assistant.scenario.script import Depth, Scenario
from huiyin.configs.settings import Settings, load

Kind = Literal["command", "pipecat", "live", "realtime"]
_RECOGNISING_LIMIT_S = 60.0
_URLS = ("ws://", "wss://")


@dataclass(frozen=True)
class Target:
    """An agent to be tested."""

    kind: Kind
    address: str  # a command line, or a URL
    key: str = ""  # of a Realtime or Live server

    @property
    def depth(self) -> Depth:
        """What it lets be seen."""
        return "realtime" if self.kind == "realtime" else "agent"

    def __str__(self) -> str:
        return f"{self.kind}:{self.address}"

    def link(self, recognise: Callable[[Pcm16], str] | None, *, aloud: bool = False) -> Link:
        """A new connection. `recognise`: as for `SoundLine`; `aloud`: as for `play_all`."""
        match self.kind:
            case "command":
                return CommandLink(self.address, recognise)
            case "pipecat":
                return PipecatLink(self.address, recognise)
            case "live":
                return LiveLink(self.address, self.key, recognise)
            case "realtime":
                return RealtimeLink(self.address, self.key, aloud=aloud)


def target_of(text: str) -> Target:
    """The agent that was written; a bare ws://… is a Realtime server. Raises AgentError."""
    kind, _, address = text.partition(":")
    if text.startswith(_URLS):
        kind, address = "realtime", text
    is_right = address.strip() if kind == "command" else address.startswith(_URLS)
    if kind not in get_args(Kind) or not is_right:
        raise AgentError("agents.unknown", agent=text)
    return Target(cast("Kind", kind), address)


def recogniser(services: Services) -> Callable[[Pcm16], str]:
    """The speech service, which writes down what an agent says."""

    def recognise(sound: Pcm16) -> str:
        return "".join(each.text for each in services.transcribe(sound, timeout_s=_RECOGNISING_LIMIT_S))

    return recognise


async def play_all(
    plays: Sequence[tuple[Scenario, int]],
    target: Target,
    services: Services,
    *,
    at_once: int = 1,
    words: bool = True,
    aloud: bool = False,
    done: Callable[[Result], None] = lambda result: None,
    prepared: Callable[[int], None] = lambda count: None,
) -> list[Result]:
    """Play scenarios with seeds, so many `at_once`; `done` gets each result as it comes.

    Before, `prepared` gets for how many there is the sound of their people.

    The people speak with voices of the speech service, unless the scenario names one. `words`: what the agent says is
    written down by the recogniser. `aloud`: the agent's voice echoes in the room, and comes back to it; else the client
    has cancelled its echo. What replies mean is judged at the end: a model may share the machine with the agent.

    Raises AgentError where the agent cannot be reached, ServiceError, and ScenarioError where a judge is needed and
    none answers.
    """
    ask = await asyncio.to_thread(judge_for, [scenario for scenario, _ in plays], services.settings)
    loop = asyncio.get_running_loop()
    speaks = ServiceVoice(services, load_persona(services.settings.talk.persona).voice)
    free = asyncio.Semaphore(at_once)

    def runner(scenario: Scenario, seed: int) -> AgentRunner:
        voice: Voice = made_voice(scenario) if scenario.voice else speaks
        link = target.link(recogniser(services) if words else None, aloud=aloud)
        return AgentRunner(scenario, seed, voice, loop, link, aloud=aloud)

    async def play(each: AgentRunner) -> Result:
        async with free:
            result = await each.run()
        if not result.not_judged:
            done(result)
        return result

    def judged(result: Result) -> Result:
        if ask is None or not result.not_judged:
            return result
        result = result.judged(ask)
        done(result)
        return result

    # All sound is made before the first plays, which it would slow down; in a thread, as it blocks.
    runners = []
    for scenario, seed in plays:
        runners.append(await asyncio.to_thread(runner, scenario, seed))
        prepared(len(runners))
    results = await asyncio.gather(*map(play, runners))
    return [await asyncio.to_thread(judged, result) for result in results]


def play(scenario: Scenario, target: Target, seed: int | None = None, settings: Settings | None = None) -> Result:
    """Play one scenario to an agent, in real time, with the services that run.

    The speech service is needed where the scenario names no voice, the recogniser where it expects words, a language
    model where it expects a meaning. Raises NotPlayable, AgentError, ServiceError, ScenarioError.
    """
    check_playable(scenario, target.depth, real=True)
    plays = [(scenario, scenario.seed if seed is None else seed)]
    return asyncio.run(play_all(plays, target, Services(settings or load()), words=scenario.needs_words))[0]
