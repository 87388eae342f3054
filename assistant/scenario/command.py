"""`huiyin simulate SCENARIO…`: scripted conversations in virtual time."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from assistant.command import FAILED, USAGE, CommandError, check_writable, whole_file
from assistant.scenario.api import Result, read, simulate
from assistant.scenario.reader import ScenarioError
from assistant.scenario.report import json_report, junit_report, summary, text_report, title
from assistant.scenario.script import Depth, Scenario
from configs.settings import Settings

_ABOUT = """\
Scripted conversations, played in virtual time against the very turn machine that talks: seconds for minutes of talk,
the same every time. A scenario is a YAML file that says who speaks when, and what must follow: docs/scenarios.md.
The exit status is 1 when an expectation fails; the timeline around it is printed.

  huiyin simulate tests/conversations
  huiyin simulate my_bug.yaml --verbose
  huiyin simulate my_bug.yaml --depth room --out my_bug      # hear it: conversation.wav, timeline.png, report.json"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``simulate``."""
    parser = subparsers.add_parser("simulate", description=_ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenarios", nargs="+", type=Path, metavar="SCENARIO", help="a YAML file, or a folder of them")
    parser.add_argument(
        "--depth", choices=("text", "room"),
        help="text: no sound, milliseconds; room: echo path and voice activity on sound (default: the scenario's own)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=int, metavar="N", help="of the room's noise and voices (default: the scenario's)"
    )
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="play N times, with seeds that count up")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="also write JUnit XML")
    parser.add_argument("--out", type=Path, metavar="DIR", help="also write report, picture and sound of each")
    parser.add_argument("--verbose", action="store_true", help="print the whole timeline")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Play them. Returns the exit status."""
    if args.repeat < 1:
        raise CommandError("--repeat wants a number from 1 on", USAGE)
    if args.junit:
        check_writable(args.junit)
    try:
        scenarios = [read(path) for path in files_of(args.scenarios)]
        began = time.perf_counter()
        results: list[Result] = []
        for scenario in scenarios:
            results += _play(scenario, args)
        took_s = time.perf_counter() - began
    except ScenarioError as error:
        raise CommandError(str(error), USAGE) from error
    if args.out:
        from assistant.scenario.picture import write_out

        for result in results:
            write_out(result, args.out / (title(result).replace("[", "").replace("]", "").replace(" ", "-")))
    if args.junit:
        with whole_file(args.junit) as file:
            file.write(junit_report(results).encode())
    if args.json:
        print(json_report(results))
    else:
        print(f"{text_report(results, verbose=args.verbose)}\n\n{summary(results)}")
        print(_speed(results, took_s), file=sys.stderr)
    return 0 if all(result.passed for result in results) else FAILED


def files_of(paths: list[Path]) -> list[Path]:
    """The YAML files that are named, or lie in the folders that are. Raises CommandError where there are none."""
    files: list[Path] = []
    for path in paths:
        found = sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")]) if path.is_dir() else [path]
        if not found:
            raise CommandError(f"there are no .yaml files in {path}")
        files += found
    return files


def _play(scenario: Scenario, args: argparse.Namespace) -> list[Result]:
    depths: tuple[Depth, ...] = (args.depth,) if args.depth else scenario.depths
    first = scenario.seed if args.seed is None else args.seed
    return [simulate(scenario, depth, seed) for depth in depths for seed in range(first, first + args.repeat)]


def _speed(results: list[Result], took_s: float) -> str:
    """How fast it went. Not part of the report: it is not the same every time."""
    played_s = sum(result.log.end_s for result in results)
    speed = f"{played_s / took_s:.0f} x real time, {60 * len(results) / took_s:.0f} scenarios a minute"
    return f"{played_s:.0f} s of conversation in {took_s:.2f} s: {speed}"
