"""The user's turn so far: when it began, whether it pauses, and how long the pause must last to be its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from huiyin.assistant.turns.endpointing import Evidence, judge_words, wait_s
from huiyin.assistant.turns.policy import NEVER, TurnPolicy


@dataclass
class UserTurn:
    """Times in seconds."""

    start_s: float = 0.0
    interrupts: bool = False  # it cut the assistant short
    paused_s: float | None = None  # silent since
    known: Evidence = field(default_factory=Evidence)  # of this pause
    is_score_asked: bool = False
    speculations: int = 0  # replies prepared for it in a pause that might have been its end ...
    tries: int = 0  # ... and in all
    dipped_s: float | None = None  # it seems silent since

    def pause(self, end_s: float) -> None:
        """The user is silent since `end_s`."""
        self.paused_s = end_s

    def go_on(self) -> None:
        """The pause was not the end, or it is over."""
        self.paused_s = self.dipped_s = None
        self.is_score_asked, self.known = False, Evidence()

    def resume(self, policy: TurnPolicy) -> None:
        """The user speaks on after a pause. A reply prepared for words that go on was no wrong guess."""
        by_words = judge_words(policy.endpoint, self.known)
        if by_words and not by_words.is_complete and self.tries < policy.max_tries:
            self.speculations -= 1
        self.go_on()

    def endpoint_due_s(self, policy: TurnPolicy) -> float:
        """When this pause will have lasted long enough, as far as sound and words are known."""
        if self.paused_s is None or policy.talk_key:
            return NEVER  # with push-to-talk the key says when the turn ends
        return self.paused_s + wait_s(policy.endpoint, self.known)

    def prepare_due_s(self, policy: TurnPolicy) -> float:
        """When this pause is judged, and a reply prepared for what was said."""
        return NEVER if self.paused_s is None else self.paused_s + policy.speculate_s

    def too_long_due_s(self, policy: TurnPolicy) -> float:
        """When it is answered although the user still speaks."""
        return self.start_s + policy.max_turn_s if self.paused_s is None else NEVER

    def may_prepare(self, policy: TurnPolicy) -> bool:
        """Whether preparing a reply at this pause is worth its cost."""
        return self.paused_s is not None and self._may_try(policy, self.paused_s)

    def may_dip(self, policy: TurnPolicy, end_s: float) -> bool:
        """Whether a reply may be prepared although it is not sure that the user pauses since `end_s`."""
        return self.paused_s is None and self.tries < policy.max_tries and self._may_try(policy, end_s)

    def _may_try(self, policy: TurnPolicy, end_s: float) -> bool:
        is_cheap = policy.speculate_s > 0 and end_s - self.start_s <= policy.speculate_max_turn_s
        return is_cheap and self.speculations < policy.max_speculations

    def due(self, policy: TurnPolicy) -> Iterator[float]:
        """When time alone may bring something about."""
        yield self.endpoint_due_s(policy)
        yield self.prepare_due_s(policy)
        yield self.too_long_due_s(policy)
