"""``huiyin ask``: one question to the language model.

One question to the language model; the answer appears as it is written. The language-model service is started when it
does not run. No memory is kept between questions: `huiyin talk --text` is a conversation.

  huiyin ask "What is the capital of France?"
  huiyin ask --system "You are a pirate." "Tell me about the weather."
  huiyin ask - < letter.txt
  huiyin ask "你好" --set llm.upstreams=http://127.0.0.1:11434/v1 --model qwen3:8b
"""

from __future__ import annotations

import argparse

from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.faces.cli.shared import CommandError, text_from
from huiyin.configs.settings import Settings

_TIMEOUT_S = 120.0  # a large model may think, and read a long text first


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of ``ask``."""
    parser.add_argument("text", nargs="+", metavar="TEXT", help="the question; - reads standard input")
    parser.add_argument("--system", metavar="TEXT", help="who the model should be, how it should answer")
    parser.add_argument("--model", default="", metavar="NAME", help="a model of the service (default: its own)")


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
        last = ""
        try:
            for piece in answer:
                print(piece, end="", flush=True)
                last = piece
        finally:  # also when the answer breaks off: the next line begins at the left
            if last and not last.endswith("\n"):
                print(flush=True)
    if not last:
        raise CommandError("cli.empty_answer")
    return 0
