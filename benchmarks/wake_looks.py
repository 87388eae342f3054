"""What a sleeping conversation looks at, and what it decides, for ``python -m benchmarks.wake``; kept in a journal.

Sound goes through the ear of a conversation and its `WakingEar`; what that wants to know is then asked of
`PhraseListener`, with the default recogniser in this process instead of behind HTTP.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.output import tell
from huiyin.assistant.clients.services import Services
from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.conversation import phrase_listener, waking
from huiyin.assistant.conversation.assemble import make_listener
from huiyin.assistant.conversation.phrase_listener import IS_NEAR, PHRASE_END_S, PhraseListener
from huiyin.assistant.conversation.stages import TurnSoFar
from huiyin.assistant.conversation.waking import FIRST_S, WakingEar
from huiyin.assistant.conversation.world import Plan, Source, VirtualWorld
from huiyin.assistant.dialogue.wake_phrase import WakePhrase
from huiyin.assistant.ears import listener, vad
from huiyin.assistant.ears.listener import PRE_ROLL_S
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16, Samples
from huiyin.assistant.turns.events import Transcript
from huiyin.configs.settings import Settings
from huiyin.services.asr.engines import whisper, whisper_model
from huiyin.services.asr.engines.whisper_model import Encoded
from huiyin.services.asr.recogniser import Engine, Hints, PhraseEngine

_DECIDED_BY = (waking, phrase_listener, listener, vad, whisper, whisper_model)
_ANY = WakePhrase("你好回音")  # the ear does not look at it
_NEVER_S = 1e9
_MOST_ENCODED = 64  # more than a recording has looks


@dataclass(frozen=True)
class Look:
    """What was looked at: `turn` of the sound that began `start_s` after its beginning, at `at_s`."""

    turn: TurnSoFar
    sound: Pcm16
    microphone: Pcm16
    at_s: float


@dataclass(frozen=True)
class Found:
    """What a look came to. `score`: the best; `cpu_s`: of all cores; `stretch_s`: when the stretch of speech began.
    `delay_s`: from the end of the phrase to listening, where it wakes."""

    score: float | None
    is_woken: bool
    is_near: bool
    took_s: float
    cpu_s: float
    stretch_s: float
    delay_s: float | None = None


class _Asleep:
    """A `Recogniser` that only notes what is asked of it."""

    def __init__(self, world: VirtualWorld) -> None:
        self.looks: list[Look] = []
        self._world = world

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        assert turn.microphone
        self.looks.append(Look(turn, turn.sound(), turn.microphone(), self._world.now))
        return Plan([], 0.0)


class _Local(Services):
    """The recogniser of this process."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        super().__init__(settings)
        assert isinstance(engine, PhraseEngine)
        self._engine: Any = engine
        self.scores: list[float] = []

    def phrase(
        self, samples: Pcm16, phrase: str, language: str, *, timeout_s: float
    ) -> Stream[tuple[float | None, float]]:
        async def give() -> AsyncGenerator[tuple[float | None, float], None]:
            found = self._engine.phrase_score(_floats(samples), phrase, language) if samples.any() else None
            self.scores += [found.score] if found else []
            yield (found.score, found.end_s) if found else (None, 0.0)

        return Stream(give)

    def transcribe(self, samples: Pcm16, *, timeout_s: float, language: str = "") -> Stream[Transcript]:
        async def give() -> AsyncGenerator[Transcript, None]:
            yield Transcript(self._engine.recognise([_floats(samples)], Hints((language,)))[0].text, language)

        return Stream(give)


class Sleeper:
    """Looks for phrases as a sleeping conversation does."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings, self._local = settings, _Local(settings, engine)
        _encodes_once(engine)

    def looks(self, mic: Samples) -> tuple[list[Look], float]:
        """(all looks of one that is not woken and takes the phrase for near, seconds of a core that the ear took)."""
        world, ear = VirtualWorld(), make_listener(self._settings, tell)
        asleep = _Asleep(world)
        sleeper = WakingEar(world, ear, asleep, asleep, _ANY, _NEVER_S)
        pcm = np.pad((np.clip(mic, -1, 1) * 32767).astype(np.int16), (0, -len(mic) % BLOCK + SAMPLE_RATE))
        silence = np.zeros(BLOCK, np.int16)
        began_s = time.process_time()
        for at in range(0, len(pcm), BLOCK):
            world.jump(BLOCK / SAMPLE_RATE)
            sleeper.push(pcm[at : at + BLOCK], silence)
        return asleep.looks, time.process_time() - began_s

    def find(self, looks: Sequence[Look], phrase: WakePhrase, language: str) -> Iterator[Found]:
        """Whether the phrase is in each, as `PhraseListener` decides; without those that `WakingEar` leaves out."""
        closed_s: float | None = None
        for look in looks:
            if look.turn.start_s == closed_s:
                continue
            found = self._find(look, phrase, language)
            yield found
            if look.turn.end_s >= look.turn.start_s + FIRST_S and not found.is_near:
                closed_s = look.turn.start_s

    def _find(self, look: Look, phrase: WakePhrase, language: str) -> Found:
        self._local.scores = []
        turn = replace(look.turn, sound=lambda: look.sound, microphone=lambda: look.microphone)
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        words = PhraseListener(self._local, phrase, language).transcribe(turn)
        assert isinstance(words, Stream)
        transcript = words.one()
        took_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
        is_woken, end_s = phrase.end_in(transcript.text) is not None, transcript.facts.get(PHRASE_END_S)
        is_timed = is_woken and isinstance(end_s, float)
        delay_s = look.at_s + took_s - (turn.start_s - PRE_ROLL_S + end_s) if is_timed else None  # type: ignore[operator]
        is_near = is_woken or bool(transcript.facts.get(IS_NEAR))
        best = max(self._local.scores, default=None)
        return Found(best, is_woken, is_near, took_s, cpu_s, turn.start_s, delay_s)


class Journal:
    """Results by name, a line each, kept while nothing changes by which they came about: a run that was broken off goes
    on where it was."""

    def __init__(self, folder: Path, settings: Settings, what: str) -> None:
        files = [Path(module.__file__ or "") for module in _DECIDED_BY] + [Path(__file__)]
        made_by = sha256(b"".join(file.read_bytes() for file in files) + repr(settings.asr).encode())
        self._file = folder / f"{what}-{made_by.hexdigest()[:12]}.jsonl"
        self._known: dict[str, Any] = {}
        if self._file.is_file():
            with self._file.open(encoding="utf-8") as lines:
                for line in lines:
                    if line.endswith("\n"):  # one that was cut by the end of the program is made again
                        name, result = json.loads(line)
                        self._known[name] = result

    def get(self, name: str) -> Any:
        """What was found, None where it was not looked for yet."""
        return self._known.get(name)

    def keep(self, name: str, result: Any) -> Any:
        """The same, from now on known."""
        self._known[name] = result
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps([name, result], ensure_ascii=False) + "\n")
        return result


def _encodes_once(engine: Any) -> None:
    """The encoder's work on what is looked at for several phrases is kept. The first of them takes the whole time."""
    encode, known = engine._whisper.encode, dict[tuple[bytes, float], Encoded]()

    def once(samples: Samples, window_s: float) -> Encoded:
        key = samples.tobytes(), window_s
        if key not in known:
            if len(known) >= _MOST_ENCODED:
                known.clear()
            known[key] = encode(samples, window_s)
        return known[key]

    engine._whisper.encode = once


def as_json(found: Iterable[Found]) -> list[dict[str, Any]]:
    """For the journal."""
    return [asdict(each) for each in found]


def _floats(samples: Pcm16) -> Samples:
    return np.asarray(samples / np.float32(32768), np.float32)
