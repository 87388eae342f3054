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
from huiyin.assistant.faces.cli.shared import CommandError, UsageError, check_writable, write_files
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
_REPORT = "report.md"
_DIGEST = 12  # hexadecimal digits
_LONGEST_NAME = 80  # of a folder: an agent without a name is called what it is, a whole command line

Play = tuple[Suited, int]


def run(words: Sequence[str], settings: Settings, service_arguments: Sequence[str]) -> int:
    """Play what has not been played yet, and write the report. Returns the exit status.

    Raises AgentError, UsageError, CommandError, and what starting services raises.
    """
    args = parse_below("bench", "agent", words)
    plays, named = _chosen(args), _agents(args.against)
    waiting = {name: [play for play in plays if not _is_there(args, name, text, play)] for name, text in named.items()}
    # What is wrong with the last agent is said before the first is played, for half an hour.
    targets = {name: agent_of(text, settings) for name, text in named.items() if waiting[name]}
    _check_folder(args.out)
    agents: dict[str, list[Played]] = {}
    for name, text in named.items():
        try:
            if waiting[name]:
                _play(name, text, waiting[name], len(plays), targets[name], args, settings, service_arguments)
        except (HuiyinError, KeyboardInterrupt):
            if any(args.out.glob("*/*.json")):
                print(said("notices.bench_kept", folder=args.out), file=sys.stderr)
            raise
        agents[name] = [result for play in plays if (result := _read(_file(args.out, name, text, play)))]
    report = [table(agents)]
    for name, results in agents.items():
        if found := faults(results):
            report += [f"\n{said('shown.not_as_expected', name=name)}\n", found]
    report_text = "\n".join(report)
    print(report_text)
    write_files(args.out, {_REPORT: f"{report_text}\n".encode(), "report.png": chart(agents)})
    return 0


def _agents(against: Sequence[str]) -> dict[str, str]:
    """{'ours': 'realtime:…'} for 'ours=realtime:…'; an agent without a name is called what it is."""
    agents: dict[str, str] = {}
    for text in against:
        name, agent = match.groups() if (match := _NAMED.fullmatch(text)) else (text, text)
        if name in agents:
            raise UsageError("cli.agent_twice", name=name)
        agents[name] = agent
    return agents


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


def _check_folder(folder: Path) -> None:
    """Make it, before anything is played. Raises CommandError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError("cli.not_written", path=folder, why=error.strerror or error) from error
    check_writable(folder / _REPORT)


def _play(
    name: str,
    text: str,
    plays: list[Play],
    in_all: int,
    target: Target,
    args: argparse.Namespace,
    settings: Settings,
    service_arguments: Sequence[str],
) -> None:
    """Play to an agent, and keep each result."""
    by_name = {suited.scenario.name: suited for suited, _ in plays}
    count = in_all - len(plays)

    def keep(result: Result) -> None:
        nonlocal count
        count += 1
        suited = by_name[result.scenario.name]
        path = _file(args.out, name, text, (suited, result.seed))
        if args.sound:
            write_files(path.with_suffix(""), documents(result))
        write_files(path.parent, {path.name: played(suited, result).to_json().encode()})
        print(f"{count}/{in_all}  {name}  {result.report().splitlines()[0]}", file=sys.stderr, flush=True)

    to_play = [(suited.scenario, seed) for suited, seed in plays]
    play_to(target, to_play, settings, service_arguments, keep, words=args.sound)


def _is_there(args: argparse.Namespace, name: str, text: str, play: Play) -> bool:
    """Whether it was played, and its sound kept where that is asked for."""
    path = _file(args.out, name, text, play)
    return _read(path) is not None and (path.with_suffix("").is_dir() or not args.sound)


def _file(out: Path, name: str, text: str, play: Play) -> Path:
    """Of a result; its sound is in the folder of the same name."""
    folder = re.sub(r"[^\w.-]+", "-", name).strip("-")[:_LONGEST_NAME]
    suited, seed = play
    return out / folder / f"{suited.scenario.name}-{seed}.{_digest(suited, text)}.json"


def _digest(suited: Suited, text: str) -> str:
    """Of what was played to whom: a result is not taken for that of another scenario or agent."""
    return hashlib.sha256(f"{suited.scenario}\0{text}".encode()).hexdigest()[:_DIGEST]


def _read(path: Path) -> Played | None:
    """None where there is no result, or only part of one."""
    try:
        return Played.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, KeyError):
        return None
