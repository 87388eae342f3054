"""``huiyin ask``: one question to the language model."""

from __future__ import annotations

import argparse
import sys

from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.dialogue.clause_stream import LimitReached
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.faces.cli.shared import CommandError, text_from, to_people
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings

_TIMEOUT_S = 120.0  # a large model may think, and read a long text first


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Ask, and print the answer piece by piece. Returns the exit status."""
    messages: list[Message] = [{"role": "user", "content": text_from(args.text)}]
    if args.system:
        messages.insert(0, {"role": "system", "content": args.system})
    with Launcher(settings, args.service_arguments) as launcher:
        launcher.start(["llm"])
        answer = launcher.services.ask(
            messages, timeout_s=_TIMEOUT_S, max_tokens=settings.llm.max_new_tokens, model=args.model
        )
        last, is_cut = "", False
        try:
            for piece in answer:
                print(piece, end="", flush=True)
                last, is_cut = piece or last, isinstance(piece, LimitReached)
        finally:  # also when the answer breaks off: the next line begins at the left
            if last and not last.endswith("\n"):
                print(flush=True)
    tokens = settings.llm.max_new_tokens
    if not last:
        raise CommandError("cli.all_thought", tokens=tokens) if is_cut else CommandError("cli.empty_answer")
    if is_cut:
        print(to_people(said("cli.answer_cut", tokens=tokens)), file=sys.stderr)
    return 0
