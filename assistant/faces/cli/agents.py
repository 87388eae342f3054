"""Agents under test, on the command line: `--against AGENT` of `simulate` and `bench agent`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.services import Name, Services
from huiyin.assistant.faces.cli.captions import Captions
from huiyin.assistant.faces.cli.running_realtime import address_of, key_for, look_for
from huiyin.assistant.scenario.agents.command import words_of
from huiyin.assistant.scenario.agents.targets import Target, play_all, target_of
from huiyin.assistant.scenario.result import Result
from huiyin.assistant.scenario.script import Scenario
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings

_REALTIME = "realtime:"
_TELL_EVERY_S = 5.0  # how far the sound of the people is: 68 conversations take a minute or two


def agent_of(text: str, settings: Settings) -> Target:
    """The agent that was written; of a Realtime server as people write it, which is looked at. A program must be there.

    Raises AgentError or UsageError.
    """
    if not text.startswith(_REALTIME):
        target = target_of(text)
        if target.kind == "command":
            words_of(target.address)
        return replace(target, key=key_for(settings)) if target.kind == "live" else target
    target = Target("realtime", address_of(text.removeprefix(_REALTIME)))
    target = replace(target, key=key_for(settings))
    asyncio.run(look_for(target.address, target.key))
    return target


def play_to(
    target: Target,
    plays: Sequence[tuple[Scenario, int]],
    settings: Settings,
    service_arguments: Sequence[str],
    done: Callable[[Result], None] = lambda result: None,
    *,
    at_once: int = 1,
    words: bool = True,
    aloud: bool = False,
) -> list[Result]:
    """Play scenarios with seeds, in real time. The services that are needed and do not run are started.

    `done`, `at_once`, `words`, `aloud`: as for `play_all`.

    Raises AgentError, ServiceError, and what starting services raises.
    """
    needed: list[Name] = []
    if not all(scenario.voice for scenario, _ in plays):
        needed.append("tts")  # the people speak with its voices
    if words and target.kind != "realtime":
        needed.append("asr")  # writes down what the agent says
    if any(scenario.needs_judge for scenario, _ in plays) and not settings.simulate.judge:
        needed.append("llm")  # judges what it means
    tell = Captions(sys.stderr).notice
    with Launcher(settings, service_arguments, tell) as launcher:
        if needed:
            launcher.start(needed)
        services, prepared = Services(settings), _preparing(tell, len(plays))
        playing = play_all(
            plays, target, services, at_once=at_once, words=words, aloud=aloud, done=done, prepared=prepared
        )
        return asyncio.run(playing)


def _preparing(tell: Callable[[str], None], total: int) -> Callable[[int], None]:
    """`prepared` of `play_all`, which says now and then how far it is."""
    told_s = time.monotonic()

    def prepared(count: int) -> None:
        nonlocal told_s
        if count < total and time.monotonic() - told_s >= _TELL_EVERY_S:
            told_s = time.monotonic()
            tell(said("notices.people_prepared", count=count, total=total))

    return prepared
