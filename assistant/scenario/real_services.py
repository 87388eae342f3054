"""The services that run on this machine, asked in virtual time: the conversation waits for them, its clock does not.

Each call is made, and waited for, when the machine asks for it; what it took by the wall clock it takes in the
scenario. A reply is thus written and synthesised to its end even where the conversation goes on without it. No stage
slows another down: the figures are those of the services alone.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.stages import JUDGE_LIMIT_S
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.style import Style
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.simulated_services import Judge, VirtualStages
from huiyin.assistant.turns import events as ev

APOLOGIES_LIMIT_S = 60.0  # for making them before the conversation, which they would slow down
_ENDPOINT_S = 0.06  # what the endpoint model takes beside a running conversation


@dataclass
class RealServices(VirtualStages):
    """A `StageRunner`. `cut`: the microphone's sound between two times, without echo."""

    services: Services = field(kw_only=True)
    voice: str = field(kw_only=True)
    cut: Callable[[float, float], Pcm16] = field(kw_only=True)
    judge: Judge = field(kw_only=True)

    def transcribe(self, generation: int, start_s: float, end_s: float) -> None:
        """As `StageRunner.transcribe`."""
        with self._call(generation, "asr") as (timeout_s, took_s):
            transcript = self.services.transcribe(self.cut(start_s, end_s), timeout_s=timeout_s).one()
            self._later(took_s(), generation, lambda: ev.Transcribed(self.world.now, generation, transcript))

    def score(self, start_s: float, end_s: float) -> None:
        """As `StageRunner.score`."""
        self._scored(end_s, self.judge(start_s, end_s), _ENDPOINT_S)

    def judge_words(self, generation: int, text: str) -> None:
        """As `StageRunner.judge_words`."""
        probability = None
        began_s = time.perf_counter()
        with contextlib.suppress(ServiceError):
            probability = self.services.judge_words(text, timeout_s=JUDGE_LIMIT_S).one()
        self._judged(generation, probability, time.perf_counter() - began_s)

    def ask(self, generation: int, messages: Sequence[Message]) -> None:
        """As `StageRunner.ask`."""
        with self._call(generation, "llm") as (timeout_s, took_s):
            writing = self._write(generation)
            for piece in self.services.ask(messages, timeout_s=timeout_s):
                self._later(took_s(), generation, partial(writing.feed, piece))
            self._end_text(generation, took_s())

    def synthesise(self, generation: int, clause: int, text: str, style: Style) -> None:
        """As `StageRunner.synthesise`."""
        if not self._may_speak(generation):
            return
        first = True
        with self._call(generation, "tts", self._wait_for_voice_s(generation)) as (timeout_s, took_s):
            for samples in self.services.speak(text, self.voice, timeout_s=timeout_s, emotion=style):
                assert not isinstance(samples, list)
                self._later(took_s(), generation, partial(self._add, generation, clause, samples, first=first))
                first = False
            if first:
                raise ServiceError("clients.no_sound")
            self._voice_free_s[generation] = self.world.now + took_s()
            self._later(took_s(), generation, partial(self._end_clause, generation, clause))

    def warm(self, messages: Sequence[Message]) -> None:
        """As `StageRunner.warm`: it takes no time, as it happens between turns."""
        settings = self.services.settings
        if settings.llm.is_embedded:
            with contextlib.suppress(ServiceError):
                list(self.services.ask(messages, timeout_s=settings.turns.llm_timeout_s, max_tokens=1))

    @contextlib.contextmanager
    def _call(
        self, generation: int, stage: ev.Stage, wait_s: float = 0.0
    ) -> Iterator[tuple[float, Callable[[], float]]]:
        """(time limit, how long it has taken in the scenario: `wait_s` before it begins, then what the clock says)."""
        began_s = time.perf_counter()
        turns = self.services.settings.turns
        timeout_s = {"asr": turns.asr_timeout_s, "llm": turns.llm_timeout_s, "tts": turns.tts_timeout_s}[stage]

        def took_s() -> float:
            return wait_s + time.perf_counter() - began_s

        try:
            yield timeout_s, took_s
        except ServiceError as error:
            self._fail(generation, stage, str(error), took_s())
