"""A conversation that is typed: a reply is a paragraph that grows, a prompt says whose turn it is, lines wait."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable
from typing import Protocol, TextIO

from huiyin.assistant.conversation import events as on
from huiyin.assistant.dialogue.history import join_clauses
from huiyin.assistant.faces.cli.captions import ASSISTANT, Captions, head, indented
from huiyin.assistant.faces.cli.terminal import columns
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.stop_words import is_only_stop
from huiyin.assistant.turns.transitions import State
from huiyin.configs.messages import said


class TypedCaptions(Captions):
    """As `Captions`, where the user types. All calls from any thread."""

    def __init__(self, out: TextIO | None = None, *, prompts: bool) -> None:
        """`prompts`: the user sits at a terminal, which shows what they type."""
        super().__init__(out)
        self._prompts = prompts
        self._lock = threading.RLock()
        self._reply = ""  # the paragraph that grows
        self._is_within_line = self._is_users_turn = False

    def notice(self, text: str) -> None:
        """A line of the program's own; what stood there goes on below it."""
        with self._lock:
            self._end_line()
            super().notice(text)
            self._prompt()

    def note_enter(self) -> None:
        """The user has pressed Enter: the terminal has begun a line."""
        with self._lock:
            self._is_within_line = False

    def note_turn(self, text: str, *, has_waited: bool) -> None:
        """What the user has typed is a turn now."""
        with self._lock:
            if not self._prompts:
                self._line(said("notices.you"), text)
            elif has_waited:
                self._prompt()
                self._write(text)
                self._end_line()
            self._is_users_turn = False

    def over(self) -> None:
        """As `Captions.over`: no more input is asked for."""
        with self._lock:
            self._end_line()
            self._is_users_turn = False

    def __call__(self, at_s: float, event: on.Public) -> None:
        with self._lock:
            super().__call__(at_s, event)
            if isinstance(event, on.FloorChanged) and event.after is State.LISTENING:
                self._reply = ""
                self._end_line()
                self._is_users_turn = True
                self._prompt()

    def prompt(self) -> None:
        """Show again that it is the user's turn, if it is."""
        with self._lock:
            self._prompt()

    def _prompt(self) -> None:
        if self._prompts and self._is_users_turn and not self._is_within_line:
            self._write(head(said("notices.you")))

    def _show_user(self, transcript: Transcript) -> None:
        """It stands there: `note_turn`, or the terminal, has shown it."""

    def _show_clause(self, text: str) -> None:
        whole = join_clauses([self._reply, text])
        more = whole[len(self._reply) :]
        if not self._is_within_line:
            begin = " " * columns(head(ASSISTANT)) if self._reply else head(ASSISTANT)
            more = begin + more.lstrip()
        self._reply = whole
        self._write(indented(more))

    def _line(self, who: str, text: str) -> None:
        self._end_line()
        super()._line(who, text)

    def _write(self, text: str) -> None:
        print(text, end="", file=self._out, flush=True)
        self._is_within_line = True

    def _end_line(self) -> None:
        if self._is_within_line:
            print(file=self._out, flush=True)
        self._is_within_line = False


class Talk(Protocol):
    """What is needed of a conversation: `conversation.loop.Conversation`."""

    quiet: threading.Event

    def type(self, text: str) -> None:
        """The user's turn."""

    def interrupt(self) -> None:
        """The assistant is silent."""

    def stop_when_quiet(self) -> None:
        """End after the reply."""


class TypedLines:
    """Lines of the user, a turn each. One that is typed during a reply waits for its end; Enter alone ends the reply,
    as do words that only order silence."""

    def __init__(self, talk: Talk, captions: TypedCaptions) -> None:
        self._talk, self._captions = talk, captions
        self._waiting: queue.SimpleQueue[tuple[str, bool] | None] = queue.SimpleQueue()

    def read(self, lines: Iterable[str], *, has_user: bool) -> None:
        """Take them as they come; the conversation ends after the last. `has_user`: they are typed now, by somebody."""
        sender = threading.Thread(target=self._send, name="typed", daemon=True)
        sender.start()
        for line in lines:
            text = line.strip()
            if has_user:
                self._captions.note_enter()
            must_wait = not self._talk.quiet.is_set()
            if text and has_user and must_wait and is_only_stop(text):
                self._talk.type(text)
            elif text:
                if has_user and must_wait:
                    self._captions.notice(said("notices.line_waits"))
                self._waiting.put((text, must_wait))
            elif has_user and must_wait:
                self._talk.interrupt()
            else:
                self._captions.prompt()
        self._waiting.put(None)
        sender.join()

    def _send(self) -> None:
        while line := self._waiting.get():
            text, has_waited = line
            self._talk.quiet.wait()
            self._captions.note_turn(text, has_waited=has_waited)
            self._talk.type(text)
        self._talk.stop_when_quiet()
