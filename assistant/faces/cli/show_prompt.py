"""The prompts that the model is sent, on the screen: ``huiyin talk --show-prompt``."""

from __future__ import annotations

import sys
from typing import TextIO

from huiyin.assistant.conversation.events import ModelAsked, Public, TurnsForgotten
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.tokens import message_tokens
from huiyin.configs.messages import said


class PromptPrinter:
    """An observer of a conversation. The messages that the last prompt began with, too, are counted, not shown again:
    a prompt cache keeps them."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._last: list[Message] = []

    def __call__(self, at_s: float, event: Public) -> None:
        match event:
            case ModelAsked(generation=generation, messages=messages, style=style):
                self._show(generation, messages, style)
            case TurnsForgotten(turns=turns, summary=summary):
                key = "shown.forgotten_with" if summary else "shown.forgotten"
                self._line(said(key, turns=turns, summary=summary))

    def _show(self, generation: int, messages: list[Message], style: str) -> None:
        same = 0
        for new, old in zip(messages, self._last, strict=False):
            if new != old:
                break
            same += 1
        tokens = sum(message_tokens(message["content"]) for message in messages)
        key, count = "shown.prompt_again" if same else "shown.prompt", len(messages)
        self._line(said(key, number=generation, count=count, tokens=tokens, same=same, style=style))
        for message in messages[same:]:
            role: str = message["role"]
            for line in message["content"].split("\n"):
                self._line(f"{role:>9}  {line}")
                role = ""
        self._last = messages

    def _line(self, text: str) -> None:
        print("\n".join(f"| {line}" for line in text.split("\n")), file=self._out, flush=True)
