"""Sleep: speech is nothing to the conversation until it begins with the wake phrase.

Asleep, each stretch of speech is looked at once, when there is enough of it for the phrase, and thrown away: nothing is
kept, shown or sent on. Where the phrase is there the stretch becomes the user's turn from its beginning, so that what
follows the phrase is not cut; the phrase itself is taken out of its words. Where these have something else in its
place, as in noise, the turn is recognised once more from the phrase's end.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

import numpy as np

from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.phrase_listener import PHRASE_END_S
from huiyin.assistant.conversation.session import Ear, Session
from huiyin.assistant.conversation.stages import Recogniser, TurnSoFar
from huiyin.assistant.conversation.world import Answer, Computation, Plan, Run, Source, World, mapped
from huiyin.assistant.dialogue.wake_phrase import WakePhrase
from huiyin.assistant.ears.listener import PRE_ROLL_S, SpeechChange
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.good_night import is_good_night
from huiyin.assistant.turns.machine import State
from huiyin.configs.messages import said

PHRASE_S = 1.7  # of speech that a phrase of four or five syllables lies in, said slowly (measured: 0.7-1.3 s)
LEAST_S = 0.35  # shorter speech is no phrase
_MARGIN_S = 0.05  # before the first word behind the phrase
APART_S = 1.0  # between two tries at most one a second: a television must not keep a core busy


class WakingEar:
    """An `Ear` that sleeps until the phrase is heard, and the `Recogniser` of what it then hears.

    All calls in the conversation's thread.
    """

    def __init__(
        self, world: World, ear: Ear, recogniser: Recogniser, asleep: Recogniser, phrase: WakePhrase,
        sleep_after_s: float, chime: Callable[[Pcm16], None] | None = None,
    ) -> None:  # fmt: skip
        """`asleep` looks for the phrase, and may expect its language. After `sleep_after_s` of silence it sleeps again.
        `chime` plays a short sound.
        """
        self._world, self._ear, self._recogniser, self._asleep, self._phrase = world, ear, recogniser, asleep, phrase
        self._sleep_after_s, self._chime = sleep_after_s, chime
        self.is_awake = False
        self._session: Session | None = None
        self._onset_s: float | None = None  # of the speech that goes on, and is not yet tried
        self._paused: SpeechChange | None = None  # how it ended
        self._is_tried = False
        self._last_try_s = -APART_S
        self._run: Run | None = None
        self._pending: list[SpeechChange] = []  # what the conversation has missed
        self._woken_s = self._phrase_end_s = 0.0  # when what woke it began, and the phrase was over, if known
        self._last_s = 0.0  # when somebody last spoke, awake

    def join(self, session: Session) -> None:
        """The conversation that it wakes."""
        self._session = session
        session.observe(self._observe, at_once=True)

    def push(self, mic: Pcm16, far_end: Pcm16) -> list[SpeechChange]:
        """As `Ear.push`; asleep, nothing is heard."""
        changes = self._ear.push(mic, far_end)
        if self.is_awake:
            changes = [*self._pending, *changes]
            self._pending = []
            self._fall_asleep_in_silence()
            return changes
        for change in changes:
            self._note(change)
        if self._onset_s is not None and not self._is_tried and self._world.now - self._onset_s >= PHRASE_S:
            self._try()
        return []

    def cut(self, start_s: float, end_s: float) -> Pcm16:
        """As `Ear.cut`."""
        return self._ear.cut(start_s, end_s)

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        """As `Recogniser.transcribe`, without the phrase at the beginning of a turn."""

        words = self._recogniser.transcribe(turn)
        if turn.start_s != self._woken_s or not self._phrase_end_s:
            return mapped(words, self._without_phrase)
        start_s = self._phrase_end_s + PRE_ROLL_S - _MARGIN_S
        rest = replace(turn, start_s=start_s, sound=lambda: self._ear.cut(start_s, turn.end_s))
        if isinstance(words, Plan):
            has_phrase = any(self._phrase.end_in(said.text) for _, said in words.items)
            return mapped(words, self._without_phrase) if has_phrase else self._recogniser.transcribe(rest)
        assert not isinstance(words, Computation)
        return Stream(lambda: self._rest_of(words, rest))

    def _without_phrase(self, transcript: Transcript) -> Transcript:
        end = self._phrase.end_in(transcript.text)
        return replace(transcript, text=transcript.text[end:]) if end else transcript

    async def _rest_of(self, words: Answer[Transcript], rest: TurnSoFar) -> AsyncGenerator[Transcript, None]:
        """`words` without the phrase; those of the `rest` where they do not have it."""
        async for transcript in words:
            if self._phrase.end_in(transcript.text):
                yield self._without_phrase(transcript)
            elif rest.end_s - rest.start_s < LEAST_S:
                yield replace(transcript, text="")
            else:
                again = self._recogniser.transcribe(rest)
                assert not isinstance(again, (Plan, Computation))
                async for later in again:
                    yield later

    # -- asleep

    def _note(self, change: SpeechChange) -> None:
        if change.kind == "started":
            self._onset_s, self._paused, self._is_tried = change.at_s, None, False
        elif change.kind == "paused" and self._onset_s is not None:
            self._paused = change
            if not self._is_tried and change.at_s - self._onset_s >= LEAST_S:
                self._try()
            self._is_tried = True

    def _try(self) -> None:
        """Look for the phrase in the speech so far."""
        assert self._onset_s is not None
        self._is_tried = True
        now = self._world.now
        if now - self._last_try_s < APART_S:
            return
        self._last_try_s = now
        start_s, end_s = self._onset_s, min(now, self._onset_s + PHRASE_S)
        turn = TurnSoFar(0, start_s, end_s, lambda: self._ear.cut(start_s, end_s))

        def take(transcript: Transcript) -> None:
            if self._phrase.end_in(transcript.text) is not None:
                end_s = transcript.facts.get(PHRASE_END_S)
                self._wake(start_s, start_s - PRE_ROLL_S + end_s if isinstance(end_s, float) else 0.0)

        if self._run:
            self._run.cancel()
        self._run = self._world.start(self._asleep.transcribe(turn), take, lambda failure: None)

    def _wake(self, onset_s: float, phrase_end_s: float) -> None:
        if self.is_awake:
            return
        self._woken_s, self._phrase_end_s = onset_s, phrase_end_s
        self.is_awake, self._last_s = True, self._world.now
        self._pending = [SpeechChange("started", onset_s)]
        if self._paused and self._onset_s == onset_s:
            self._pending.append(self._paused)
        if self._chime:
            self._chime(_rising())
        if self._session:
            self._session.tell(on.Notice(text=said("notices.awake")))

    # -- awake

    def _observe(self, at_s: float, event: on.Public) -> None:
        match event:
            case on.SpeechHeard() | on.PauseHeard() | on.FloorChanged():
                self._last_s = self._world.now
                if isinstance(event, on.FloorChanged) and event.after is State.SPEAKING:
                    self.is_awake = True  # it may have spoken unasked: an answer to that must be heard
            case on.TurnCommitted(transcript=transcript) if is_good_night(transcript.text):
                self._sleep()

    def _fall_asleep_in_silence(self) -> None:
        is_idle = self._session is None or self._session.state is State.LISTENING
        if is_idle and self._world.now - self._last_s >= self._sleep_after_s:
            self._sleep()

    def _sleep(self) -> None:
        self.is_awake, self._onset_s, self._paused = False, None, None
        if self._session:
            self._session.tell(on.Notice(text=said("notices.asleep", phrase=self._phrase.text)))


def _rising() -> Pcm16:
    """Two short notes, a fourth apart: 0.16 s, at -20 dBFS."""
    notes = []
    for frequency_hz in (660.0, 880.0):
        t = np.arange(round(0.08 * SAMPLE_RATE)) / SAMPLE_RATE
        notes.append(np.sin(2 * np.pi * frequency_hz * t) * np.hanning(len(t)))
    return (np.concatenate(notes) * 3277).astype(np.int16)
