"""Speech that began while the assistant spoke: the user's turn, or nothing that should stop it?

A trigger alone never kills a reply: it pauses it, and nothing is lost by listening on in silence. What the speech is
shows in how long it goes on and in its words: a cough has none, a listener's "mm-hmm" takes no turn, and an echo says
what the assistant just said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from huiyin.assistant.turns.actions import Transcribe
from huiyin.assistant.turns.backchannel import is_backchannel
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.own_echo import is_own_echo
from huiyin.assistant.turns.policy import NEVER, TurnPolicy
from huiyin.assistant.turns.stop_words import orders_silence


class Verdict(Enum):
    """What an interruption is."""

    OPEN = "not yet known"
    FALSE = "the assistant goes on"
    TRUE = "the user has the floor"


@dataclass
class Interruption:
    """Times in seconds. `saying` are the assistant's words when it began."""

    onset_s: float
    saying: str
    since_s: float  # this stretch of it began
    earlier_s: float = 0.0  # speech in the stretches before
    ended_s: float | None = None  # silent since
    generation: int = 0  # of the newest transcription asked for, 0: none
    covers_s: float = 0.0  # up to where
    transcript: Transcript | None = None  # its answer

    def ended(self, end_s: float) -> None:
        """The user paused."""
        self.ended_s = end_s
        self.earlier_s += end_s - self.since_s

    def goes_on(self, onset_s: float) -> None:
        """The user speaks again."""
        self.ended_s, self.since_s = None, onset_s
        self.generation, self.transcript = 0, None

    def ask(self, generation: int, now_s: float) -> Transcribe:
        """Ask for its words so far."""
        self.generation, self.transcript = generation, None
        self.covers_s = now_s if self.ended_s is None else self.ended_s
        return Transcribe(generation, self.onset_s, self.covers_s)

    @property
    def is_understood(self) -> bool:
        """Whether all of it is transcribed."""
        return self.transcript is not None and self.ended_s is not None and self.covers_s >= self.ended_s

    def pause_due_s(self, policy: TurnPolicy) -> float:
        """When the assistant should fall silent."""
        return NEVER if self.ended_s is not None else self.since_s + policy.barge_in_s

    def ask_due_s(self, policy: TurnPolicy) -> float:
        """When its words should be asked for (again)."""
        if self.ended_s is None:
            return NEVER if self.generation else self._after(policy.ask_early_s)
        return NEVER if self.generation and self.covers_s >= self.ended_s else self.ended_s + policy.speculate_s

    def due_s(self, policy: TurnPolicy) -> Iterator[float]:
        """When time alone may bring something about."""
        yield self.pause_due_s(policy)
        yield self.ask_due_s(policy)
        if self.ended_s is None:
            yield self._after(policy.confirm_s)
            yield self._doubt_due_s(policy)
        else:
            yield self.ended_s + policy.resume_s

    def verdict(self, policy: TurnPolicy, now_s: float) -> Verdict:
        """What it is, as far as can be told at `now_s`."""
        text = self.transcript.text if self.transcript else None
        has_words = bool(text and text.strip() and not is_own_echo(text, self.saying))
        listening = bool(text and is_backchannel(text))
        if self.ended_s is None:
            # Compared as the same sums that `due_s` gives: a rounded difference could miss its own wake-up.
            if now_s >= self._doubt_due_s(policy) or (has_words and text and orders_silence(text)):
                return Verdict.TRUE
            confirmed = has_words and not listening and now_s >= self._after(policy.confirm_s)
            return Verdict.TRUE if confirmed else Verdict.OPEN
        if self.is_understood:
            short = self.earlier_s < policy.doubt_s
            return Verdict.TRUE if has_words and not (listening and short) else Verdict.FALSE
        return Verdict.FALSE if now_s >= self.ended_s + policy.resume_s else Verdict.OPEN

    def _doubt_due_s(self, policy: TurnPolicy) -> float:
        return self._after(policy.doubt_s) + policy.pause_lag_s

    def _after(self, spoken_s: float) -> float:
        """When it will have gone on for so long."""
        return self.since_s + max(0.0, spoken_s - self.earlier_s)
