"""The user's turn so far: when it began, whether it pauses, and how long the pause must last to be its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from assistant.turns.endpointing import Evidence, wait_s
from assistant.turns.policy import NEVER, TurnPolicy


@dataclass
class UserTurn:
    """Times in seconds."""

    start_s: float = 0.0
    interrupts: bool = False  # it cut the assistant short
    paused_s: float | None = None  # silent since
    known: Evidence = field(default_factory=Evidence)  # of this pause
    is_score_asked: bool = False
    speculations: int = 0  # replies prepared for it in a pause ...
    dips: int = 0  # ... and in what might have become one
    dipped_s: float | None = None  # it seems silent since

    def pause(self, end_s: float) -> None:
        """The user is silent since `end_s`."""
        self.paused_s = end_s

    def go_on(self) -> None:
        """The pause was not the end, or it is over."""
        self.paused_s = self.dipped_s = None
        self.is_score_asked, self.known = False, Evidence()

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
        few = self.speculations < policy.max_speculations
        return self.paused_s is not None and few and self._is_cheap(policy, self.paused_s)

    def may_dip(self, policy: TurnPolicy, end_s: float) -> bool:
        """Whether a reply may be prepared although it is not sure that the user pauses since `end_s`."""
        few = self.speculations < policy.max_speculations and self.dips < policy.max_dips
        return self.paused_s is None and few and self._is_cheap(policy, end_s)

    def _is_cheap(self, policy: TurnPolicy, end_s: float) -> bool:
        return policy.speculate_s > 0 and end_s - self.start_s <= policy.speculate_max_turn_s

    def due(self, policy: TurnPolicy) -> Iterator[float]:
        """When time alone may bring something about."""
        yield self.endpoint_due_s(policy)
        yield self.prepare_due_s(policy)
        yield self.too_long_due_s(policy)
