"""The three services and the endpoint model as a scenario states them: what they take, what they say, how they fail."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from huiyin.assistant.conversation.stages import Judge, Parts, Speech, TurnSoFar
from huiyin.assistant.conversation.world import Plan, Source
from huiyin.assistant.dialogue.history import GO_ON, Message
from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice
from huiyin.assistant.ears.listener import POST_ROLL_S, PRE_ROLL_S
from huiyin.assistant.ears.voiceprint import Voiceprint
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import HeardUntil, Pcm16
from huiyin.assistant.scenario.hearing import ScriptedUtterance, Span, transcribed
from huiyin.assistant.scenario.script import DEFAULT_REPLIES, NO_FAULT, Call, Fault, ServiceTimes, Step
from huiyin.assistant.turns.events import Stage, Transcript
from huiyin.configs.messages import said
from huiyin.services.common.text import HAN

_TOKEN = re.compile(rf"[{HAN}]{{1,2}}|\s*[^\s{HAN}]{{1,6}}|\s+")  # about what a model makes of text
_MARKS = re.compile(r"^\W+")  # before a word
_PIECE_S = 0.1  # sound comes in pieces
_LOUDEST = 32767
_OWN_LIKENESS, _OTHER_LIKENESS = 0.7, 0.05  # as two recordings of one person, and of two, mostly are
_GARBAGE = "\ufffd\x00▒▒ {{[ \x07␀ ]}} "  # what cannot be understood: no word is in it
_REASONS = {
    "error": "scenario.stage_error",
    "stall": "scenario.stage_stall",
    "disconnect": "scenario.stage_disconnect",
}

OWN_VOICE = Voiceprint((1.0, 0.0), "simulated", 10.0)
"""The one that is enrolled."""

T = TypeVar("T")
Speak = Callable[[str], Pcm16]
JudgeText = Callable[[str], float | None]
"""The words of a turn -> how complete they are, 0..1, or None."""


Recognise = Callable[[float, float], str]
"""(start, end) in seconds from the first sound of an utterance -> what a recogniser makes of that part."""


def unjudged(text: str) -> None:
    """Unknown."""


class SimulatedServices:
    """They take the times that a scenario states. `parts` are the stages of a conversation."""

    def __init__(
        self,
        times: ServiceTimes,
        utterances: Sequence[ScriptedUtterance],
        patience_s: Mapping[Stage, float],
        speak: Speak,
        by_sound: Judge | None = None,
        judge_text: JudgeText | None = None,
        unheard: Sequence[Span] = (),
        recognise: Recognise | None = None,
    ) -> None:
        """`utterances`: what was said so far, and `unheard`: when it did not reach the microphone; the caller adds to
        them. `patience_s`: how long a client waits for one that says nothing. `by_sound` judges where the script does
        not; `judge_text` None: words are not judged. `recognise` None: the script's words, evenly spread.
        """
        self._recognise = recognise
        self._unheard = unheard
        self._times, self._utterances, self._patience_s, self._speak = times, utterances, patience_s, speak
        self._by_sound, self._judge_text = by_sound, judge_text or unjudged
        self.latest: Step | None = None  # that was typed, or is answered: also by a reply to the history
        self._step_of: dict[int, Step] = {}  # generation -> the step it answers
        self._failures: Counter[tuple[int, str]] = Counter()  # (number of the step, stage) -> so far
        self._judgements: Counter[int] = Counter()  # number of the step -> of its voice, so far
        by_words = None if judge_text is None else _Judge(self._words)
        self.parts = Parts(self, self, self, by_sound=_Judge(self._sound), by_words=by_words)

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        """As `Recogniser.transcribe`."""
        transcript, step = transcribed(self._utterances, turn.start_s, turn.end_s, self._unheard)
        if step and self._recognise:
            begin_s = max(u.start_s for u in self._utterances if u.step is step)
            text = self._recognise(turn.start_s - PRE_ROLL_S - begin_s, turn.end_s + POST_ROLL_S - begin_s)
            transcript = replace(transcript, text=text)
        if step:
            self._step_of[turn.generation] = step
            self.latest = step if step.takes_floor else self.latest
        fault = self._fault(turn.generation, "asr")
        takes_s = (self._times.asr_s + self._times.asr_per_s * (turn.end_s - turn.start_s)) * fault.pace
        if fault.ends_early:
            return self._broken("asr", fault, [], takes_s)
        if fault.how == "garbage":
            transcript = replace(transcript, text=_GARBAGE)
        return Plan([(takes_s, transcript)], takes_s)

    def voice_of(self, turn: TurnSoFar) -> Source[Voiceprint]:
        """Whose voice it is: each speaker counts for as long as they sound. As likeness to `OWN_VOICE`."""
        alike, total_s = 0.0, 0.0
        for utterance in self._utterances:
            sounds_s = sum(
                max(0.0, min(end_s, turn.end_s) - max(start_s, turn.start_s)) for start_s, end_s in utterance.spans
            )
            if sounds_s > 0:
                alike += sounds_s * self._alike(utterance.step)
                total_s += sounds_s
        heard = [(self._times.voice_s, _voice(alike / total_s))] if total_s else []
        return Plan(heard, self._times.voice_s)

    def _alike(self, step: Step) -> float:
        if not step.alike:
            return _OWN_LIKENESS if step.speaker == "user" else _OTHER_LIKENESS
        self._judgements[step.number] += 1
        return step.alike[min(self._judgements[step.number], len(step.alike)) - 1]

    def ask(
        self, generation: int, messages: Sequence[Message], tools: Sequence[Tool] = (), tool_choice: ToolChoice = "auto"
    ) -> Source[str | CalledTool]:
        """As `Model.ask`."""
        follows_tools = messages[-1]["role"] == "tool"
        step = self._step_of.get(generation, self.latest)
        if step:
            self._step_of[generation] = self.latest = step
        calls = _next_calls(step, messages)
        text = _reply(step, messages)
        if step and calls:
            text = "" if follows_tools else step.says
        fault = self._fault(generation, "llm")
        takes_s = self._times.llm_first_s * fault.pace
        items: list[tuple[float, str | CalledTool]] = []
        for i, token in enumerate(_TOKEN.findall(text)):
            takes_s = (self._times.llm_first_s + i / self._times.llm_tokens_per_s) * fault.pace
            if fault.ends_early and i >= fault.after_tokens:
                break
            is_garbage = fault.how == "garbage" and i >= fault.after_tokens
            items.append((takes_s, _GARBAGE if is_garbage else token))
        if fault.ends_early:
            return self._broken("llm", fault, items, takes_s)
        items += [(takes_s, CalledTool("", call.name, json.dumps(call.arguments))) for call in calls]
        return Plan(items, takes_s)

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        """As `Model.warm`: there is no cache to be filled."""

    def summarise(self, messages: Sequence[Message]) -> Source[str]:
        """As `Model.summarise`: there is no summary."""
        return Plan([], self._times.llm_first_s)

    def speak(self, speech: Speech) -> Source[Pcm16 | list[HeardUntil]]:
        """As `Voice.speak`."""
        fault = self._fault(speech.generation, "tts", speech.clause)
        sound = self._speak(speech.text)
        if fault.how == "garbage":
            sound = np.where(np.arange(len(sound)) % 2, -_LOUDEST, _LOUDEST).astype(np.int16)
        size = round(_PIECE_S * SAMPLE_RATE)
        first_s = self._times.tts_first_s * fault.pace
        step_s = _PIECE_S * self._times.tts_real_time_factor * fault.pace
        count = math.ceil(len(sound) / size)
        reached = min(count, math.ceil(fault.after_s / _PIECE_S)) if fault.ends_early else count
        items: list[tuple[float, Pcm16 | list[HeardUntil]]] = [
            (first_s + i * step_s, sound[i * size : (i + 1) * size]) for i in range(reached)
        ]
        takes_s = first_s + reached * step_s
        return self._broken("tts", fault, items, takes_s) if fault.ends_early else Plan(items, takes_s)

    def _broken(self, stage: Stage, fault: Fault, items: Sequence[tuple[float, T]], takes_s: float) -> Plan[T]:
        if fault.how == "stall":
            takes_s += self._patience_s[stage]
        return Plan(items, takes_s, RuntimeError(said(_REASONS[fault.how or "error"], stage=stage)))

    def _sound(self, turn: TurnSoFar) -> Source[float | None]:
        stated = self._stated(turn.end_s, lambda step: step.complete)
        if stated is None and self._by_sound is not None:
            return self._by_sound.judge(turn)
        return Plan([(self._times.endpoint_s, stated)], self._times.endpoint_s)

    def _words(self, turn: TurnSoFar) -> Source[float | None]:
        stated = self._stated(turn.end_s, lambda step: step.complete_words)
        probability = self._judge_text(turn.text) if stated is None else stated
        return Plan([(self._times.words_s, probability)], self._times.words_s)

    def _fault(self, generation: int, stage: Stage, clause: int = 0) -> Fault:
        """The fault that this call meets."""
        step = self._step_of.get(generation)
        if step is None or stage not in step.fails:
            return NO_FAULT
        fault = step.fails[stage]
        if fault.clause != clause or self._failures[step.number, stage] == fault.times:
            return NO_FAULT
        self._failures[step.number, stage] += 1
        return fault

    def _stated(self, end_s: float, completeness: Callable[[Step], tuple[float, ...]]) -> float | None:
        """How complete the script says the speech is that ended at about `end_s`."""
        last = max((u for u in self._utterances if u.start_s < end_s), key=lambda u: u.start_s, default=None)
        if last is None:
            return None
        stated = completeness(last.step)
        nearest = min(last.spans, key=lambda span: abs(span[1] - end_s))
        from_end = len(last.spans) - last.spans.index(nearest)  # 1: the last piece
        return stated[-from_end] if from_end <= len(stated) else None


def _reply(step: Step | None, messages: Sequence[Message]) -> str:
    """What the step has for an answer; the rest of it where the model is to go on with what was heard."""
    text = step.reply if step and step.reply is not None else DEFAULT_REPLIES[language_of(messages[-1]["content"])]
    if _goes_on(messages):
        heard = messages[-2]["content"]
        count = next((n for n in range(len(heard), 0, -1) if text.startswith(heard[-n:])), 0)
        text = _MARKS.sub("", text[count:]) or DEFAULT_REPLIES[language_of(heard)]
    return text


def _goes_on(messages: Sequence[Message]) -> bool:
    """Whether a reply to the assistant's own last words is wanted."""
    return messages[-1]["content"].endswith(tuple(GO_ON.values()))


def _next_calls(step: Step | None, messages: Sequence[Message]) -> Sequence[Call]:
    """What the model calls now, given the results that it has since the user's last words."""
    if _goes_on(messages):
        return ()
    last = max((at for at, message in enumerate(messages) if message["role"] == "user"), default=-1)
    results = sum(message["role"] == "tool" for message in messages[last + 1 :])
    for calls in step.calls if step else ():
        if results <= 0:
            return calls
        results -= len(calls)
    return ()


def _voice(alike: float) -> Voiceprint:
    """One that is so like `OWN_VOICE`."""
    return Voiceprint((alike, math.sqrt(1 - alike**2)), OWN_VOICE.model, 1.0)


class _Judge:
    """A `Judge` out of a function."""

    def __init__(self, judge: Callable[[TurnSoFar], Source[float | None]]) -> None:
        self.judge = judge
