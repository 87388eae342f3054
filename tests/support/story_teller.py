"""Simulated stages of an assistant that tells a story when it is asked to, for rooms with echo."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.stages import Speech, TurnSoFar
from huiyin.assistant.conversation.world import Plan, Source
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice
from huiyin.assistant.ears.echo import rms
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import HeardUntil, Pcm16, Samples
from huiyin.assistant.turns.events import Transcript

_LINE = "Once upon a time there was a lighthouse on a small island."
_REQUEST = "Please tell me another story about the sea."
_ASR_S, _LLM_S, _TTS_S = 0.15, 0.2, 0.1  # what they take
_LATE_S = 1.0  # the server hears the user so much later, at most
_AUDIBLE_RMS = 150.0  # int16: below it a recogniser finds no words
_ECHO_S = 0.2  # an echo is late by so much
_GAP = round(0.3 * SAMPLE_RATE)  # samples between two sentences


class StoryTeller:
    """Recogniser, model and voice. `sentences` are spoken in turn, so many a reply.

    What the user says (`users`, the times of the client) is a request for another story. All else that is loud enough
    the recogniser takes for the assistant's own words: those of that time, where it follows a conversation.
    """

    def __init__(self, sentences: Sequence[Samples], a_reply: int) -> None:
        """`sentences`: float32, 16 kHz, in [-1, 1]."""
        self.users: list[tuple[float, float]] = []
        self._sentences, self._a_reply = sentences, a_reply
        self._spoken = 0
        self._clauses: dict[tuple[int, int], tuple[str, float]] = {}  # (generation, clause) -> its words, seconds
        self._heard: list[tuple[float, str]] = []  # the middle of each word
        self._is_following = False

    def follow(self, session: Session) -> None:
        """Learn from it what is heard when."""
        self._is_following = True
        session.observe(self._note, at_once=True)

    def _note(self, at_s: float, event: on.Public) -> None:
        if isinstance(event, (on.ClauseStarted, on.ReplyPaused, on.ReplyStopped)):
            self._heard = [heard for heard in self._heard if heard[0] <= at_s]
        if isinstance(event, on.ClauseStarted):
            text, lasts_s = self._clauses[event.generation, event.clause]
            words = text.split()
            self._heard += [(at_s + lasts_s * (at + 0.5) / len(words), word) for at, word in enumerate(words)]

    def _echoed(self, start_s: float, end_s: float) -> str:
        """What the recogniser makes of an echo between two times."""
        if not self._is_following:
            return _LINE
        return " ".join(word for at_s, word in self._heard if start_s - _ECHO_S <= at_s <= end_s)

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        """As `Recogniser.transcribe`."""
        is_user = any(start < turn.end_s and turn.start_s < end + _LATE_S for start, end in self.users)
        is_audible = is_user or rms(turn.sound()) > _AUDIBLE_RMS
        words = _REQUEST if is_user else self._echoed(turn.start_s, turn.end_s) if is_audible else ""
        return Plan([(_ASR_S, Transcript(words, "en"))], _ASR_S)

    def ask(
        self, generation: int, messages: Sequence[Message], tools: Sequence[Tool] = (), tool_choice: ToolChoice = "auto"
    ) -> Source[str | CalledTool]:
        """As `Model.ask`."""
        return Plan([(_LLM_S, f"{_LINE} " * self._a_reply)], _LLM_S)

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        """As `Model.warm`."""

    def summarise(self, messages: Sequence[Message]) -> Source[str]:
        """As `Model.summarise`."""
        return Plan([], 0.0)

    def speak(self, speech: Speech) -> Source[Pcm16 | list[HeardUntil]]:
        """As `Voice.speak`."""
        sentence = self._sentences[self._spoken % len(self._sentences)]
        self._spoken += 1
        sound = (np.pad(sentence, (0, _GAP)) * 32767).astype(np.int16)
        self._clauses[speech.generation, speech.clause] = speech.text, len(sound) / SAMPLE_RATE
        return Plan([(_TTS_S, sound)], _TTS_S)
