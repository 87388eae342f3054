"""What the turn machine asks for is done here: sound let out and stopped, stages started, turns written to the history.

No threads and no clock of its own: the live loop drives it with real services, the scenario runner with simulated ones
in virtual time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

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
from huiyin.assistant.turns.endpointing import EndpointPolicy
from huiyin.assistant.turns.machine import State, TurnMachine, TurnPolicy
from huiyin.configs.settings import Settings

_SLOWEST_SPEECH_S = {"zh": 0.35, "en": 0.09}  # a character: bounds the length of a clause still being synthesised


@dataclass(frozen=True)
class TurnCommitted:
    """A turn was written to the history. `generation` tells which reply; `messages` what the model was asked ([] for a
    greeting), `style` how the reply was spoken."""

    at_s: float
    generation: int
    transcript: ev.Transcript
    turn: Turn
    messages: list[Message]
    style: Style = "neutral"


@dataclass(frozen=True)
class StateChanged:
    """Whose turn it is has changed; told after the actions that came of it."""

    at_s: float
    before: State
    after: State


@dataclass(frozen=True)
class Asked:
    """All that the model is asked for a reply, and how that will be spoken."""

    at_s: float
    generation: int
    messages: list[Message]
    style: Style


@dataclass(frozen=True)
class Notice:
    """Something the user should know, in words."""

    at_s: float
    text: str


# What observers (captions, the demo's report, scenarios) are told: every event and action, the classes above, and
# `trimming.TurnsForgotten`.
Observer = Callable[[float, object], None]


class StageRunner(Protocol):
    """The stages of a reply. Each method returns at once; results come back as events."""

    def transcribe(self, generation: int, start_s: float, end_s: float) -> None:
        """Recognise the user's sound between two times."""

    def score(self, start_s: float, end_s: float) -> None:
        """Judge by the sound from `start_s` on whether the turn that pauses since `end_s` is complete."""

    def judge_words(self, generation: int, text: str) -> None:
        """Judge whether a turn that says `text` is complete."""

    def ask(self, generation: int, messages: Sequence[Message]) -> None:
        """Ask the model; its reply comes back clause by clause."""

    def hurry(self, generation: int) -> None:
        """Of the model's reply, give what is whole by now, and the next clause as soon as there is one."""

    def synthesise(self, generation: int, clause: int, text: str, style: Style) -> None:
        """Synthesise a clause in this style, after those asked for before it."""

    def cancel(self, generation: int) -> None:
        """Cut short whatever runs for this generation or an older one."""

    def finish(self, generation: int) -> None:
        """All clauses of this generation have been synthesised."""

    def warm(self, messages: Sequence[Message]) -> None:
        """These messages will be the beginning of the next ones asked."""


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
        sent; `history`: what was said before; `summarise`: as for `Trimming`.
        """
        self.history = history or History()
        self._machine, self._persona, self._player, self._stages, self._now = machine, persona, player, stages, now
        self._apologies = apologies
        self._trimming = Trimming(self.history, limit, summarise)
        self._is_greeting = False  # the next reply is not the model's
        self._observers: list[Observer] = []
        self._texts: dict[int, dict[int, str]] = {}  # generation -> clause -> text
        self._asked: dict[int, list[Message]] = {}
        self._languages: dict[int, str] = {}
        self._styles: dict[int, Style] = {}
        self._language = persona.language
        self._trim()

    def observe(self, observer: Observer) -> None:
        """Call `observer(at_s, what)` for everything that happens, from the thread that calls `handle`."""
        self._observers.append(observer)

    def tell(self, what: object, at_s: float | None = None) -> None:
        """Tell the observers."""
        for observer in self._observers:
            observer(self._now() if at_s is None else at_s, what)

    def greet(self, clauses: Sequence[str], at_s: float) -> float:
        """Begin the conversation with these words; they can be interrupted, as a reply can. Returns as `handle`."""
        self._is_greeting = True
        self.handle(ev.TextEntered(at_s, ""))  # for the machine it is the reply to nothing
        self._is_greeting = False
        generation = self._machine.generation
        for number, clause in enumerate(clauses):
            self.handle(ev.ReplyText(at_s, generation, number, clause))
        return self.handle(ev.ReplyFinished(at_s, generation))

    def handle(self, event: ev.Event) -> float:
        """Feed the machine; carry out its actions. Returns when it wants to be woken."""
        self.tell(event, event.at_s)
        match event:
            case ev.ReplyText(generation=generation, clause=clause, text=text):
                self._texts.setdefault(generation, {})[clause] = text
            case ev.Transcribed(generation=generation, transcript=transcript):
                self._languages[generation] = reply_language(transcript.language, transcript.text)
        wake_s, before = float("inf"), self._machine.state
        for action in self._machine.handle(event):
            if isinstance(action, do.WakeAt):
                wake_s = action.at_s
            else:
                self.tell(action)
                self._perform(action)
        if self._machine.state is not before:
            self.tell(StateChanged(self._now(), before, self._machine.state))
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
                if not self._is_greeting:
                    self._ask(generation, transcript)
            case do.Hurry(generation=generation):
                self._stages.hurry(generation)
            case do.Synthesise(generation=generation, clause=clause, text=text):
                self._stages.synthesise(generation, clause, text, self._styles.get(generation, "neutral"))
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
                raise TypeError(f"nobody knows how to carry out {action}")

    def _ask(self, generation: int, transcript: ev.Transcript) -> None:
        mood = Mood(transcript.emotion, transcript.events)
        style = self._styles[generation] = speaking_style(mood, [turn.mood for turn in self.history.turns])
        messages = self._asked[generation] = self._persona.messages(self.history, transcript.text, mood)
        self.tell(Asked(self._now(), generation, messages, style))
        self._stages.ask(generation, messages)

    def _commit(self, generation: int, transcript: ev.Transcript, interrupted: bool) -> None:
        self._language = self._languages.get(generation, reply_language(transcript.language, transcript.text))
        mood = Mood(transcript.emotion, transcript.events)
        turn = self.history.commit(transcript.text, self._heard(generation), interrupted=interrupted, mood=mood)
        messages, style = self._asked.get(generation, []), self._styles.get(generation, "neutral")
        self.tell(TurnCommitted(self._now(), generation, transcript, turn, messages, style))
        self._player.drop(generation)
        self._forget(generation)
        self._trim()
        self._stages.warm(self._persona.messages(self.history, ""))

    def _trim(self) -> None:
        if forgotten := self._trimming.trim(self._now()):
            self.tell(forgotten)

    def _heard(self, generation: int) -> list[HeardClause]:
        heard, spans = self._player.heard(generation)
        clauses = []
        for span in spans:
            text = self._texts.get(generation, {}).get(span.clause, "")
            length = span.end - span.start
            if not span.ended:
                longest_s = len(text) * _SLOWEST_SPEECH_S[reply_language("", text)]
                length = max(length, round(longest_s * SAMPLE_RATE))
            share = (min(heard, span.end) - span.start) / length if length else 1.0
            clauses.append(HeardClause(text, min(1.0, max(0.0, share)), span.characters(heard)))
        return clauses

    def _apologise(self, generation: int, stage: str, reason: str) -> None:
        self.tell(Notice(self._now(), reason))
        language = self._languages.get(generation, self._language)
        text = self._persona.apology(stage, language)
        texts = self._texts.setdefault(generation, {})
        clause = max(texts, default=-1) + 1
        texts[clause] = text
        self.tell(Notice(self._now(), text))
        self._player.add(generation, clause, self._apologies.get(text, np.zeros(0, np.int16)))
        self._player.end_clause(generation, clause)

    def _forget(self, generation: int) -> None:
        """What is kept for this reply and older ones is not needed any more."""
        tables: tuple[dict[int, Any], ...] = (self._texts, self._asked, self._languages, self._styles)
        for table in tables:
            for old in [g for g in table if g <= generation]:
                del table[old]


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


def policy_from(settings: Settings) -> TurnPolicy:
    """The machine's numbers, in seconds."""
    turns = settings.turns
    return TurnPolicy(
        judge_words=settings.words_are_judged,
        endpoint=EndpointPolicy(
            fixed_s=turns.endpoint_ms / 1000,
            sure_s=turns.endpoint_sure_ms / 1000,
            doubtful_s=turns.endpoint_doubtful_ms / 1000,
            unsure_s=turns.endpoint_unsure_ms / 1000,
            longest_s=turns.endpoint_longest_ms / 1000,
            unfinished_s=turns.endpoint_unfinished_ms / 1000,
        ),
        speculate_s=turns.speculate_ms / 1000,
        max_speculations=turns.max_speculations,
        speculate_max_turn_s=turns.speculate_max_turn_s,
        barge_in=turns.barge_in,  # type: ignore[arg-type]  # its words were checked when it was read
        talk_key=turns.talk_key,
        barge_in_s=turns.barge_in_ms / 1000,
        confirm_s=turns.confirm_ms / 1000,
        resume_s=turns.resume_ms / 1000,
        max_turn_s=turns.max_turn_s,
        asr_timeout_s=turns.asr_timeout_s,
        llm_timeout_s=turns.llm_timeout_s,
        llm_idle_timeout_s=turns.llm_idle_timeout_s,
        tts_timeout_s=turns.tts_timeout_s,
    )
