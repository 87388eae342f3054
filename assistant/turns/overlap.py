"""What the user says during a reply that speech does not stop (`barge_in` ignore): turns that wait for the floor.

Such a turn is over after the pause that ends one where nothing is known of its sound and words; it is transcribed at
once, and answered when the floor is free.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.reply import Reply
from huiyin.assistant.turns.user_turn import UserTurn
from huiyin.configs.settings import TurnsSettings


@dataclass
class LaterTurn:
    """A turn that is over. `result`: its transcript or a failure; None while it is awaited."""

    turn: UserTurn
    reply: Reply
    result: ev.Transcribed | ev.StageFailed | None = None


class Overlap:
    """The user's turns during a reply: `waiting`, in order, and the one that is being spoken."""

    def __init__(self) -> None:
        self.spoken: UserTurn | None = None
        self.waiting: deque[LaterTurn] = deque()

    @property
    def is_busy(self) -> bool:
        """Whether a turn waits or is being spoken."""
        return bool(self.spoken or self.waiting)

    def start(self, start_s: float, policy: TurnsSettings) -> None:
        """The user speaks: a turn begins, or goes on after a pause."""
        if self.spoken is None:
            self.spoken = UserTurn(start_s)
        else:
            self.spoken.resume(policy)

    def pause(self, end_s: float, policy: TurnsSettings) -> None:
        """The user is silent since `end_s`."""
        if self.spoken:
            self.spoken.pause(end_s, policy)

    def due_s(self, policy: TurnsSettings) -> float:
        """When the turn that is being spoken will be over."""
        turn = self.spoken
        return min(turn.endpoint_due_s(policy), turn.too_long_due_s(policy)) if turn else ev.NEVER

    def end(self, reply: Reply, act: Callable[[do.Action], None], now_s: float) -> None:
        """The turn that is being spoken is over: have it transcribed for `reply`."""
        if turn := self.spoken:
            end_s = turn.end_s(now_s)
            reply.transcribe(turn.start_s, end_s, now_s)
            act(do.EndTurn(reply.generation, turn.start_s, end_s))
            self.spoken = None
            self.waiting.append(LaterTurn(turn, reply))

    def take_result(self, event: ev.Transcribed | ev.StageFailed) -> None:
        """What came of a transcription."""
        for later in self.waiting:
            if later.reply.generation == event.generation and later.result is None:
                later.result = event
