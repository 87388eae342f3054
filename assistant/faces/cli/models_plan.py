"""``huiyin models plan`` and ``huiyin models choose``: which models this machine uses, and why."""

from __future__ import annotations

import argparse
import sys

from huiyin.assistant.clients.local_servers import find_local_servers
from huiyin.assistant.clients.model_choice import ModelChoice
from huiyin.assistant.clients.services import NAMES
from huiyin.assistant.faces.cli.chosen import model_choice
from huiyin.configs.choice.choose import PartPlan, source_title
from huiyin.configs.choice.facts import Looked
from huiyin.configs.choice.machine import machine
from huiyin.configs.packages.extras import check_installed
from huiyin.configs.settings import Settings

_PARTS = {"asr": "recogniser", "llm": "language model", "tts": "voice", "judge": "endpoint judge"}
_GB = 1e9


def show_plan(args: argparse.Namespace, settings: Settings) -> int:
    """Print it; nothing is changed. Returns the exit status."""
    with model_choice(args, settings, _say) as choice:
        looked, plan = choice.look()
        print(f"machine: {machine()}; {_facts(looked)}")
        for part in plan.values():
            print(f"\n{_PARTS.get(part.part, part.part)}{_used(choice, part)}")
            _print_rungs(part)
        for other in sorted(_PARTS.keys() - plan.keys()):
            print(f"\n{_PARTS[other]}: as your settings say")
    for server in find_local_servers():
        print(f"\n{server.offer('huiyin talk')}")
    return 0


def choose_again(args: argparse.Namespace, settings: Settings) -> int:
    """Choose, fetch and record. Returns the exit status. Raises LibraryMissing: nothing could be proven."""
    check_installed(NAMES, settings)
    with model_choice(args, settings, _say) as choice:
        choice.choose_again()
    return 0


def _print_rungs(part: PartPlan) -> None:
    width = max(len(verdict.rung.title) for verdict in part.verdicts)
    for verdict in part.verdicts:
        mark = "*" if verdict.rung is part.wanted else " "
        print(f"  {mark} {verdict.rung.title:{width}}  {verdict}  ({verdict.rung.worth})")


def _used(choice: ModelChoice, part: PartPlan) -> str:
    """What the record says of a part."""
    record = choice.record.parts.get(part.part) if choice.record else None
    titles = {rung.name: rung.title for rung in choice.ladders[part.part]}
    if record is None or record.used not in titles:
        return ""
    if record.wanted not in titles or record.wanted == record.used:
        return f": {titles[record.used]} is used"
    return f": {titles[record.used]} is used, {titles[record.wanted]} is on its way"


def _facts(looked: Looked) -> str:
    facts = looked.facts
    words = [f"{facts.memory_bytes / _GB:.1f} GB of memory and {facts.disk_bytes / _GB:.0f} GB of disk free"]
    if facts.speed:
        s = facts.speed
        words.append(
            f"{s.model} reads {s.read_tokens_s:.0f} and writes {s.write_tokens_s:.0f} tokens a second, "
            f"{s.write_with_voice_tokens_s:.0f} while a voice is made; real-time factor of the voice {s.voice_rtf:.2f}"
        )
    for hub, answer in looked.hubs.items():
        how = f"{answer.bytes_s / 1e6:.1f} MB/s" if answer.bytes_s else answer.why
        words.append(f"{source_title(hub)}: {how}")
    if facts.metered:
        words.append("the network is metered")
    return "; ".join(words)


def _say(line: str) -> None:
    print(f"huiyin: {line}", file=sys.stderr, flush=True)
