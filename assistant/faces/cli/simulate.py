"""`huiyin simulate SCENARIO…`: scripted conversations, in virtual time or live."""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.services import NAMES
from huiyin.assistant.faces.cli.captions import Captions
from huiyin.assistant.faces.cli.shared import UsageError, check_writable, output_file, write_files
from huiyin.assistant.scenario.api import NotPlayable, Result, check_playable, read, settings_for, simulate
from huiyin.assistant.scenario.needs import lacking
from huiyin.assistant.scenario.report import json_report, junit_report, summary
from huiyin.assistant.scenario.script import Depth, Scenario
from huiyin.configs import settings as config
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings

_AT_ONCE = 6  # through a Realtime server: they mostly wait


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Play them. Returns the exit status."""
    _check(args)
    settings = _with_judge(args, settings)
    if args.against:
        return _report(args, *_against(args, settings))
    results: list[Result] = []
    refused: list[NotPlayable] = []
    plays = _plays(args)
    if args.sound == "card":
        from huiyin.assistant.scenario.real_time import check_card

        check_card(settings.audio)
    with _services(args, settings, plays):
        began = time.perf_counter()
        for scenario, depth in plays:
            try:
                results += _play(scenario, depth, args, settings)
            except NotPlayable as why:
                refused.append(why)
        took_s = time.perf_counter() - began
    return _report(args, results, refused, took_s)


def _with_judge(args: argparse.Namespace, settings: Settings) -> Settings:
    """The settings with the judge of the command line."""
    named = {"judge": args.judge, "judge_model": args.judge_model}
    return replace(settings, simulate=replace(settings.simulate, **{key: name for key, name in named.items() if name}))


def _report(args: argparse.Namespace, results: list[Result], refused: list[NotPlayable], took_s: float) -> int:
    """Print what came of them. Returns the exit status."""
    if not results:
        raise UsageError("cli.nothing_playable", reasons=refused)
    _write(args, results, refused)
    if args.json:
        print(json_report(results, refused))
    else:
        print(*(result.report(verbose=args.verbose) for result in results), "", summary(results, refused), sep="\n")
        print(_speed(results, took_s), file=sys.stderr)
    return 0 if all(result.passed for result in results) else 1


def _against(args: argparse.Namespace, settings: Settings) -> tuple[list[Result], list[NotPlayable], float]:
    """Play them to an agent: (results, what could not be played, seconds it took)."""
    if args.depth or args.services or args.sound == "card" or (args.sound and args.against == "realtime"):
        raise UsageError("cli.against_alone")
    scenarios = [read(path) for path in files_of(args.scenarios)]
    began = time.perf_counter()
    if args.against == "realtime":
        from huiyin.assistant.faces.cli.simulate_realtime import play

        base = config.load(args.profile, args.set, environ={})
        plays, refused = plays_with_sound(scenarios, args, "realtime", real=False, settings=base)
        results = play(plays, base) if plays else []
    else:
        from huiyin.assistant.faces.cli.agents import agent_of, play_to

        target = agent_of(args.against, settings)
        plays, refused = plays_with_sound(scenarios, args, target.depth, real=True)
        at_once = _AT_ONCE if target.kind == "realtime" else 1  # other agents may take one client at a time
        aloud = args.sound == "room"
        results = (
            play_to(target, plays, settings, args.service_arguments, at_once=at_once, aloud=aloud) if plays else []
        )
    return results, refused, time.perf_counter() - began


def plays_with_sound(
    scenarios: Sequence[Scenario],
    args: argparse.Namespace,
    depth: Depth,
    *,
    real: bool,
    settings: Settings | None = None,
) -> tuple[list[tuple[Scenario, int]], list[NotPlayable]]:
    """(scenarios and seeds to play in sound, why others cannot be); a file that has none is left out.

    `settings`: those that the scenarios' own come on top of; None where another program has its own.
    """
    plays: list[tuple[Scenario, int]] = []
    refused: list[NotPlayable] = []
    for scenario in scenarios:
        if scenario.depths == ("text",):
            if len(scenarios) == 1:
                refused.append(NotPlayable("scenario.uses_no_sound", name=scenario.name, depth=depth))
            continue
        try:
            check_playable(scenario, depth, real=real)
            if settings is not None:
                settings_for(scenario, depth, settings)
            plays += [(scenario, seed) for seed in _seeds(scenario, args)]
        except NotPlayable as why:
            refused.append(why)
    return plays, refused


def files_of(paths: list[Path]) -> list[Path]:
    """The YAML files among `paths`, and those in the folders among them. Raises UsageError where there are none."""
    files: list[Path] = []
    for path in paths:
        scenarios = sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")]) if path.is_dir() else [path]
        if not scenarios:
            raise UsageError("cli.no_scenarios", folder=path)
        files += scenarios
    return files


def _check(args: argparse.Namespace) -> None:
    if args.repeat < 1:
        raise UsageError("cli.bad_repeat")
    if args.seed is not None and args.seed < 0:
        raise UsageError("cli.bad_seed")
    if args.depth == "live" and args.services == "simulated":
        raise UsageError("cli.live_with_simulated_services")
    if args.out and args.out.exists() and not args.out.is_dir():
        raise UsageError("cli.out_is_file", path=args.out)
    if args.junit and args.junit.parent != args.out:  # that folder is made when there is something for it
        check_writable(args.junit)


def _plays(args: argparse.Namespace) -> list[tuple[Scenario, Depth]]:
    """Which scenarios to play at which depths. Raises ScenarioError or UsageError."""
    plays: list[tuple[Scenario, Depth]] = []
    for path in files_of(args.scenarios):
        scenario = read(path)
        depths = [args.depth] if args.depth else scenario.depths
        plays += [(scenario, depth) for depth in depths]
    if args.sound and all(depth != "live" for _, depth in plays):
        raise UsageError("cli.sound_without_live_depth")
    return plays


def _is_real(depth: Depth, args: argparse.Namespace) -> bool:
    return depth == "live" or args.services == "real"


@contextlib.contextmanager
def _services(args: argparse.Namespace, settings: Settings, plays: list[tuple[Scenario, Depth]]) -> Iterator[None]:
    """The services run meanwhile, where one of the scenarios can and will use them."""
    card = args.sound == "card"
    if any(
        _is_real(depth, args) and not lacking(scenario, depth, real_services=True, card=card and depth == "live")
        for scenario, depth in plays
    ):
        tell = Captions(sys.stderr).notice
        tell(said("notices.starting_services"))
        with Launcher(settings, args.service_arguments, tell) as launcher:
            launcher.start(NAMES)
            yield
    else:
        yield


def _play(scenario: Scenario, depth: Depth, args: argparse.Namespace, settings: Settings) -> list[Result]:
    # In virtual time this machine's environment does not count: a scenario plays alike everywhere.
    base = settings if _is_real(depth, args) else config.load(args.profile, args.set, environ={})
    return [
        simulate(
            scenario, depth, seed, settings=base, services=args.services or "simulated", place=args.sound or "room"
        )
        for seed in _seeds(scenario, args)
    ]


def _seeds(scenario: Scenario, args: argparse.Namespace) -> range:
    first = scenario.seed if args.seed is None else args.seed
    return range(first, first + args.repeat)


def _write(args: argparse.Namespace, results: list[Result], refused: list[NotPlayable]) -> None:
    if args.out:
        from huiyin.assistant.scenario.picture import documents

        for result in results:
            write_files(args.out / re.sub(r"[\[\], ]+", "-", result.title).strip("-"), documents(result))
    if args.junit:
        with output_file(args.junit) as file:
            file.write(junit_report(results, refused).encode())


def _speed(results: list[Result], took_s: float) -> str:
    """How fast it went. Not part of the report: it is not the same every time."""
    played_s = sum(result.log.end_s for result in results)
    times, rate = played_s / took_s, 60 * len(results) / took_s
    return said("shown.played", played_s=played_s, took_s=took_s, times=times, rate=rate)
