"""``huiyin bench agent``: how well agents converse, side by side."""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from huiyin.assistant.faces.cli.agents import agent_of, play_to
from huiyin.assistant.faces.cli.options import parse_below
from huiyin.assistant.faces.cli.shared import UsageError, write_files
from huiyin.assistant.scenario.agents.chart import chart
from huiyin.assistant.scenario.agents.scores import Played, faults, played, table
from huiyin.assistant.scenario.agents.suite import Suited, families, seeds, suite
from huiyin.assistant.scenario.agents.targets import Target
from huiyin.assistant.scenario.picture import documents
from huiyin.assistant.scenario.result import Result
from huiyin.configs.errors import HuiyinError
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings

_NAMED = re.compile(r"([\w.-]+)=(.+)", re.DOTALL)
_DIGEST = 12  # hexadecimal digits
_LONGEST_NAME = 80  # of a folder: an agent without a name is called what it is, a whole command line

Play = tuple[Suited, int]


def run(words: Sequence[str], settings: Settings, service_arguments: Sequence[str]) -> int:
    """Play what has not been played yet, and write the report. Returns the exit status.

    Raises AgentError, UsageError, and what starting services raises.
    """
    args = parse_below("bench", "agent", words)
    plays = _chosen(args)
    agents: dict[str, list[Played]] = {}
    for name, text in map(_named, args.against):
        if name in agents:
            raise UsageError("cli.agent_twice", name=name)
        try:
            agents[name] = _results(name, text, plays, args, settings, service_arguments)
        except (HuiyinError, KeyboardInterrupt):
            if any(args.out.glob("*/*.json")):
                print(said("notices.bench_kept", folder=args.out), file=sys.stderr)
            raise
    report = [table(agents)]
    for name, results in agents.items():
        if found := faults(results):
            report += [f"\n{said('shown.not_as_expected', name=name)}\n", found]
    text = "\n".join(report)
    print(text)
    write_files(args.out, {"report.md": f"{text}\n".encode(), "report.png": chart(agents)})
    return 0


def _named(text: str) -> tuple[str, str]:
    """('ours', 'realtime:…') for 'ours=realtime:…'; an agent without a name is called what it is."""
    match = _NAMED.fullmatch(text)
    return (match[1], match[2]) if match else (text, text)


def _chosen(args: argparse.Namespace) -> list[Play]:
    """The plays that are asked for."""
    if unknown := set(args.only or ()) - set(families()):
        raise UsageError("cli.no_family", name=unknown.pop(), families=families())
    plays: list[Play] = []
    for position, suited in enumerate(suite()):
        if (args.only and suited.family not in args.only) or args.language not in (None, suited.language):
            continue
        plays += [(suited, seed) for seed in ([1] if args.once else seeds(position))]
    if args.quick:  # the first of each family and language
        first = {(suited.family, suited.language): (suited, 1) for suited, _ in reversed(plays)}
        plays = list(reversed(first.values()))
    return plays


def _results(
    name: str, text: str, plays: list[Play], args: argparse.Namespace, settings: Settings, arguments: Sequence[str]
) -> list[Played]:
    """The results of an agent: those that are there, and those of what is played now."""
    folder: Path = args.out / re.sub(r"[^\w.-]+", "-", name).strip("-")[:_LONGEST_NAME]

    def file_of(suited: Suited, seed: int) -> Path:
        return folder / f"{suited.scenario.name}-{seed}.{_digest(suited, text)}.json"

    def is_there(path: Path) -> bool:
        return _read(path) is not None and (path.with_suffix("").is_dir() or not args.sound)

    waiting = [play for play in plays if not is_there(file_of(*play))]
    if waiting:
        by_name = {suited.scenario.name: suited for suited, _ in waiting}
        count = len(plays) - len(waiting)

        def keep(result: Result) -> None:
            nonlocal count
            count += 1
            suited = by_name[result.scenario.name]
            path = file_of(suited, result.seed)
            if args.sound:
                write_files(path.with_suffix(""), documents(result))
            write_files(path.parent, {path.name: played(suited, result).to_json().encode()})
            print(f"{count}/{len(plays)}  {name}  {result.report().splitlines()[0]}", file=sys.stderr, flush=True)

        target: Target = agent_of(text, settings)
        to_play = [(suited.scenario, seed) for suited, seed in waiting]
        play_to(target, to_play, settings, arguments, keep, words=args.sound)
    return [result for play in plays if (result := _read(file_of(*play)))]


def _digest(suited: Suited, text: str) -> str:
    """Of what was played to whom: a result is not taken for that of another scenario or agent."""
    return hashlib.sha256(f"{suited.scenario}\0{text}".encode()).hexdigest()[:_DIGEST]


def _read(path: Path) -> Played | None:
    """None where there is no result, or only part of one."""
    try:
        return Played.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, KeyError):
        return None
