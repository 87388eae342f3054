"""The user's turn so far: when it began, whether it pauses, and how long the pause must last to be its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from huiyin.assistant.turns.dictation import Progress, is_asked_for, progress
from huiyin.assistant.turns.endpointing import Evidence, judge_together, wait_s
from huiyin.assistant.turns.events import NEVER
from huiyin.assistant.turns.own_echo import known_of_both
from huiyin.configs.settings import TurnsSettings


@dataclass
class UserTurn:
    """Times in seconds."""

    start_s: float = 0.0
    spoken: bool = True  # False: typed; or none, as the assistant speaks unasked
    interrupts: bool = False  # it stopped the assistant
    echo: bool | None = None  # whether it is the assistant's own voice, by its sound; None: not known
    paused_s: float | None = None  # silent since
    dropped_s: float | None = None  # since the energy dropped and a reply is prepared; no pause is known yet
    evidence: Evidence = field(default_factory=Evidence)  # of this pause
    last_words: str = ""  # the assistant's before it
    is_score_asked: bool = False
    speculations: int = 0  # replies prepared in pauses that might have been the end
    tries: int = 0  # replies prepared in all

    def clear_pause(self) -> None:
        """The pause is over, or was none: what was learnt of it says nothing of the next."""
        self.paused_s = None
        self.dropped_s = None
        self.is_score_asked = False
        self.evidence = Evidence(dictation=Progress.OPEN if self._dictation_goes_on else None)

    def hear_question(self, last_words: str) -> None:
        """The assistant said this before it: until the user's words are known, they are what it asks for."""
        self.last_words = last_words
        if is_asked_for(last_words):
            self.evidence.dictation = Progress.OPEN

    def take_words(self, text: str, *, stops_are_set: bool) -> None:
        """The turn up to this pause has these words. `stops_are_set`: the recogniser ends sentences with a mark."""
        self.evidence.text = text
        self.evidence.stops_are_set = stops_are_set
        self.evidence.dictation = progress(text, self.last_words)

    @property
    def silent_since_s(self) -> float:
        """When its sound ended, by what is known; `-NEVER` while the user speaks."""
        since_s = self.dropped_s if self.paused_s is None else self.paused_s
        return -NEVER if since_s is None else since_s

    def end_s(self, now_s: float) -> float:
        """Where its sound ends, if it is over now."""
        return now_s if self.paused_s is None else self.paused_s

    def pause(self, end_s: float, policy: TurnsSettings, echo: bool | None = None) -> bool:
        """The user is silent since `end_s`. Whether a reply prepared at the energy drop is one to all they said."""
        self.echo = known_of_both(self.echo, echo)
        if fits := self.dropped_s is None or end_s - self.dropped_s <= policy.drop_reach_s:
            if self.dropped_s is not None:
                self.speculations += 1
                end_s = min(end_s, self.dropped_s)  # voice activity tells the end to some 60 ms, the level to 10
            self.dropped_s = None
        else:
            self.clear_pause()
        self.paused_s = end_s
        return fits

    def resume(self, policy: TurnsSettings) -> None:
        """The user speaks on after a pause. A reply prepared where the words went on is not a speculation."""
        judgement = judge_together(policy, self.evidence)
        was_expected = bool(judgement and not judgement.is_complete) or (self._dictation_goes_on and self.evidence.text)
        if was_expected and self.tries < policy.max_tries:
            self.speculations -= 1
        self.clear_pause()

    def endpoint_due_s(self, policy: TurnsSettings) -> float:
        """When this pause will have lasted long enough, by the evidence so far."""
        if self.paused_s is None or policy.talk_key:
            return NEVER  # with push-to-talk the key says when the turn ends
        return self.paused_s + wait_s(policy, self.evidence)

    def prepare_due_s(self, policy: TurnsSettings) -> float:
        """When this pause is judged and a reply prepared."""
        return NEVER if self.paused_s is None else self.paused_s + policy.speculate_s

    def too_long_due_s(self, policy: TurnsSettings) -> float:
        """When it is answered although the user still speaks."""
        is_endless = self.paused_s is None or policy.talk_key  # no length of a pause will end it
        return self.start_s + policy.max_turn_s if is_endless else NEVER

    def due_s(self, policy: TurnsSettings) -> Iterator[float]:
        """When time alone may bring something about."""
        yield self.endpoint_due_s(policy)
        yield self.prepare_due_s(policy)
        yield self.too_long_due_s(policy)

    def may_prepare(self, policy: TurnsSettings) -> bool:
        """Whether preparing a reply in this pause is worth its cost."""
        return self.paused_s is not None and self._is_worth_a_try(policy, self.paused_s)

    def may_prepare_early(self, policy: TurnsSettings, end_s: float) -> bool:
        """Whether preparing a reply is worth its cost when the energy dropped at `end_s` and no pause is known yet."""
        return self.paused_s is None and self.tries < policy.max_tries and self._is_worth_a_try(policy, end_s)

    def _is_worth_a_try(self, policy: TurnsSettings, end_s: float) -> bool:
        is_short = 0 < end_s - self.start_s <= policy.speculate_max_turn_s
        return policy.speculate_s > 0 and is_short and self.speculations < policy.max_speculations

    @property
    def _dictation_goes_on(self) -> bool:
        return self.evidence.dictation in (Progress.PART, Progress.OPEN)
