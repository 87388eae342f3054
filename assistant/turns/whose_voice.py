"""Whose voice speaks over a reply, where one is enrolled: another's does not stop it.

The reply is paused all the same, as a voice is known only after some tenths of a second. While it is awaited the speech
does not take the floor; nothing of that is heard, as the reply is silent. Of a voice that is another's what follows is
judged again and again: the user may join in, or may not have sounded like themselves at first. Speech that is over
sooner is judged at its end; its words are awaited all the same, as an order for silence counts whoever gives it. The
less sound there is the less it tells, and the less like the user it must be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from huiyin.assistant.turns.events import NEVER
from huiyin.configs.settings import TurnsSettings

FULL_S = 1.5
"""Of speech; more tells little more."""


def least_likeness(policy: TurnsSettings, length_s: float) -> float:
    """So like the enrolled voice that one must be of which there is so much."""
    least_s = policy.voice_least_s
    share = (length_s - least_s) / max(FULL_S - least_s, 0.1)
    return policy.short_likeness + min(max(share, 0.0), 1.0) * (policy.least_likeness - policy.short_likeness)


@dataclass(frozen=True)
class WhoseVoice:
    """What is known of it. `from_s` and `until_s`: the sound that was last judged, or is being judged."""

    from_s: float = 0.0
    until_s: float = 0.0  # 0: none yet
    asked_s: float = NEVER  # when that was asked for; NEVER: nothing is awaited
    is_short: bool = False  # that sound was all there was, and less than is judged of speech that goes on
    is_others: bool | None = None  # None: not known

    def due_s(self, policy: TurnsSettings, spoken_due_s: float) -> float:
        """When speech that goes on is to be judged (again). `spoken_due_s`: when it will have lasted `voice_s`."""
        if self.asked_s < NEVER or self.is_others is False:
            return NEVER
        return self.until_s + policy.voice_s if self.until_s else spoken_due_s

    def due_at_pause_s(self, policy: TurnsSettings, paused_s: float, spoken_s: float) -> float:
        """Likewise of speech that ended at `paused_s`, and of which there were `spoken_s`."""
        is_open = self.asked_s == NEVER and not self.until_s
        return paused_s if is_open and spoken_s >= policy.voice_least_s else NEVER

    def asked(self, from_s: float, until_s: float, now_s: float, *, is_short: bool) -> WhoseVoice:
        """It is being judged from here to there."""
        return replace(self, from_s=from_s, until_s=until_s, asked_s=now_s, is_short=is_short)

    def scored(self, likeness: float | None, policy: TurnsSettings) -> WhoseVoice:
        """The judgement is there. What cannot be told does not change what is known."""
        least = least_likeness(policy, self.until_s - self.from_s)
        is_others = self.is_others if likeness is None else likeness < least
        return replace(self, asked_s=NEVER, is_others=is_others)

    def is_awaited(self, policy: TurnsSettings, now_s: float, due_s: float) -> bool:
        """Whether it will soon be known for the first time. `due_s`: when it is to be judged."""
        if self.is_others is not None:
            return False
        return now_s < self.limit_s(policy) if self.asked_s < NEVER else not self.until_s and due_s < NEVER

    def limit_s(self, policy: TurnsSettings) -> float:
        """When it is no longer awaited; NEVER where it is not."""
        return self.asked_s + policy.voice_wait_s
