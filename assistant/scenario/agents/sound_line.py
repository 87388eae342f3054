"""A line to an agent of which only its sound is known: what happens is told from when it is silent and when not.

A reply is what the agent says until it has been silent for `REST_S`. Then it has ended; or, where the people have begun
to speak before it fell silent, it was stopped. After something that wants no answer (a listening word, a noise, talk to
somebody else) it may go on: within `RESUMES_S` that is the same reply.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.trace import AUDIBLE
from huiyin.assistant.dialogue.items import Turn
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.agents.line import Tell
from huiyin.assistant.scenario.hearing import ScriptedUtterance
from huiyin.assistant.scenario.metrics import ATTRIBUTED_S
from huiyin.assistant.scenario.script import Depth, Step
from huiyin.assistant.scenario.visible import BY_SOUND
from huiyin.assistant.turns.transitions import State

REST_S = 0.7
"""Silence that ends a reply: voices pause for up to half a second between sentences."""
RESUMES_S = 2.0
"""Silence after which a reply goes on: agents wait up to 2 s for words behind what stopped them."""
_PATIENCE_S = 6.0  # for an answer; who has none by then has not taken the turn
_ASIDE_PATIENCE_S = 3.0  # for an answer to what wants none
_MARGIN_S = 0.1  # around a reply, for the recogniser
_NEVER = float("inf")
_AHEAD = 2 * BLOCK  # samples there must be before a sound begins: a packet may be late

Recognise = Callable[[Pcm16], str]
"""Sound (int16, 16 kHz) to words. Blocks."""


@dataclass
class SpokenReply:
    """What the agent said in one go, in seconds on the client's clock."""

    number: int  # from 1
    start_s: float
    end_s: float
    was_stopped: bool = False


class SoundLine:
    """A `Line`. Its link calls `receive`, and `interrupt` where the agent says that it was interrupted."""

    depth: Depth = "agent"
    greeting_s = 1.5

    def __init__(self, send: Callable[[Pcm16], None], recognise: Recognise | None = None) -> None:
        """`send` gets the microphone, 20 ms at a time, int16 at 16 kHz. Without `recognise` the words are unknown."""
        self.sight = BY_SOUND if recognise else replace(BY_SOUND, texts=frozenset())
        self.problems: list[str] = []
        self.replies: list[SpokenReply] = []
        self._send, self._recognise = send, recognise
        self._queue: Pcm16 = np.zeros(0, np.int16)
        self._is_playing = False
        self._reply: SpokenReply | None = None  # that has the floor
        self._is_paused = False
        self._state = State.LISTENING
        self._at_s = 0.0  # of the last block
        self._told: list[tuple[float, str]] = []  # words that the agent said it says, with the time
        self._answer_until_s = 0.0  # an answer is waited for

    def attach(self, tell: Tell, utterances: Sequence[ScriptedUtterance]) -> None:
        """As `Line.attach`."""
        self._tell, self._utterances = tell, utterances

    def receive(self, sound: Pcm16) -> None:
        """More of the agent's sound, int16 at 16 kHz, to be played behind what has come."""
        self._queue = np.concatenate([self._queue, sound])

    def interrupt(self) -> None:
        """What was not played yet will not be."""
        cut_off = len(self._queue) > 0
        self._queue, self._is_playing = self._queue[:0], False
        if self._reply:
            number, is_cut = self._reply.number, cut_off or self._at_s - self._reply.end_s < _AHEAD / SAMPLE_RATE
            self._over(on.ReplyStopped(number) if is_cut else on.ReplyEnded(number))

    def told(self, words: str) -> None:
        """The agent tells words of what it says now: they need not be recognised."""
        self.sight = BY_SOUND
        self._told.append((self._at_s, words))

    def hear(self, mic: Pcm16) -> None:
        """As `Line.hear`."""
        self._send(mic)

    def play(self, at_s: float) -> Pcm16:
        """As `Line.play`."""
        block = self._taken()
        audible = np.flatnonzero(np.abs(block.astype(np.int32)) > AUDIBLE)
        if len(audible):
            self._sounds(at_s + audible[0] / SAMPLE_RATE, at_s + audible[-1] / SAMPLE_RATE)
        elif self._reply:
            self._rests(self._reply, at_s)
        self._wait_for_answers(at_s)
        self._at_s = at_s
        waiting = State.THINKING if at_s < self._answer_until_s else State.LISTENING
        before, self._state = self._state, State.SPEAKING if self._reply else waiting
        if self._state is not before:
            self._tell(on.FloorChanged(before=before, after=self._state))
        return block

    def types(self, step: Step) -> None:
        """Nothing: `needs.lacking` refuses such a script."""

    def key(self, down: bool) -> None:
        """As `types`."""

    def committed(self, recording: Pcm16) -> list[tuple[float, Turn]]:
        """As `Line.committed`: the words of each reply, with what people said before it."""
        turns = []
        said_until_s = -1.0
        for reply, until_s in zip(self.replies, [*(reply.start_s for reply in self.replies[1:]), _NEVER], strict=False):
            users = [u.step.text for u in self._utterances if said_until_s < u.start_s <= reply.start_s]
            said_until_s = reply.start_s
            heard = self._words(reply, until_s, recording)
            turns.append((reply.end_s, Turn("\n".join(filter(None, users)), heard, reply.was_stopped)))
        return turns if self.sight.texts else []

    def _words(self, reply: SpokenReply, until_s: float, recording: Pcm16) -> str:
        """What the agent told, or else a recogniser heard, of a reply."""
        if told := [words for at_s, words in self._told if reply.start_s - _MARGIN_S <= at_s < until_s - _MARGIN_S]:
            return "".join(told)
        if self._recognise is None:
            return ""
        first, last = (round(at_s * SAMPLE_RATE) for at_s in (reply.start_s - _MARGIN_S, reply.end_s + _MARGIN_S))
        return self._recognise(recording[1, max(0, first) : last])

    def _taken(self) -> Pcm16:
        """The next block: silence where there is too little."""
        block = np.zeros(BLOCK, np.int16)
        if self._is_playing or len(self._queue) >= _AHEAD:
            sound, self._queue = self._queue[:BLOCK], self._queue[BLOCK:]
            block[: len(sound)] = sound
            self._is_playing = len(sound) == BLOCK
        return block

    def _sounds(self, first_s: float, last_s: float) -> None:
        if self._reply is None:
            self._reply = SpokenReply(len(self.replies) + 1, first_s, last_s)
            self.replies.append(self._reply)
            self._tell(on.ReplyStarted(self._reply.number), first_s)
            self._tell(on.ClauseStarted(self._reply.number, clause=0), first_s)
            self._answer_until_s = 0.0
        elif self._is_paused:
            self._is_paused = False
            self._tell(on.ReplyResumed(self._reply.number), first_s)
        self._reply.end_s = last_s

    def _rests(self, reply: SpokenReply, at_s: float) -> None:
        """The agent has the floor, and says nothing now."""
        silent_s = at_s - reply.end_s
        if silent_s < REST_S:
            return
        cause = self._cause(reply)
        if cause is None:
            self._over(on.ReplyEnded(reply.number))
        elif cause.step.takes_floor:
            self._over(on.ReplyStopped(reply.number))
        elif not self._is_paused:
            self._is_paused = True
            self._tell(on.ReplyPaused(reply.number), reply.end_s)
        elif silent_s >= RESUMES_S:
            self._over(on.ReplyStopped(reply.number))

    def _cause(self, reply: SpokenReply) -> ScriptedUtterance | None:
        """What began, or went on after a pause, while a reply sounded, shortly before it fell silent: a turn first."""
        causes = [
            utterance
            for utterance in self._utterances
            if reply.end_s <= utterance.end_s + ATTRIBUTED_S
            and any(reply.start_s < start_s <= reply.end_s for start_s, _ in utterance.spans)
        ]
        return next((cause for cause in causes if cause.step.takes_floor), causes[-1] if causes else None)

    def _over(self, event: on.ReplyStopped | on.ReplyEnded) -> None:
        assert self._reply is not None
        reply, self._reply, self._is_paused = self._reply, None, False
        reply.was_stopped = isinstance(event, on.ReplyStopped)
        if reply.was_stopped and (cause := self._cause(reply)):
            self._await_answer(cause)
        self._tell(event, reply.end_s)

    def _wait_for_answers(self, at_s: float) -> None:
        """To what has been said by now, unless an answer has begun before its end."""
        for utterance in self._utterances:
            began_before = self._reply is not None and self._reply.start_s > utterance.start_s
            if self._at_s < utterance.end_s <= at_s and not began_before:
                self._await_answer(utterance)

    def _await_answer(self, to: ScriptedUtterance) -> None:
        patience_s = _PATIENCE_S if to.step.means == "turn" else _ASIDE_PATIENCE_S
        self._answer_until_s = max(self._answer_until_s, to.end_s + patience_s)
