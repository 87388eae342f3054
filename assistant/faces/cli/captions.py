"""A conversation as lines on the screen, while it goes on."""

from __future__ import annotations

import sys
from typing import TextIO

from huiyin.assistant.conversation.performer import Notice, TurnCommitted
from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev


class Captions:
    """An observer of a conversation. A user's line appears when their turn is over, a clause when it may be heard."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._transcripts: dict[int, ev.Transcript] = {}  # generation -> what the user said
        self._clauses: dict[int, list[str]] = {}  # generation -> the reply, until it is played
        self._playing = 0  # generation

    def notice(self, text: str) -> None:
        """A line of the program's own."""
        print(f"· {text}", file=self._out, flush=True)

    def __call__(self, at_s: float, what: object) -> None:
        match what:
            case ev.Transcribed(generation=generation, transcript=transcript):
                self._transcripts[generation] = transcript
            case do.Synthesise(generation=generation, text=text):
                if generation == self._playing:
                    self._line("huiyin", text)
                else:
                    self._clauses.setdefault(generation, []).append(text)
            case do.Play(generation=generation):
                self._playing = generation
                if generation in self._transcripts:
                    self._line("you", self._transcripts[generation].text)
                for text in self._clauses.get(generation, []):
                    self._line("huiyin", text)
                self._transcripts.clear()
                self._clauses.clear()
            case TurnCommitted(turn=turn) if turn.interrupted:
                self._line("huiyin", f"— (heard: {turn.heard or 'nothing'})")
            case Notice(text=text):
                self.notice(text)

    def _line(self, who: str, text: str) -> None:
        print(f"{who:>6}: {text}", file=self._out, flush=True)
