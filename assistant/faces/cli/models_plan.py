"""``huiyin models plan`` and ``huiyin models choose``: which models this machine uses, and why."""

from __future__ import annotations

import argparse
import sys

from huiyin.assistant.clients.local_servers import find_local_servers
from huiyin.assistant.clients.model_choice import ModelChoice
from huiyin.assistant.clients.services import NAMES
from huiyin.assistant.faces.cli.chosen import model_choice
from huiyin.assistant.faces.cli.shared import to_people
from huiyin.configs.choice.choose import PartPlan, source_title
from huiyin.configs.choice.facts import Looked
from huiyin.configs.choice.machine import cores, memory_gb, processor
from huiyin.configs.messages import said
from huiyin.configs.packages.extras import check_installed
from huiyin.configs.settings import Settings

_PARTS = {"asr": "shown.asr", "llm": "shown.llm", "tts": "shown.tts", "judge": "shown.judge"}
_GB = 1e9


def show_plan(args: argparse.Namespace, settings: Settings) -> int:
    """Print it; nothing is changed. Returns the exit status."""
    with model_choice(args, settings, _say) as choice:
        looked, plan = choice.look()
        print(said("shown.machine", processor=processor(), cores=cores(), memory=memory_gb(), facts=_facts(looked)))
        for part in plan.values():
            print(f"\n{_used(choice, part)}")
            _print_rungs(part)
        for other in sorted(_PARTS.keys() - plan.keys()):
            print("\n" + said("shown.as_set", part=_title(other)))
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


def _title(part: str) -> str:
    """Of a part; one of a user's own ladders has its name alone."""
    return said(_PARTS[part]) if part in _PARTS else part


def _used(choice: ModelChoice, part: PartPlan) -> str:
    """A part, and what the record says of it."""
    title = _title(part.part)
    record = choice.record.parts.get(part.part) if choice.record else None
    titles = {rung.name: rung.title for rung in choice.ladders[part.part]}
    if record is None or record.used not in titles:
        return said("shown.part", part=title)
    used = titles[record.used]
    if record.wanted not in titles or record.wanted == record.used:
        return said("shown.part_used", part=title, used=used)
    return said("shown.part_waiting", part=title, used=used, wanted=titles[record.wanted])


def _facts(looked: Looked) -> list[str]:
    facts = looked.facts
    words = [said("shown.free", memory_gb=facts.memory_bytes / _GB, disk_gb=facts.disk_bytes / _GB)]
    if facts.speed:
        s = facts.speed
        read, write, beside = s.read_tokens_s, s.write_tokens_s, s.write_with_voice_tokens_s
        words.append(said("shown.speed", model=s.model, read=read, write=write, beside=beside, rtf=s.voice_rtf))
    for hub, answer in looked.hubs.items():
        how = f"{answer.bytes_s / 1e6:.1f} MB/s" if answer.bytes_s else answer.why
        words.append(said("shown.hub", hub=source_title(hub), answer=how))
    if facts.metered:
        words.append(said("shown.metered"))
    return words


def _say(line: str) -> None:
    print(to_people(line), file=sys.stderr, flush=True)
