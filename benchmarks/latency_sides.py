"""The sides of `benchmarks.latency`, and the first of them: the live loop at its defaults, in real time.

All receive the same samples over the same noise, and no echo (a headset). A reply is audible when its samples are
handed to the output; no side's sound device is part of the figures.
"""

from __future__ import annotations

import multiprocessing
import sys
import threading
import time
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Protocol

import numpy as np

from benchmarks.latency_services import Delays, Recording, serve
from benchmarks.latency_speech import BenchmarkUtterance
from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.assemble import assemble
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.conversation.trace import AUDIBLE, Trace, latency_parts
from huiyin.assistant.faces.cli.captions import Captions
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.local import LocalPort
from huiyin.assistant.ports.port import Exchange, Pcm16, Samples
from huiyin.assistant.turns.endpointing import Evidence, wait_s
from huiyin.configs.settings import Settings

NOISE_DBFS = -66.0
_BEFORE_S = 0.5  # of silence before speech that is judged at a pause
_JUDGED_S = 0.1  # of silence after it, when it is judged
_STEP_S = 0.010  # it is noted which steps of this length are audible
SILENCE_S = 0.8  # a reply that is silent for so long is over
ANSWER_LIMIT_S = 8.0  # to the end of a reply
_POLL_S = 0.02
_START_LIMIT_S = 60.0


def at_a_pause(part: Samples, rng: np.random.Generator) -> Pcm16:
    """What smart-turn is given at a pause after `part` (float32, 16 kHz): silence around it, over the same noise."""
    sound = np.pad(part, (round(_BEFORE_S * SAMPLE_RATE), round(_JUDGED_S * SAMPLE_RATE)))
    sound = sound + rng.standard_normal(len(sound)).astype(np.float32) * np.float32(10 ** (NOISE_DBFS / 20))
    return (np.clip(sound, -1, 1) * 32767).astype(np.int16)


@dataclass
class Answer:
    """One side's answer to an utterance; times in seconds from the utterance's first sample."""

    audible: list[float]
    """Steps of 10 ms in which the reply was audible."""
    limit_s: float | None = None
    """The least latency that was possible, with what this side knew of the pause."""
    wait_s: float | None = None
    """How long the pause had to last."""
    parts: dict[str, float] = field(default_factory=dict)
    """What the latency was spent on."""
    least: dict[str, float] = field(default_factory=dict)
    """The least that each part can be."""
    is_lost: bool = False
    """The connection broke meanwhile: whatever was audible is no answer."""


class Side(Protocol):
    """Answers one utterance after another."""

    name: str
    about: str
    """Version, options, buffers: what one must know beside the figures; "" where there is nothing."""

    def answer(self, utterance: BenchmarkUtterance) -> Answer:
        """Play it in real time; return when the reply is over."""

    def close(self) -> None:
        """End."""


class Device(Protocol):
    """Where a user speaks and listens; times of the machine's clock (`time.monotonic`)."""

    began_s: float
    """When the first sample of what was said was in the air."""

    @property
    def audible(self) -> list[float]:
        """Steps of 10 ms, since the last `say`, in which something was audible, or will be."""

    def say(self, sound: Samples) -> None:
        """Begin to say `sound` (16 kHz); returns when its first block has begun."""


def answer_heard(device: Device, end_s: float) -> Answer:
    """Wait until the reply to what is being said, `end_s` long, is over."""
    began_s = device.began_s
    while time.monotonic() < began_s + end_s + ANSWER_LIMIT_S:
        time.sleep(_POLL_S)
        audible = device.audible
        last_s = audible[-1] - began_s if audible else 0.0
        if last_s > end_s and time.monotonic() - began_s > last_s + SILENCE_S:
            break
    return Answer([at - began_s for at in device.audible])


class ServicesProcess:
    """The simulated services in a process of their own."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._orders, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,), daemon=True)
        self._process.start()
        self.port: int = self._orders.recv()

    def __enter__(self) -> ServicesProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._orders.send(None)
        self._process.join(_START_LIMIT_S)

    def play(self, recording: Recording) -> None:
        """This recording is played next."""
        self._orders.send(recording)
        self._orders.recv()


class Headset:
    """A `Duplex` in real time: noise and the user's speech to the microphone; notes when the reply is audible."""

    output_latency_s = 0.0

    def __init__(self) -> None:
        self._rng = np.random.default_rng(1)
        self._waiting: Samples = np.zeros(0, np.float32)
        self._begun = threading.Event()
        self._running = False
        self.began_s = self.began_block_s = 0.0  # on the machine's clock, and on the conversation's
        self.audible: list[float] = []

    def start(self, exchange: Exchange) -> None:
        """Run in a thread of its own."""
        self._running = True
        self._thread = threading.Thread(target=self._run, args=(exchange,), name="headset", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._running = False
        self._thread.join()

    def check(self) -> None:
        """It does not fail."""

    def say(self, sound: Samples) -> None:
        """Begin to say `sound`; returns when its first block has begun."""
        self.audible.clear()
        self._begun.clear()
        self._waiting = sound
        self._begun.wait()

    def _run(self, exchange: Exchange) -> None:
        due_s, blocks, is_saying = time.monotonic(), 0, False
        noise = 10 ** (NOISE_DBFS / 20)
        while self._running:
            voice, self._waiting = self._waiting[:BLOCK], self._waiting[BLOCK:]
            if len(voice) and not is_saying:
                self.began_s, self.began_block_s = due_s, blocks * BLOCK / SAMPLE_RATE
                self._begun.set()
            is_saying = len(self._waiting) > 0
            mic = self._rng.standard_normal(BLOCK).astype(np.float32) * noise
            mic[: len(voice)] += voice
            due_s, blocks = due_s + BLOCK / SAMPLE_RATE, blocks + 1
            time.sleep(max(0.0, due_s - time.monotonic()))
            self._note(exchange((np.clip(mic, -1, 1) * 32767).astype(np.int16)), time.monotonic())

    def _note(self, out: Pcm16, at_s: float) -> None:
        step = round(_STEP_S * SAMPLE_RATE)
        for i in range(0, len(out), step):
            if np.abs(out[i : i + step].astype(np.int32)).max() > AUDIBLE:
                self.audible.append(at_s + i / SAMPLE_RATE)


class Huiyin:
    """The live loop at its default settings, with the simulated services."""

    name = "huiyin"
    about = ""

    def __init__(self, settings: Settings, port: int, delays: Delays, llm_port: int | None = None) -> None:
        """`port`: of the simulated services; `llm_port`: of a real LLM service before them, where there is one."""
        ports = {"asr": port, "llm": llm_port or port, "tts": port}
        at = {name: replace(getattr(settings, name), port=number) for name, number in ports.items()}
        self._settings, self._delays = replace(settings, **at), delays
        self._trace, self._seen = Trace(), list[tuple[float, on.Public]]()
        self.headset = Headset()
        persona, tell = load_persona(settings.talk.persona), Captions(sys.stderr).notice
        self._conversation = assemble(Services(self._settings), persona, LocalPort(self.headset), tell, warm=False)
        self._conversation.observe(self._trace, at_once=True)
        self._conversation.observe(lambda at_s, event: self._seen.append((at_s, event)), at_once=True)
        self._thread = threading.Thread(target=self._conversation.run, daemon=True)
        self._thread.start()

    def answer(self, utterance: BenchmarkUtterance) -> Answer:
        """Play it in real time; return when the reply is over."""
        headset, end_s = self.headset, utterance.duration_s
        self._seen.clear()
        headset.say(utterance.sound)
        answer = answer_heard(headset, end_s)
        self._explain(answer, utterance)
        return answer

    def close(self) -> None:
        """End."""
        self._conversation.stop()
        self._thread.join()

    def _explain(self, answer: Answer, utterance: BenchmarkUtterance) -> None:
        """The limit and the parts, from the conversation's events."""
        generation, play_s = 0, 0.0
        for at_s, event in self._seen:
            if isinstance(event, on.ReplyStarted):
                generation, play_s = event.generation, at_s
        reply = self._trace.replies.get(generation)
        after = [at for at in answer.audible if at >= utterance.duration_s]
        if reply is None or not after:
            return
        end_s = self.headset.began_block_s + utterance.duration_s
        answer.parts = latency_parts(reply, end_s, end_s + after[0] - utterance.duration_s)
        known, clause = Evidence(), ""
        for at_s, event in self._seen:
            match event:
                case on.PauseJudged(by="sound") if at_s <= play_s:
                    known.p_sound = event.probability
                case on.PauseJudged(by="words", generation=number) if number == generation:
                    known.p_words = event.probability
                case on.Recognised(generation=number) if number == generation:
                    known.text = event.transcript.text
                case on.ClauseWritten(generation=number, clause=0) if number == generation:
                    clause = event.text
        policy = self._settings.turns
        answer.wait_s = wait_s(policy, known)
        delays = self._delays
        answer.least = {
            "hear": policy.speculate_s,
            "asr": delays.asr_s,
            "llm": delays.clause_s(utterance.reply, clause),
            "tts": delays.tts_first_s,
        }
        answer.limit_s = max(answer.wait_s, sum(answer.least.values()))
