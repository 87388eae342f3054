"""Utterances with pauses in them, for `benchmarks.latency`: recorded speakers and offline voices, zh and en.

Each holds a pause of 200-700 ms that is not its end: the speaker's own, or one put in at a quiet place. Everything is
deterministic; what takes long (synthesis, recognition) is kept in the cache folder.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import cycle, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.latency_services import Recording
from benchmarks.output import tell
from benchmarks.sentences import DATA, TEXTS
from benchmarks.synthesis import synthesised
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Samples
from huiyin.configs.files import write_whole
from huiyin.configs.settings import Settings
from huiyin.configs.store.model_store import ModelStore
from huiyin.services import asr
from huiyin.services.asr.recogniser import Hints, load_engine
from huiyin.services.common.audio import decode
from huiyin.services.common.text import is_chinese
from tests.support.speech_clips import recorded

SHORTEST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 0.7
PAUSES_S = (0.3, 0.5, 0.7, 0.25, 0.4, 0.6)  # put in, in turn
_PEAK = 0.5
_FRAME = SAMPLE_RATE // 100
_QUIET = 0.02  # of the peak: a frame without a louder sample belongs to a pause
_ABOVE_NOISE = 4.0  # times the recording's noise (12 dB): less is not speech
_LOUDEST_NOISE = 0.02  # of the peak
_CLICK = 8  # frames: what fills less than half of them is a click
_SEARCH_S = 0.35  # around the place asked for, the quietest ...
_WINDOW_S = 0.04  # ... so long
_FADE = SAMPLE_RATE // 100

REPLIES: dict[str, list[str]] = TEXTS["latency"]["replies"]


@dataclass(frozen=True)
class BenchmarkUtterance:
    """`sound`: float32, 16 kHz, from the first audible sample to the last. `pauses`: (start, end) in seconds."""

    name: str
    language: str
    sound: Samples
    pauses: tuple[tuple[float, float], ...]
    reply: str

    @property
    def duration_s(self) -> float:
        """Of the sound."""
        return len(self.sound) / SAMPLE_RATE

    @property
    def spans(self) -> list[tuple[float, float]]:
        """Speech between the pauses, each with half of the silence around it."""
        middles = [(start + end) / 2 for start, end in self.pauses]
        return list(zip([0.0, *middles], [*middles, self.duration_s], strict=True))


@dataclass(frozen=True)
class Spoken:
    """One recording. `sound`: as `speech_in` returns it. `pauses`: at which shares of it pauses are put in, in turn."""

    name: str
    language: str
    sound: Samples
    pauses: tuple[float, ...]


def utterances(settings: Settings, folder: Path, unseen: bool) -> list[BenchmarkUtterance]:
    """The benchmark's own; `unseen`: others, by which no threshold was chosen until 2026-11-30.

    Starts the TTS service when a sentence is not in `folder` yet.
    """
    return with_pauses(
        [*([] if unseen else _recorded()), *_synthesised(settings, folder, "unseen" if unseen else "usual")]
    )


def with_pauses(parts: Iterable[Spoken]) -> list[BenchmarkUtterance]:
    """All of them in a fixed order that mixes speakers and languages, so that the first few stand for all."""
    pauses, replies = cycle(PAUSES_S), {language: cycle(lines) for language, lines in REPLIES.items()}
    result: list[BenchmarkUtterance] = []
    for part in parts:
        sound = part.sound
        for share in part.pauses:
            sound = with_pause(sound, share, next(pauses))
        sound = shortened(sound)
        result.append(
            BenchmarkUtterance(part.name, part.language, sound, tuple(pauses_in(sound)), next(replies[part.language]))
        )
    return sorted(result, key=lambda utterance: hashlib.sha256(utterance.name.encode()).digest())


def _recorded() -> Iterator[Spoken]:
    """Each recording as it is, and with more pauses."""
    for path, language, _ in recorded():
        sound = speech_in(decode(path, max_duration_s=60).samples)
        yield Spoken(path.stem, language, sound, () if any(pauses_in(sound)) else (0.5,))
        yield Spoken(f"{path.stem} +", language, sound, (0.35, 0.7) if len(sound) > 4 * SAMPLE_RATE else (0.65,))


def _synthesised(settings: Settings, folder: Path, name: str) -> Iterator[Spoken]:
    """The sentences of a set, with a pause where they have one."""
    lines = _lines(name)
    plain = [(voice, text.replace("| ", "").replace("|", "")) for voice, text in lines]
    sounds = synthesised(settings, plain, folder)
    for (voice, text), (_, sentence), sound in zip(lines, plain, sounds, strict=True):
        language = "zh" if is_chinese(text) else "en"
        share = text.index("|") / len(sentence)
        yield Spoken(f"{voice or 'hibari'}: {sentence}", language, speech_in(sound), (share,))


def _lines(name: str) -> list[tuple[str, str]]:
    """(voice, text) of a set; "|" stands where the speaker pauses. An empty voice is the service's own choice."""
    with (DATA / "latency_utterances.tsv").open(encoding="utf-8") as file:
        return [(row["voice"], row["text"]) for row in csv.DictReader(file, delimiter="\t") if row["set"] == name]


def speech_in(sound: Samples) -> Samples:
    """The speech in `sound`, at `_PEAK`: without the silence, the noise and the clicks around it."""
    sound = (sound / np.abs(sound).max() * _PEAK).astype(np.float32)
    speech = np.flatnonzero(_speech_frames(sound))
    return sound[speech[0] * _FRAME : (speech[-1] + 1) * _FRAME]


def pauses_in(sound: Samples) -> Iterator[tuple[float, float]]:
    """Pauses of at least `SHORTEST_PAUSE_S` in `sound`: (start, end) in seconds."""
    at = np.flatnonzero(_speech_frames(sound))
    for before, after in pairwise(at):
        start_s, end_s = (before + 1) * _FRAME / SAMPLE_RATE, after * _FRAME / SAMPLE_RATE
        if end_s - start_s >= SHORTEST_PAUSE_S - 1e-9:
            yield start_s, end_s


def _speech_frames(sound: Samples) -> npt.NDArray[np.bool_]:
    """Which frames hold speech: louder than the recording's own noise, and no click."""
    count = len(sound) // _FRAME
    level = np.abs(sound[: count * _FRAME]).reshape(count, _FRAME).max(axis=1)
    noise = min(float(np.percentile(level, 10)), float(level.max()) * _LOUDEST_NOISE)  # where it is not all speech
    loud = level > max(float(level.max()) * _QUIET, _ABOVE_NOISE * noise)
    dense = np.convolve(loud, np.ones(_CLICK), "valid") > _CLICK // 2  # windows with more than a click in them
    return loud & (np.convolve(dense, np.ones(_CLICK), "full") > 0)


def with_pause(sound: Samples, share: float, pause_s: float) -> Samples:
    """`sound` with the quietest place near `share` of it made a pause of `pause_s`, unless it is a longer one."""
    reach, window = round(_SEARCH_S * SAMPLE_RATE), round(_WINDOW_S * SAMPLE_RATE)
    start = max(0, round(len(sound) * share) - reach)
    power = np.convolve(sound[start : start + 2 * reach] ** 2, np.ones(window, np.float32), "valid")
    at = start + int(power.argmin()) + window // 2
    loud = np.flatnonzero(np.abs(sound) > np.abs(sound).max() * _QUIET)
    after_it = int(np.searchsorted(loud, at))
    quiet = int(loud[after_it] - loud[after_it - 1]) if 0 < after_it < len(loud) else 0
    before, after = sound[:at].copy(), sound[at:].copy()
    ramp = np.linspace(0, 1, _FADE, dtype=np.float32)
    before[-_FADE:] *= ramp[::-1]
    after[:_FADE] *= ramp
    return np.concatenate([before, np.zeros(max(0, round(pause_s * SAMPLE_RATE) - quiet), np.float32), after])


def shortened(sound: Samples) -> Samples:
    """`sound` with no pause longer than `LONGEST_PAUSE_S`."""
    for start_s, end_s in reversed(list(pauses_in(sound))):
        if end_s - start_s > LONGEST_PAUSE_S:
            half = LONGEST_PAUSE_S / 2
            sound = np.concatenate(
                [sound[: round((start_s + half) * SAMPLE_RATE)], sound[round((end_s - half) * SAMPLE_RATE) :]]
            )
    return sound


def _state(settings: Settings) -> str:
    """Of the recogniser: other code or settings may transcribe otherwise."""
    folder = Path(asr.__file__).parent
    chosen = settings.asr.engine, settings.asr.model, settings.asr.precision, settings.asr.runtime
    files = sorted(file for file in folder.rglob("*") if file.suffix in (".py", ".txt"))
    code = b"".join(file.read_bytes() for file in files)
    return hashlib.sha256(code + repr(chosen).encode()).hexdigest()[:12]


def recordings(settings: Settings, spoken: list[BenchmarkUtterance], folder: Path) -> Iterator[Recording]:
    """Each utterance with what the default recogniser transcribes of it, and of every run of its spans."""
    file = folder / f"words-{_state(settings)}.json"
    known: dict[str, str] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    recogniser = None
    for number, utterance in enumerate(spoken, 1):
        texts = {}
        spans = utterance.spans
        for first in range(len(spans)):
            for last in range(first, len(spans)):
                part = utterance.sound[round(spans[first][0] * SAMPLE_RATE) : round(spans[last][1] * SAMPLE_RATE)]
                key = hashlib.sha256(part.tobytes()).hexdigest()[:24]
                if key not in known:
                    if recogniser is None:
                        tell("transcribing every part of the recordings (once) …")
                        recogniser = load_engine(settings.asr, ModelStore(settings.store).ensure)
                    recognition = recogniser.recognise([part], Hints((utterance.language,)))[0]
                    known[key] = recognition.text.strip()
                texts[f"{first}-{last}"] = known[key]
        if recogniser is not None and (number % 8 == 0 or number == len(spoken)):
            write_whole(file, json.dumps(known, ensure_ascii=False, indent=0).encode())
        yield Recording(utterance.sound, spans, texts, utterance.language, utterance.reply)
