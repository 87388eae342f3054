"""The same utterances in virtual time, for `benchmarks.latency --simulated`: no load, no HTTP, the same every time.

The scenario runner plays each recording to the real voice activity, endpoint model and turn machine; only the services
are simulated. Their recogniser returns what the default one transcribed, beforehand, of exactly the part that it is
sent, with the marks that it set there: as in real time.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.latency_services import Delays, Recording
from benchmarks.latency_sides import Answer
from benchmarks.latency_speech import BenchmarkUtterance
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.wav import wav_bytes
from huiyin.assistant.scenario.api import Log, Moment, parse, simulate
from huiyin.assistant.turns.endpointing import Evidence, wait_s
from huiyin.configs.settings import Settings, with_overrides

_HEADSET = {"echo_db": -90.0, "rt60_s": 0.05}
_JUDGE = "turns.endpoint_words"
_BEFORE = {"types": "Hello.", "reply": "Hello."}  # in a conversation that goes on, it is known how quick replies are
_PROBABILITY = re.compile(r"[\d.]+$")


class Simulated:
    """A `Side` in virtual time; `recorded` are the utterances by their names, with what a recogniser transcribes."""

    name = "simulated"
    about = ""

    def __init__(
        self,
        settings: Settings,
        overrides: Sequence[str],
        recorded: dict[str, Recording],
        delays: Delays,
        judge: Callable[[str], float | None],
    ) -> None:
        """`overrides`: what of `settings` is not the default, as ``section.key=value``. `judge`: of the words."""
        self._overrides = {_JUDGE: "always", **dict(override.split("=", 1) for override in overrides)}
        settings = with_overrides(settings, [f"{key}={value}" for key, value in self._overrides.items()])
        self._policy, self._recorded, self._delays, self._judge = settings.turns, recorded, delays, judge

    def answer(self, utterance: BenchmarkUtterance) -> Answer:
        """Play it; a conversation of its own."""
        delays, recording = self._delays, self._recorded[utterance.name]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "said.wav"
            file.write_bytes(wav_bytes((utterance.sound * 32767).astype(np.int16), SAMPLE_RATE))
            turn = {
                "audio": str(file),
                "heard": recording.text_between(0.0, utterance.duration_s),
                "language": utterance.language,
                "reply": utterance.reply,
            }
            services = {
                "asr": {"takes_ms": delays.asr_s * 1000},
                "llm": {"first_token_ms": delays.llm_first_s * 1000, "tokens_per_s": 1 / delays.llm_token_s},
                "tts": {"first_audio_ms": delays.tts_first_s * 1000},
            }
            scenario = {"depth": "room", "room": _HEADSET, "settings": self._overrides, "services": services}
            script = parse({**scenario, "turns": [_BEFORE, turn]})
            log = simulate(script, judge_text=self._judge, recognise=recording.text_between).log
        *_, begins = log.named("user starts")
        replies = [moment.at_s - begins.at_s for moment in log.named("reply starts")]
        answer = Answer([at_s for at_s in replies if at_s > 0])
        if answer.audible:
            self._explain(answer, log, utterance)
        return answer

    def close(self) -> None:
        """Nothing to end."""

    def _explain(self, answer: Answer, log: Log, utterance: BenchmarkUtterance) -> None:
        *_, starts = log.named("reply starts")
        words = [m for m in log.named("words judged") if m.generation == starts.generation]
        before = [m for m in log.named("endpoint scored") if m.at_s <= starts.at_s]
        text = next((m.text for m in log.named("asr answers") if m.generation == starts.generation), "")
        clause = next((m.detail for m in log.named("llm first clause") if m.generation == starts.generation), "")
        evidence = Evidence(_probability(before), text, _probability(words))
        answer.wait_s = wait_s(self._policy, evidence)
        delays = self._delays
        services_s = delays.asr_s + delays.clause_s(utterance.reply, clause) + delays.tts_first_s
        answer.limit_s = max(answer.wait_s, self._policy.speculate_s + services_s)


def _probability(moments: Sequence[Moment]) -> float | None:
    """The probability in the last one's detail."""
    match = _PROBABILITY.search(moments[-1].detail) if moments else None
    return float(match[0]) if match else None
