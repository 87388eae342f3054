"""What earlier turns say about the words of the next: they may be an echo, and lack marks because all do."""

from __future__ import annotations

from dataclasses import dataclass, field

from huiyin.assistant.turns.events import NEVER
from huiyin.assistant.turns.own_echo import Audible, is_own_echo
from huiyin.assistant.turns.stop_words import is_only_stop
from huiyin.assistant.turns.text_judge import has_marks
from huiyin.assistant.turns.user_turn import UserTurn
from huiyin.configs.settings import TurnsSettings


@dataclass
class Earlier:
    """What is known of the turns before this one. Times in seconds."""

    last_words: str = ""  # of the last reply
    said: Audible = field(default_factory=Audible)  # of it, at its end
    echo_until_s: float = -NEVER  # till then its echo may be heard
    unmarked_turns: int = 0  # in a row, in which the recogniser set no mark

    def note_recognised(self, text: str) -> None:
        """These words of the recogniser were a turn."""
        self.unmarked_turns = 0 if has_marks(text) else self.unmarked_turns + 1

    def note_played(self, words: str, said: Audible, until_s: float, policy: TurnsSettings) -> None:
        """The last clauses of a reply, and what was heard of them until then."""
        self.last_words, self.said, self.echo_until_s = words, said, until_s + policy.echo_tail_s

    def may_be_echo(self, start_s: float, end_s: float) -> bool:
        """Whether speech between these times may be an echo of the last reply: that begins and ends in time."""
        return start_s <= self.echo_until_s and end_s <= self.echo_until_s

    def stops_are_set(self, text: str, policy: TurnsSettings) -> bool:
        """Whether the recogniser that transcribed `text` ends sentences with a mark."""
        return has_marks(text) or self.unmarked_turns < policy.unmarked_turns

    def needs_answer(self, text: str, turn: UserTurn) -> bool:
        """Not silence, nor an echo of the last reply, nor merely the order that stopped it."""
        if not text.strip() or (turn.interrupts and is_only_stop(text)):
            return False
        if turn.start_s > self.echo_until_s or turn.echo is False:
            return True
        if turn.echo is None and (turn.interrupts or not self.may_be_echo(turn.start_s, turn.silent_since_s)):
            return True  # what stopped the reply by its words or length is the user's, unless its sound says otherwise
        return not is_own_echo(text, self.said, turn.echo, finished=not turn.interrupts)
