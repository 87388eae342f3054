"""Sleep: speech is nothing to the conversation until it begins with the wake phrase.

Asleep, the beginning of each stretch of speech is looked at, as soon as it may hold the phrase and once more where that
was not out of the question, and thrown away: nothing is kept, shown or sent on. Where the phrase is there the stretch
becomes the user's turn from its beginning, so that what follows the phrase is not cut; the phrase itself is taken out
of its words. Where these have something else in its place, as in noise, the turn is recognised once more from the
phrase's end.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.phrase_listener import IS_NEAR, PHRASE_END_S
from huiyin.assistant.conversation.session import Ear, Session
from huiyin.assistant.conversation.stages import Recogniser, TurnSoFar
from huiyin.assistant.conversation.world import Answer, Computation, Plan, Run, Source, World, mapped
from huiyin.assistant.dialogue.wake_phrase import WakePhrase
from huiyin.assistant.ears.listener import POST_ROLL_S, PRE_ROLL_S, SoundRing, SpeechChange
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.turns.events import NEVER, Transcript
from huiyin.assistant.turns.good_night import is_good_night
from huiyin.assistant.turns.machine import State
from huiyin.configs.messages import said

FIRST_S = 1.2  # of speech that most phrases of four or five syllables lie in ...
PHRASE_S = 1.7  # ... and those said slowly (measured: 0.7-1.3 s)
LEAST_S = 0.35  # shorter speech is no phrase
JOINED_S = 0.6  # a pause within the phrase, or a syllable that noise covers
_MORE_S = 0.15  # of speech since the last look are worth another
_KEEP_S = 4.0  # of the microphone's sound, as long as a look may be late
_MARGIN_S = 0.05  # before the first word behind the phrase
APART_S = 1.0  # from a look to the first at the next stretch: a television must not keep a core busy


class AlertEar(Ear, Protocol):
    """An `Ear` that misses less, and takes noise for speech more often, while it is alert."""

    def be_alert(self, *, alert: bool) -> None:
        """From now on."""


class WakingEar:
    """An `Ear` that sleeps until the phrase is heard, and the `Recogniser` of what it then hears.

    All calls in the conversation's thread.
    """

    def __init__(
        self, world: World, ear: AlertEar, recogniser: Recogniser, asleep: Recogniser, phrase: WakePhrase,
        sleep_after_s: float, chime: Callable[[Pcm16], None] | None = None,
    ) -> None:  # fmt: skip
        """`asleep` looks for the phrase, and may expect its language. After `sleep_after_s` of silence it sleeps again.
        `chime` plays a short sound.
        """
        self._world, self._ear, self._recogniser, self._asleep, self._phrase = world, ear, recogniser, asleep, phrase
        self._mic = SoundRing(_KEEP_S)
        self._sleep_after_s, self._chime = sleep_after_s, chime
        self.is_awake = False
        self._session: Session | None = None
        self._onset_s: float | None = None  # of the newest stretch of speech
        self._paused: SpeechChange | None = None  # how it ended
        self._looked_s = 0.0  # until when it was looked at; 0: not yet
        self._last_look_s = -APART_S  # when anything was
        self._run: Run | None = None
        self._pending: list[SpeechChange] = []  # what the conversation has missed
        self._woken_s = self._phrase_end_s = 0.0  # when what woke it began, and the phrase was over, if known
        self._last_s = 0.0  # when somebody last spoke, awake
        self._is_alert = False
        self._be_alert(alert=True)

    def join(self, session: Session) -> None:
        """The conversation that it wakes."""
        self._session = session
        session.observe(self._observe, at_once=True)

    def push(self, mic: Pcm16, far_end: Pcm16) -> list[SpeechChange]:
        """As `Ear.push`; asleep, nothing is heard."""
        changes = self._ear.push(mic, far_end)
        if len(mic) < _KEEP_S * SAMPLE_RATE:
            self._mic.write(mic)
        else:
            self._mic.skip(len(mic))  # the device was away
        if self.is_awake:
            changes = [*self._pending, *changes]
            self._pending = []
            if self._is_alert and (self._paused or any(change.kind == "paused" for change in changes)):
                self._be_alert(alert=False)  # not before: in noise the user's turn would seem to be over
            self._fall_asleep_in_silence()
            return changes
        for change in changes:
            self._note(change)
        if self._onset_s is not None and self._world.now >= self._due_s(self._onset_s):
            self._look(self._onset_s)
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

    def _be_alert(self, *, alert: bool) -> None:
        if alert != self._is_alert:
            self._is_alert = alert
            self._ear.be_alert(alert=alert)

    # -- asleep

    def _note(self, change: SpeechChange) -> None:
        if change.kind == "started":
            is_joined = self._paused is not None and change.at_s - self._paused.at_s < JOINED_S
            if self._onset_s is None or not is_joined or change.at_s - self._onset_s >= PHRASE_S:
                self._onset_s, self._looked_s = change.at_s, 0.0
            self._paused = None
        elif change.kind == "paused":
            self._paused = change

    def _due_s(self, onset_s: float) -> float:
        """When the newest stretch of speech is to be looked at (again)."""
        earliest_s = 0.0 if self._looked_s else self._last_look_s + APART_S
        if self._paused:
            is_enough = self._paused.at_s - max(onset_s + LEAST_S - _MORE_S, self._looked_s) >= _MORE_S
            return max(earliest_s, self._paused.at_s) if is_enough and self._looked_s < onset_s + PHRASE_S else NEVER
        return max(earliest_s, next((onset_s + s for s in (FIRST_S, PHRASE_S) if onset_s + s > self._looked_s), NEVER))

    def _look(self, onset_s: float) -> None:
        """Look for the phrase in the speech so far."""
        self._last_look_s = now = self._world.now
        start_s, end_s = onset_s, min(now, onset_s + PHRASE_S)
        self._looked_s = end_s
        around_s = start_s - PRE_ROLL_S, end_s + POST_ROLL_S
        turn = TurnSoFar(
            0, start_s, end_s, lambda: self._ear.cut(start_s, end_s), microphone=lambda: self._mic.cut(*around_s)
        )

        def take(transcript: Transcript) -> None:
            if self._phrase.end_in(transcript.text) is not None:
                end_s = transcript.facts.get(PHRASE_END_S)
                self._wake(start_s, start_s - PRE_ROLL_S + end_s if isinstance(end_s, float) else 0.0)
            elif self._onset_s == start_s and self._looked_s >= start_s + FIRST_S and not transcript.facts.get(IS_NEAR):
                self._looked_s = start_s + PHRASE_S  # more of it is not worth the time

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
                    self._be_alert(alert=False)
            case on.TurnCommitted(transcript=transcript) if is_good_night(transcript.text):
                self._sleep()

    def _fall_asleep_in_silence(self) -> None:
        is_idle = self._session is None or self._session.state is State.LISTENING
        if is_idle and self._world.now - self._last_s >= self._sleep_after_s:
            self._sleep()

    def _sleep(self) -> None:
        self.is_awake, self._onset_s, self._paused, self._looked_s = False, None, None, 0.0
        self._be_alert(alert=True)
        if self._session:
            self._session.tell(on.Notice(text=said("notices.asleep", phrase=self._phrase.text)))


def _rising() -> Pcm16:
    """Two short notes, a fourth apart: 0.16 s, at -20 dBFS."""
    notes = []
    for frequency_hz in (660.0, 880.0):
        t = np.arange(round(0.08 * SAMPLE_RATE)) / SAMPLE_RATE
        notes.append(np.sin(2 * np.pi * frequency_hz * t) * np.hanning(len(t)))
    return (np.concatenate(notes) * 3277).astype(np.int16)
