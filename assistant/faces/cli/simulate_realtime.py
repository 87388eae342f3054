"""Scenarios through a Realtime server, several at once: one that runs somewhere, or one of this process for each."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import aiohttp
from flask import Flask

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.assemble import make_endpoint, make_listener
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.faces.cli.shared import UsageError
from huiyin.assistant.faces.connections.engines import Engines, ears
from huiyin.assistant.faces.realtime.server import PATH, RealtimeServer
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.against_realtime import RealtimeRunner
from huiyin.assistant.scenario.api import NotPlayable, Result, check_playable, with_overrides
from huiyin.assistant.scenario.cast import ServiceVoice, made_voice
from huiyin.assistant.scenario.script import MADE_VOICE, Scenario
from huiyin.assistant.scenario.watched_services import WatchedServices
from huiyin.configs.settings import Settings
from huiyin.services.common.serve import listen, make_threads, serving

_AT_ONCE = 6  # they mostly wait; more, and a machine with two cores is late


@dataclass(frozen=True)
class _Play:
    """One scenario with one seed, ready to be played."""

    scenario: Scenario
    settings: Settings
    runner: RealtimeRunner
    services: WatchedServices | None = None
    prepared: dict[str, Pcm16] = field(default_factory=dict)


def play(
    scenarios: Sequence[Scenario], args: argparse.Namespace, settings: Settings, url: str = "", key: str = ""
) -> tuple[list[Result], list[NotPlayable]]:
    """(what came of those with sound, which of these could not be played).

    `url`: of a server that runs, with services of its own, and the `key` for it; '': one of this process, with
    simulated services. Raises UsageError where the connection does not hold.
    """
    refused: list[NotPlayable] = []
    playable: list[Scenario] = []
    for scenario in scenarios:
        if scenario.depths == ("text",):
            if len(scenarios) == 1:
                refused.append(NotPlayable("scenario.uses_no_sound", name=scenario.name, depth="realtime"))
            continue
        try:
            check_playable(scenario, "realtime", real=bool(url))
            playable.append(scenario)
        except NotPlayable as why:
            refused.append(why)
    try:
        return asyncio.run(_play_all(playable, args, settings, url, key)), refused
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
        raise UsageError("cli.realtime_broke_off", url=url, why=error or "no session in time") from error


async def _play_all(
    scenarios: Sequence[Scenario], args: argparse.Namespace, settings: Settings, url: str, key: str
) -> list[Result]:
    plays = []
    loop = asyncio.get_running_loop()
    for scenario in scenarios:
        first = scenario.seed if args.seed is None else args.seed
        for seed in range(first, first + args.repeat):
            own = with_overrides(settings, scenario.settings)
            if url:  # in a thread: asking the speech service for voices blocks
                plays.append(await asyncio.to_thread(_remote, scenario, seed, own, loop))
            else:
                plays.append(_simulated(scenario, seed, own, loop))
    if not url:
        make_listener(settings, _ignore)  # weights are loaded now: later that would hold up sessions that run
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(each: _Play) -> Result:
        async with free:
            if url:
                return await each.runner.run(url, key)
            async with _server(each) as own_url:
                return await each.runner.run(own_url)

    return list(await asyncio.gather(*map(one, plays)))


def _remote(scenario: Scenario, seed: int, settings: Settings, loop: asyncio.AbstractEventLoop) -> _Play:
    """The people speak with voices of the speech service."""
    persona = load_persona(settings.talk.persona)
    voice = made_voice(scenario) if scenario.voice else ServiceVoice(Services(settings), persona.voice)
    return _Play(scenario, settings, RealtimeRunner(scenario, seed, voice, loop))


def _simulated(scenario: Scenario, seed: int, settings: Settings, loop: asyncio.AbstractEventLoop) -> _Play:
    runner = RealtimeRunner(scenario, seed, made_voice(scenario), loop, simulated=True)
    natural = scenario.voice not in ("", MADE_VOICE) or any(step.kind == "audio" for step in scenario.steps)
    endpoint = make_endpoint(settings, _ignore) if natural else None  # it was not trained for a made voice
    services = WatchedServices(scenario, settings, runner.client, endpoint)
    prepared = load_persona(settings.talk.persona).all_prepared()
    return _Play(scenario, settings, runner, services, {text: services.synthesise(text) for text in prepared})


@contextlib.asynccontextmanager
async def _server(each: _Play) -> AsyncIterator[str]:
    """A server on this loop with the scenario's services; its address."""
    services, settings = each.services, each.settings
    assert services is not None
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
