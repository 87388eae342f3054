"""Simulated stages of a long conversation: the recogniser knows what was said, the voice has recorded sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from huiyin.assistant.conversation.stages import Speech, TurnSoFar
from huiyin.assistant.conversation.world import Plan, Source
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice
from huiyin.assistant.ears.listener import POST_ROLL_S, PRE_ROLL_S
from huiyin.assistant.ports.port import HeardUntil, Pcm16, Samples
from huiyin.assistant.turns.events import Transcript

_ASR_S, _LLM_S, _TTS_S = 0.07, 0.15, 0.1  # what they take
_MOST_SENTENCES = 3  # of a reply


@dataclass(frozen=True)
class Said:
    """A sound of the user's, seconds; `words` '': it is none of speech."""

    start_s: float
    end_s: float
    words: str


class TalkServices:
    """Recogniser, model and voice. Replies have one to three sentences, no two alike."""

    def __init__(self, sentences: Sequence[Samples], said: Sequence[Said]) -> None:
        """`sentences`: float32, 16 kHz, in [-1, 1]. `said`: by the user so far; the caller adds to it."""
        self._sentences, self._said = sentences, said
        self._spoken, self._replies = count(), count()

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        """As `Recogniser.transcribe`: words are recognised by their middle."""
        since_s, until_s = turn.start_s - PRE_ROLL_S, turn.end_s + POST_ROLL_S
        heard = [each.words for each in self._said if since_s <= (each.start_s + each.end_s) / 2 <= until_s]
        return Plan([(_ASR_S, Transcript(" ".join(filter(None, heard)), "en"))], _ASR_S)

    def ask(
        self, generation: int, messages: Sequence[Message], tools: Sequence[Tool] = (), tool_choice: ToolChoice = "auto"
    ) -> Source[str | CalledTool]:
        """As `Model.ask`."""
        number = next(self._replies)
        text = "".join(f"This is story number {number} about the sea. " for _ in range(1 + number % _MOST_SENTENCES))
        return Plan([(_LLM_S, text)], _LLM_S)

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        """As `Model.warm`."""

    def summarise(self, messages: Sequence[Message]) -> Source[str]:
        """As `Model.summarise`."""
        return Plan([(_LLM_S, "They told each other stories.")], _LLM_S)

    def speak(self, speech: Speech) -> Source[Pcm16 | list[HeardUntil]]:
        """As `Voice.speak`."""
        sentence = self._sentences[next(self._spoken) % len(self._sentences)]
        return Plan([(_TTS_S, (sentence * 32767).astype(np.int16))], _TTS_S)
