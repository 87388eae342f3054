"""The three services and the endpoint model as a scenario states them: what they take, what they say, how they fail.

They replace `conversation.stages.Stages`. All that a call will do is scheduled when it is made; what belongs to a
cancelled generation does not happen.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from huiyin.assistant.dialogue.clause_stream import ClauseStream
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.dialogue.style import Style
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.player import Player
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.hearing import ScriptedUtterance, transcribed
from huiyin.assistant.scenario.script import DEFAULT_REPLIES, Fault, ServiceTimes, Step
from huiyin.assistant.scenario.world import World
from huiyin.assistant.turns import events as ev
from huiyin.services.common.text import HAN

_TOKEN = re.compile(rf"[{HAN}]{{1,2}}|\s*[^\s{HAN}]{{1,6}}|\s+")  # about what a model makes of text
_PIECE_S = 0.1  # sound comes in pieces
_REASONS = {
    "error": "{} answered with an error",
    "stall": "{} gave no answer in time",
    "disconnect": "{} broke off in the middle of its answer",
}

Speak = Callable[[str], Pcm16]
Judge = Callable[[float, float], float | None]
"""(start, end) of a turn in seconds -> how complete it sounds, 0..1, or None."""
JudgeText = Callable[[str], float | None]
"""The words of a turn -> how complete they are, 0..1, or None."""


def unjudged(text: str) -> None:
    """Unknown."""


@dataclass
class VirtualStages:
    """What simulated and real services in virtual time have in common: a `StageRunner` schedules events."""

    world: World
    player: Player
    post: Callable[[ev.Event], None]
    _gone: int = 0  # generations up to this one are cancelled
    _voice_free_s: dict[int, float] = field(default_factory=dict)  # when a reply's voice has said what it was given
    _texts: dict[int, ClauseStream] = field(default_factory=dict)  # of the replies being written
    _failed: set[int] = field(default_factory=set)  # generations whose voice broke off

    def cancel(self, generation: int) -> None:
        """As `StageRunner.cancel`."""
        self._gone = max(self._gone, generation)
        self._texts = {number: text for number, text in self._texts.items() if number > generation}

    def finish(self, generation: int) -> None:
        """As `StageRunner.finish`."""

    def _may_speak(self, generation: int) -> bool:
        return generation > self._gone and generation not in self._failed

    def _wait_for_voice_s(self, generation: int) -> float:
        """Until the clauses before are synthesised."""
        return max(0.0, self._voice_free_s.get(generation, 0.0) - self.world.now)

    def _judged(self, generation: int, probability: float | None, takes_s: float) -> None:
        self._later(takes_s, generation, lambda: ev.WordsJudged(self.world.now, generation, probability))

    def _scored(self, end_s: float, probability: float | None, takes_s: float) -> None:
        if probability is not None:
            self.world.after(takes_s, lambda: self.post(ev.EndpointScored(self.world.now, end_s, probability)))

    def hurry(self, generation: int) -> None:
        """As `StageRunner.hurry`."""
        if text := self._texts.get(generation):
            self._later(0.0, generation, text.hurry)

    def _write(self, generation: int) -> ClauseStream:
        """The text of a reply that begins now."""

        def say(number: int, clause: str) -> None:
            self.post(ev.ReplyText(self.world.now, generation, number, clause))

        self._texts[generation] = ClauseStream(say)
        return self._texts[generation]

    def _end_text(self, generation: int, takes_s: float) -> None:
        def end() -> ev.Event:
            self._texts.pop(generation).finish()
            return ev.ReplyFinished(self.world.now, generation)

        self._later(takes_s, generation, end)

    def _add(self, generation: int, clause: int, samples: Pcm16, *, first: bool) -> ev.Event | None:
        self.player.add(generation, clause, samples)
        return ev.AudioReady(self.world.now, generation, clause) if first else None

    def _end_clause(self, generation: int, clause: int) -> ev.Event:
        self.player.end_clause(generation, clause)
        return ev.AudioFinished(self.world.now, generation, clause)

    def _later(self, takes_s: float, generation: int, make: Callable[[], ev.Event | None]) -> None:
        def happen() -> None:
            if generation > self._gone:
                event = make()
                if event:
                    self.post(event)

        self.world.after(takes_s, happen)

    def _fail(self, generation: int, stage: ev.Stage, reason: str, takes_s: float) -> None:
        if stage == "tts":
            self._failed.add(generation)

        def fail() -> ev.Event:
            if stage == "llm" and generation in self._texts:
                self._texts.pop(generation).hurry()
            return ev.StageFailed(self.world.now, generation, stage, reason)

        self._later(takes_s, generation, fail)


@dataclass
class SimulatedServices(VirtualStages):
    """They take the times that a scenario states. `utterances`: what was said so far; the caller adds to it."""

    times: ServiceTimes = field(kw_only=True)
    speak: Speak = field(kw_only=True)
    judge: Judge = field(kw_only=True)
    judge_text: JudgeText = field(kw_only=True)
    utterances: list[ScriptedUtterance] = field(kw_only=True)
    patience_s: Mapping[ev.Stage, float] = field(kw_only=True)  # how long a client waits for one that says nothing
    typed: Step | None = None  # the last that was typed
    _step_of: dict[int, Step] = field(default_factory=dict)  # generation -> the step it answers
    _end_of: dict[int, float] = field(default_factory=dict)  # generation -> where the sound it answers ends
    _failures: Counter[tuple[int, str]] = field(default_factory=Counter)  # (number of the step, stage) -> so far

    # -- what the performer asks for

    def transcribe(self, generation: int, start_s: float, end_s: float) -> None:
        """As `StageRunner.transcribe`."""
        transcript, step = transcribed(self.utterances, start_s, end_s)
        self._end_of[generation] = end_s
        if step:
            self._step_of[generation] = step
        takes_s = self.times.asr_s + self.times.asr_per_s * (end_s - start_s)
        if fault := self._fault(generation, "asr"):
            self._break(generation, "asr", fault, takes_s)
        else:
            self._later(takes_s, generation, lambda: ev.Transcribed(self.world.now, generation, transcript))

    def score(self, start_s: float, end_s: float) -> None:
        """As `StageRunner.score`."""
        probability = self._stated(end_s, lambda step: step.complete)
        if probability is None:
            probability = self.judge(start_s, end_s)
        self._scored(end_s, probability, self.times.endpoint_s)

    def judge_words(self, generation: int, text: str) -> None:
        """As `StageRunner.judge_words`: as the script says, or as `judge_text` finds."""
        stated = self._stated(self._end_of[generation], lambda step: step.complete_words)
        probability = self.judge_text(text) if stated is None else stated
        self._judged(generation, probability, self.times.words_s)

    def ask(self, generation: int, messages: Sequence[Message]) -> None:
        """As `StageRunner.ask`."""
        if generation not in self._step_of and self.typed:
            self._step_of[generation] = self.typed
        step = self._step_of.get(generation)
        text = step.reply if step and step.reply is not None else DEFAULT_REPLIES[language_of(messages[-1]["content"])]
        fault = self._fault(generation, "llm")
        writing = self._write(generation)
        takes_s = self.times.llm_first_s
        for i, token in enumerate(_TOKEN.findall(text)):
            takes_s = self.times.llm_first_s + i / self.times.llm_tokens_per_s
            if fault and i >= fault.after_tokens:
                break
            self._later(takes_s, generation, partial(writing.feed, token))
        if fault:
            self._break(generation, "llm", fault, takes_s)
        else:
            self._end_text(generation, takes_s)

    def synthesise(self, generation: int, clause: int, text: str, style: Style) -> None:
        """As `StageRunner.synthesise`."""
        if not self._may_speak(generation):
            return
        first_s = self._wait_for_voice_s(generation) + self.times.tts_first_s
        fault = self._fault(generation, "tts", clause)
        sound = self.speak(text)
        piece = round(_PIECE_S * SAMPLE_RATE)
        pieces = [sound[at : at + piece] for at in range(0, len(sound), piece)]
        for i, samples in enumerate(pieces):
            takes_s = first_s + i * _PIECE_S * self.times.tts_real_time_factor
            if fault and i * _PIECE_S >= fault.after_s:
                break
            self._later(takes_s, generation, partial(self._add, generation, clause, samples, first=i == 0))
        takes_s = first_s + len(pieces) * _PIECE_S * self.times.tts_real_time_factor
        self._voice_free_s[generation] = self.world.now + takes_s
        if fault:
            reached_s = math.ceil(fault.after_s / _PIECE_S) * _PIECE_S * self.times.tts_real_time_factor
            self._break(generation, "tts", fault, min(first_s + reached_s, takes_s))
        else:
            self._later(takes_s, generation, partial(self._end_clause, generation, clause))

    def warm(self, messages: Sequence[Message]) -> None:
        """As `StageRunner.warm`: there is no cache to be filled."""

    # -- how

    def _break(self, generation: int, stage: ev.Stage, fault: Fault, takes_s: float) -> None:
        if fault.how == "stall":
            takes_s += self.patience_s[stage]
        self._fail(generation, stage, _REASONS[fault.how].format(stage), takes_s)

    def _fault(self, generation: int, stage: ev.Stage, clause: int = 0) -> Fault | None:
        """The fault that this call meets, if any."""
        step = self._step_of.get(generation)
        if step is None or stage not in step.fails:
            return None
        fault = step.fails[stage]
        if fault.clause != clause or self._failures[step.number, stage] == fault.times:
            return None
        self._failures[step.number, stage] += 1
        return fault

    def _stated(self, end_s: float, completeness: Callable[[Step], tuple[float, ...]]) -> float | None:
        """How complete the script says the speech is that ended at about `end_s`."""
        last = max((u for u in self.utterances if u.start_s < end_s), key=lambda u: u.start_s, default=None)
        if last is None:
            return None
        stated = completeness(last.step)
        nearest = min(last.spans, key=lambda span: abs(span[1] - end_s))
        from_end = len(last.spans) - last.spans.index(nearest)  # 1: the last piece
        return stated[-from_end] if from_end <= len(stated) else None
