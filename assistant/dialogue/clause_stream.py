"""The text of one reply on its way to the voice: in comes what the model writes, out come numbered clauses."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from huiyin.assistant.dialogue.clause_marks import up_to_last_stop
from huiyin.assistant.dialogue.clauses import ClauseSplitter

Check = Callable[[str], Sequence[str]]


class LimitReached(str):
    """The last piece of a reply that ended at its limit of tokens: what was begun there is left unfinished."""


class ClauseStream:
    """Not thread-safe. `say(number, clause)` is called for each clause, in order, numbered from 0."""

    def __init__(self, say: Callable[[int, str], None], check: Check | None = None) -> None:
        """`check`: a clause as written -> the clauses to be said in its place; None: all are said as written."""
        self._say, self._splitter, self._count = say, ClauseSplitter(), 0
        self._is_cut = False  # at the limit of tokens
        self._last = ""  # clause that was given
        self._check = check or (lambda clause: [clause])

    def feed(self, piece: str) -> None:
        """More of the text: one or more tokens of the model's."""
        self._is_cut = self._is_cut or isinstance(piece, LimitReached)
        self._give(self._splitter.feed(piece) + self._splitter.end_token())

    def hurry(self) -> None:
        """The voice will soon have nothing to say, or no more text will come: give what is whole."""
        self._give(self._splitter.hurry())

    def finish(self) -> None:
        """That was all of it. A sentence that the limit of tokens has cut is left out, unless it has been begun."""
        clauses = self._splitter.finish()
        if self._is_cut and clauses:
            *whole, last = clauses
            before = whole[-1] if whole else self._last
            last = up_to_last_stop(last).rstrip() or ("" if before and before == up_to_last_stop(before) else last)
            clauses = [*whole, last] if last else whole
        self._give(clauses)

    def _give(self, clauses: Sequence[str]) -> None:
        self._last = clauses[-1] if clauses else self._last
        for clause in (checked for written in clauses for checked in self._check(written)):
            self._say(self._count, clause)
            self._count += 1
