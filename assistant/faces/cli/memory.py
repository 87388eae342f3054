"""``huiyin memory``: what is remembered of you."""

from __future__ import annotations

import argparse
import json

from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.faces.cli.shared import UsageError
from huiyin.assistant.tools.memory import Fact, Memory, memory_file
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do what `args` ask. Returns the exit status."""
    memory = Memory(memory_file(), load_persona(args.persona or settings.talk.persona).name)
    facts = memory.all()
    if args.action == "list":
        print("\n".join(map(_line, facts)) or said("notices.no_facts"))
    elif args.action == "show":
        print("\n".join(map(_line, memory.find(args.words))) or said("notices.nothing_remembered"))
    elif args.action == "export":
        for fact in facts:
            print(json.dumps({"at": fact.at.isoformat(), "text": fact.text}, ensure_ascii=False))
    else:
        _forget(memory, facts, args)
    return 0


def _forget(memory: Memory, facts: list[Fact], args: argparse.Namespace) -> None:
    if args.all == bool(args.numbers):
        raise UsageError("cli.which_facts")
    known = {fact.id: fact for fact in facts}
    for number in args.numbers:
        if number not in known:
            raise UsageError("cli.no_fact", number=number)
    chosen = facts if args.all else [known[number] for number in dict.fromkeys(args.numbers)]
    for fact in chosen:
        memory.forget(fact.id)
    print(said("notices.forgotten", facts=[fact.text for fact in chosen] or [said("notices.nothing")]))


def _line(fact: Fact) -> str:
    return f"{fact.id:>4}  {fact.at.astimezone():%Y-%m-%d}  {fact.text}"
