"""Scenarios through Realtime servers of this process, one for each, with simulated services; several at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from flask import Flask

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.assemble import make_endpoint, make_listener
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.faces.connections.engines import Engines, ears
from huiyin.assistant.faces.realtime.server import PATH, RealtimeServer
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.agents.play import AgentRunner
from huiyin.assistant.scenario.agents.realtime import RealtimeLink
from huiyin.assistant.scenario.api import Result
from huiyin.assistant.scenario.cast import made_voice
from huiyin.assistant.scenario.script import MADE_VOICE, Scenario
from huiyin.assistant.scenario.watched_services import WatchedServices
from huiyin.configs.settings import Settings, with_overrides
from huiyin.services.common.serve import listen, make_threads, serving

_AT_ONCE = 6  # they mostly wait; more, and a machine with two cores is late


@dataclass(frozen=True)
class _Play:
    """One scenario with one seed, ready to be played."""

    settings: Settings
    link: RealtimeLink
    runner: AgentRunner
    services: WatchedServices
    prepared: dict[str, Pcm16]


def play(plays: Sequence[tuple[Scenario, int]], settings: Settings) -> list[Result]:
    """What came of each scenario with its seed."""
    return asyncio.run(_play_all(plays, settings))


async def _play_all(plays: Sequence[tuple[Scenario, int]], settings: Settings) -> list[Result]:
    loop = asyncio.get_running_loop()
    ready = [_ready(scenario, seed, with_overrides(settings, scenario.settings), loop) for scenario, seed in plays]
    make_listener(settings, _ignore)  # weights are loaded now: later that would hold up sessions that run
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(each: _Play) -> Result:
        async with free, _server(each) as each.link.url:
            return await each.runner.run()

    return list(await asyncio.gather(*map(one, ready)))


def _ready(scenario: Scenario, seed: int, settings: Settings, loop: asyncio.AbstractEventLoop) -> _Play:
    link = RealtimeLink("", simulated=True)
    runner = AgentRunner(scenario, seed, made_voice(scenario), loop, link, simulated=True)
    natural = scenario.voice not in ("", MADE_VOICE) or any(step.kind == "audio" for step in scenario.steps)
    endpoint = make_endpoint(settings, _ignore) if natural else None  # it was not trained for a made voice
    services = WatchedServices(scenario, settings, runner.client, link.line, endpoint)
    prepared = load_persona(settings.talk.persona).all_prepared()
    return _Play(settings, link, runner, services, {text: services.synthesise(text) for text in prepared})


@contextlib.asynccontextmanager
async def _server(each: _Play) -> AsyncIterator[str]:
    """A server on this loop with the scenario's services; its address."""
    services, settings = each.services, each.settings
    persona = load_persona(settings.talk.persona)

    engines = Engines(services.parts, lambda voice: services, ears(settings), lambda persona: each.prepared)
    personas = {settings.talk.persona: persona}
    server = RealtimeServer(settings, Services(settings), personas, on_session=services.join, engines=engines)
    app = Flask(__name__)
    server.mount(app)
    listener, threads = listen("127.0.0.1", 0), make_threads(settings.service)
    port = listener.getsockname()[1]
    async with serving(app, settings.service, listener, threads):
        yield f"ws://127.0.0.1:{port}{PATH}"
    threads.shutdown(wait=False)


def _ignore(text: str) -> None:
    """`huiyin doctor` says the same."""
