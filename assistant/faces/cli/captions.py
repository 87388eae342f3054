"""A conversation as lines on the screen, while it goes on."""

from __future__ import annotations

import sys
from typing import TextIO

from huiyin.assistant.conversation import events as on
from huiyin.assistant.faces.cli.terminal import columns, padded
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.opener import OPENER
from huiyin.configs.messages import colon, said

ASSISTANT = "huiyin"


def head(who: str) -> str:
    """What stands before somebody's words."""
    return padded(who, -len(ASSISTANT)) + colon()


def indented(text: str) -> str:
    """`text` with all lines but the first below somebody's words, not below their name."""
    return text.replace("\n", "\n" + " " * columns(head(ASSISTANT)))


class Captions:
    """An observer of a conversation. A user's line appears when their turn is over, a clause when it may be heard."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._said: dict[int, Transcript] = {}  # generation -> what the user said
        self._clauses: dict[int, list[str]] = {}  # generation -> the reply, until it is played
        self._playing = 0  # generation

    def notice(self, text: str) -> None:
        """A line of the program's own."""
        print(f"· {text}", file=self._out, flush=True)

    def over(self) -> None:
        """The conversation is over."""

    def __call__(self, at_s: float, event: on.Public) -> None:
        match event:
            case on.Recognised(generation=generation, transcript=transcript):
                self._said[generation] = transcript
            case on.ClauseWritten(generation=generation, clause=clause, text=text) if clause == OPENER:
                self._clauses.setdefault(generation, []).insert(0, text)
            case on.SpeechAsked(generation=generation, text=text):
                if generation == self._playing:
                    self._show_clause(text)
                else:
                    self._clauses.setdefault(generation, []).append(text)
            case on.ReplyStarted(generation=generation):
                self._playing = generation
                if generation in self._said:
                    self._show_user(self._said[generation])
                for text in self._clauses.get(generation, []):
                    self._show_clause(text)
                self._said.clear()
                self._clauses.clear()
            case on.TurnCommitted(turn=turn) if turn.interrupted:
                self._line(ASSISTANT, "— " + said("notices.heard", words=turn.heard or said("notices.nothing")))
            case on.Notice(text=text):
                self.notice(text)

    def _show_user(self, transcript: Transcript) -> None:
        self._line(said("notices.other_voice" if transcript.other_voice else "notices.you"), transcript.text)

    def _show_clause(self, text: str) -> None:
        self._line(ASSISTANT, text)

    def _line(self, who: str, text: str) -> None:
        print(f"{head(who)}{' '.join(text.split())}", file=self._out, flush=True)
