"""Carries out the turn machine's actions: plays and stops sound, starts stages, writes turns to the history.

No threads and no clock of its own: the live loop drives it with real services, the scenario runner with simulated ones
in virtual time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from huiyin.assistant.conversation.trimming import Summarise, Trimming
from huiyin.assistant.dialogue.history import HeardClause, History, HistoryLimit, Message, Turn
from huiyin.assistant.dialogue.mood import Mood
from huiyin.assistant.dialogue.persona import Persona, reply_language
from huiyin.assistant.dialogue.style import Style, speaking_style
from huiyin.assistant.ears.listener import SpeechChange
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.player import Player
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.machine import State, TurnMachine

_SLOWEST_SPEECH_S = {"zh": 0.35, "en": 0.09}  # a character: bounds the length of a clause still being synthesised


@dataclass(frozen=True)
class TurnCommitted:
    """A turn was written to the history. `generation` is the reply's, `messages` what the model was asked ([] for a
    greeting), `style` how the reply was spoken."""

    generation: int
    transcript: ev.Transcript
    turn: Turn
    messages: list[Message]
    style: Style = "neutral"


@dataclass(frozen=True)
class StateChanged:
    """The machine's state has changed; observed after the actions of that change."""

    before: State
    after: State


@dataclass(frozen=True)
class Asked:
    """All that the model is sent for a reply, and how that will be spoken."""

    generation: int
    messages: list[Message]
    style: Style


@dataclass(frozen=True)
class Notice:
    """Something the user should know, in words."""

    text: str


Observer = Callable[[float, object], None]
"""Called with the time and every event and action, the classes above, and `trimming.TurnsForgotten`."""


class StageRunner(Protocol):
    """The stages of a reply. Each method returns at once; results come back as events."""

    def transcribe(self, generation: int, start_s: float, end_s: float) -> None:
        """Recognise the user's sound between two times."""

    def score(self, start_s: float, end_s: float) -> None:
        """Judge by the sound from `start_s` on whether the turn that has paused at `end_s` is complete."""

    def judge_words(self, generation: int, text: str) -> None:
        """Judge whether a turn that says `text` is complete."""

    def ask(self, generation: int, messages: Sequence[Message]) -> None:
        """Ask the model; its reply comes back clause by clause."""

    def hurry(self, generation: int) -> None:
        """Give what the model has written so far, if it is a clause, and the next clause as soon as it is whole."""

    def synthesise(self, generation: int, clause: int, text: str, style: Style) -> None:
        """Synthesise a clause in this style, after the clauses before it."""

    def cancel(self, generation: int) -> None:
        """Cancel what runs for this generation or an older one."""

    def finish(self, generation: int) -> None:
        """All clauses of this generation have been synthesised."""

    def warm(self, messages: Sequence[Message]) -> None:
        """These messages will begin the next request."""


@dataclass
class _Reply:
    """What is known of a reply that is not yet committed."""

    texts: dict[int, str] = field(default_factory=dict)  # clause -> text
    messages: list[Message] = field(default_factory=list)
    language: str = ""
    style: Style = "neutral"


class Performer:
    """Feeds the machine and carries out its actions. All calls from one thread."""

    def __init__(
        self,
        machine: TurnMachine,
        persona: Persona,
        player: Player,
        stages: StageRunner,
        now: Callable[[], float],
        *,
        apologies: Mapping[str, Pcm16],
        limit: HistoryLimit,
        history: History | None = None,
        summarise: Summarise | None = None,
    ) -> None:
        """`now`: seconds on the conversation's clock. `apologies` maps a sentence to its sound. `limit`: of what is
        sent; `history`: of a resumed conversation; `summarise`: as for `Trimming`.
        """
        self.history = history or History()
        self._machine, self._persona, self._player, self._stages, self._now = machine, persona, player, stages, now
        self._apologies = apologies
        self._trimming = Trimming(self.history, limit, summarise)
        self._apologies_due: dict[int, Pcm16] = {}  # generation -> the sound of its last words
        self._own_events: list[ev.Event] = []  # about apologies: observers need not know
        self._observers: list[Observer] = []
        self._replies: defaultdict[int, _Reply] = defaultdict(_Reply)  # by generation
        self._language = persona.language
        self._trim()

    def observe(self, observer: Observer) -> None:
        """Call `observer(at_s, what)` for everything that happens, from the thread that calls `handle`."""
        self._observers.append(observer)

    def tell(self, what: object, at_s: float | None = None) -> None:
        """Tell the observers."""
        for observer in self._observers:
            observer(self._now() if at_s is None else at_s, what)

    def handle(self, event: ev.Event) -> float:
        """Feed the machine; carry out its actions. Returns the time when it needs the next event, inf for never."""
        self.tell(event, event.at_s)
        wake_s = self._take(event)
        while self._own_events:
            wake_s = self._take(self._own_events.pop(0))
        return wake_s

    def _take(self, event: ev.Event) -> float:
        if isinstance(event, ev.Transcribed):
            language = reply_language(event.transcript.language, event.transcript.text)
            self._replies[event.generation].language = language
        wake_s = float("inf")
        before = self._machine.state
        for action in self._machine.handle(event):
            match action:
                case do.WakeAt(at_s=at_s):
                    wake_s = at_s
                case do.Synthesise(generation=generation) if generation in self._apologies_due:
                    self._sound_apology(action)
                case _:
                    self.tell(action)
                    self._perform(action)
        if self._machine.state is not before:
            self.tell(StateChanged(before, self._machine.state))
        return wake_s

    def _perform(self, action: do.Action) -> None:
        match action:
            case do.Transcribe(generation=generation, start_s=start_s, end_s=end_s):
                self._stages.transcribe(generation, start_s, end_s)
            case do.ScoreEndpoint(start_s=start_s, end_s=end_s):
                self._stages.score(start_s, end_s)
            case do.JudgeWords(generation=generation, text=text):
                self._stages.judge_words(generation, text)
            case do.AskLlm(generation=generation, transcript=transcript):
                self._ask(generation, transcript)
            case do.Hurry(generation=generation):
                self._stages.hurry(generation)
            case do.Synthesise(generation=generation, clause=clause, text=text):
                self._replies[generation].texts[clause] = text
                self._stages.synthesise(generation, clause, text, self._replies[generation].style)
            case do.Play(generation=generation):
                self._player.open(generation)
            case do.CloseAudio(generation=generation):
                self._stages.finish(generation)
                self._player.close(generation)
            case do.Pause(generation=generation):
                self._player.pause(generation)
            case do.Resume(generation=generation):
                self._player.resume(generation)
            case do.StopPlayback(generation=generation):
                self._player.stop(generation)
            case do.Cancel(generation=generation, keep_audio=keep_audio):
                self._stages.cancel(generation)
                if not keep_audio:
                    self._player.drop(generation)
                    self._forget(generation)
            case do.Commit(generation=generation, transcript=transcript, interrupted=interrupted):
                self._commit(generation, transcript, interrupted)
            case do.Apologise(generation=generation, stage=stage, reason=reason):
                self._apologise(generation, stage, reason)
            case _:
                raise TypeError(f"unknown action {action}")

    def _ask(self, generation: int, transcript: ev.Transcript) -> None:
        mood = Mood(transcript.emotion, transcript.events)
        reply = self._replies[generation]
        reply.style = speaking_style(mood, [turn.mood for turn in self.history.turns])
        reply.messages = self._persona.messages(self.history, transcript.text, mood)
        self.tell(Asked(generation, reply.messages, reply.style))
        self._stages.ask(generation, reply.messages)

    def _commit(self, generation: int, transcript: ev.Transcript, interrupted: bool) -> None:
        reply = self._replies[generation]
        self._language = reply.language or reply_language(transcript.language, transcript.text)
        mood = Mood(transcript.emotion, transcript.events)
        turn = self.history.commit(transcript.text, self._heard(generation), interrupted=interrupted, mood=mood)
        self.tell(TurnCommitted(generation, transcript, turn, reply.messages, reply.style))
        self._player.drop(generation)
        self._forget(generation)
        self._trim()
        self._stages.warm(self._persona.messages(self.history, ""))

    def _trim(self) -> None:
        if forgotten := self._trimming.trim():
            self.tell(forgotten)

    def _heard(self, generation: int) -> list[HeardClause]:
        """The clauses that were played, with how much of each the user heard."""
        heard, spans = self._player.heard(generation)
        clauses = []
        for span in spans:
            text = self._replies[generation].texts.get(span.clause, "")
            length = span.end - span.start
            if not span.ended:
                longest_s = len(text) * _SLOWEST_SPEECH_S[reply_language("", text)]
                length = max(length, round(longest_s * SAMPLE_RATE))
            share = (min(heard, span.end) - span.start) / length if length else 1.0
            clauses.append(HeardClause(text, min(1.0, max(0.0, share)), span.characters(heard)))
        return clauses

    def _apologise(self, generation: int, stage: str, reason: str) -> None:
        self.tell(Notice(reason))
        text = self._persona.apology(stage, self._replies[generation].language or self._language)
        self.tell(Notice(text))
        self._apologies_due[generation] = self._apologies.get(text, np.zeros(0, np.int16))
        self._own_events.append(ev.Say(self._now(), (text,), generation))

    def _sound_apology(self, asked: do.Synthesise) -> None:
        """No stage is asked: the sound is there."""
        generation, clause, now_s = asked.generation, asked.clause, self._now()
        self._replies[generation].texts[clause] = asked.text
        self._player.add(generation, clause, self._apologies_due.pop(generation))
        self._player.end_clause(generation, clause)
        self._own_events += [ev.AudioReady(now_s, generation, clause), ev.AudioFinished(now_s, generation, clause)]

    def _forget(self, generation: int) -> None:
        """This reply and older ones are over."""
        for old in [number for number in self._replies if number <= generation]:
            del self._replies[old]


def speech_event(now_s: float, change: SpeechChange) -> ev.Event:
    """The listener's change, as the machine wants it."""
    match change.kind:
        case "started":
            return ev.SpeechStarted(now_s, change.at_s)
        case "paused":
            return ev.SpeechPaused(now_s, change.at_s)
        case "possible":
            return ev.SpeechPossible(now_s)
        case "dropped":
            return ev.EnergyDropped(now_s, change.at_s)
        case "recovered":
            return ev.EnergyRecovered(now_s)
