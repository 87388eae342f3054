"""The wake phrase: ``python -m benchmarks.wake``.

Forty phrases, alone and with a sentence behind them, spoken by every offline voice in three rooms, with pink noise 20,
12 and 5 dB below: how often they are missed. Then other people's speech, as recorded and in these rooms: how often it
wakes. All goes through the ear of a conversation; each stretch of speech is then looked at as a sleeping one does, by
the default recogniser. Thresholds were chosen on *dev*, phrases and voices of its own; what is printed is of *test*.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the services do, before any native library is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path

import numpy as np

from benchmarks import latency_heldout
from benchmarks.latency_speech import speech_in
from benchmarks.output import percent, show, tell
from benchmarks.synthesis import synthesised
from huiyin.assistant.conversation.assemble import make_listener
from huiyin.assistant.conversation.phrase_listener import DOUBTFUL, SURE
from huiyin.assistant.conversation.waking import APART_S, LEAST_S, PHRASE_S
from huiyin.assistant.dialogue.wake_phrase import WakePhrase
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.acoustics import room_response
from huiyin.assistant.ports.port import Samples
from huiyin.configs import settings as config
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import Engine, Hints, PhraseEngine, load_engine
from huiyin.services.common.audio import decode

PHRASES = {
    "dev": {
        "zh": ("你好回音", "小音小音", "回音同学", "你好小助手"),
        "en": ("Hey Huiyin", "Okay computer", "Hello assistant", "Hey echo box"),
    },
    "test": {
        "zh": (
            "你好小白", "小白小白", "回音回音", "你好管家", "小管家在吗", "早上好管家", "灯塔灯塔", "你好灯塔",
            "小船小船", "你好月亮", "月亮姐姐", "大树同学", "你好大树", "星星助手", "嘿小助手", "喂小机灵",
        ),
        "en": (
            "Hey lighthouse", "Okay lighthouse", "Hello lighthouse", "Hey butler", "Okay kitchen", "Hello kitchen",
            "Hey moonlight", "Okay robot", "Hello robot", "Wake up house", "Dear assistant", "Hey sunflower",
            "Okay sunflower", "Hello captain", "Good day computer", "Listen computer",
        ),
    },
}  # fmt: skip
VOICES = {
    "dev": {"zh": ("zf_xiaoxiao", "zf_xiaoni", "zm_yunxi", "zm_yunjian"), "en": ("", "af_bella", "bf_emma")},
    "test": {
        "zh": ("zf_xiaobei", "zf_xiaoyi", "zm_yunyang", "zm_yunxia"),
        "en": ("af_heart", "am_michael", "bm_george"),
    },
}
BEHIND = {"zh": "今天天气怎么样？", "en": "what time is it now?"}
ROOMS = {"bedroom, 1 m": (0.2, 1.0, 20.0), "living room, 2 m": (0.3, 2.0, 12.0), "office, 2 m": (0.6, 2.0, 5.0)}
"""Name -> (reverberation time s, distance m, noise below the speech dB)."""
_BEFORE_S = 3.0  # of noise alone: the ear knows the room
_LEVEL = 0.05  # of the speech, -26 dBFS
_LONGEST_S = 20.0  # of a recording
_LISTENED = 4  # phrases of each language that listen to other speech


@dataclass
class Cost:
    """What sleep takes of a core: seconds of sound, of the ear's work, and of each look."""

    heard_s: float = 0.0
    ear_s: float = 0.0
    looks_s: list[float] = field(default_factory=list)


class Sleeper:
    """Looks for phrases as a sleeping conversation does."""

    def __init__(self, settings: config.Settings, engine: Engine) -> None:
        assert isinstance(engine, PhraseEngine)
        self._settings, self._engine, self._scores = settings, engine, engine

    def stretches(self, mic: Samples, cost: Cost) -> list[Samples]:
        """The beginnings of speech in `mic` that would be looked at, as the ear cuts them."""
        ear = make_listener(self._settings, tell)
        pcm = np.pad((np.clip(mic, -1, 1) * 32767).astype(np.int16), (0, -len(mic) % BLOCK + SAMPLE_RATE))
        silence = np.zeros(BLOCK, np.int16)
        began_s = time.perf_counter()
        changes = [c for at in range(0, len(pcm), BLOCK) for c in ear.push(pcm[at : at + BLOCK], silence)]
        cost.ear_s += time.perf_counter() - began_s
        cost.heard_s += len(pcm) / SAMPLE_RATE
        edges = [(change.kind, change.at_s) for change in changes if change.kind in ("started", "paused")]
        found: list[Samples] = []
        last_s = -APART_S
        for number, (kind, at_s) in enumerate(edges):
            end_s = next((end_s for kind, end_s in edges[number + 1 :] if kind == "paused"), len(pcm) / SAMPLE_RATE)
            if kind == "started" and end_s - at_s >= LEAST_S and at_s - last_s >= APART_S:
                last_s = at_s
                cut = ear.cut(at_s, min(end_s, at_s + PHRASE_S))
                found.append((cut / np.float32(32768)).astype(np.float32))
        return found

    def wakes(self, stretch: Samples, phrase: WakePhrase, language: str, cost: Cost) -> tuple[bool, float | None]:
        """(whether it does, the phrase's score), as `PhraseListener` decides."""
        began_s = time.perf_counter()
        found = self._scores.phrase_score(stretch, phrase.text, language) if stretch.any() else None
        is_woken = bool(found and found.score >= SURE)
        if found and DOUBTFUL <= found.score < SURE:
            text = self._engine.recognise([stretch], Hints((language,)))[0].text
            is_woken = phrase.end_in(text) is not None
        cost.looks_s.append(time.perf_counter() - began_s)
        return is_woken, found.score if found else None


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("test", "dev"), default="test")
    parser.add_argument("--few", action="store_true", help="of each phrase one text by each voice")
    parser.add_argument("--only", choices=("misses", "false-wakes"))
    parser.add_argument("--show", action="store_true", help="print scores of what was missed, and of false wakes")
    parser.add_argument(
        "--people", type=Path, metavar="DIR", help="recordings of other speech, instead of the held-out"
    )
    args = parser.parse_args()
    settings = config.load(environ={})
    folder = settings.store.path.parent / "bench" / "wake"
    sleeper = Sleeper(settings, load_engine(settings.asr, ModelStore(settings.store).ensure))
    if args.only != "false-wakes":
        headings = ["phrases", "room", "said", "missed", "a look, median"]
        show(headings, _misses(settings, folder, sleeper, args.half, few=args.few, shown=args.show))
    if args.only != "misses":
        headings = ["listening", "minutes of people", "looks a minute", "false wakes", "an hour", "of a core"]
        show(headings, _false_wakes(settings, sleeper, args.half, args.people, shown=args.show))


def _misses(
    settings: config.Settings, folder: Path, sleeper: Sleeper, half: str, *, few: bool, shown: bool
) -> Iterator[Sequence[str]]:
    counts: dict[tuple[str, str], list[bool]] = {}
    costs: dict[tuple[str, str], Cost] = {}
    said = [
        (language, phrase, voice, text)
        for language, phrases in PHRASES[half].items()
        for phrase in phrases
        for v, voice in enumerate(VOICES[half][language])
        for t, text in enumerate(_texts(phrase, language))
        if not few or (v + t) % 2
    ]
    sounds = synthesised(settings, [(voice, text) for _, _, voice, text in said], folder)
    for seed, ((language, phrase, voice, _), sound) in enumerate(zip(said, sounds, strict=True)):
        for room in ROOMS:
            cost = costs.setdefault((language, room), Cost())
            mic = in_room(speech_in(sound), room, seed, before_s=_BEFORE_S)
            looks = [sleeper.wakes(s, WakePhrase(phrase), language, cost) for s in sleeper.stretches(mic, cost)[:1]]
            is_missed = not any(woken for woken, _ in looks)
            counts.setdefault((language, room), []).append(is_missed)
            if shown and is_missed:
                tell(f"{phrase}, {room}, {voice}: {[score for _, score in looks]}")
    for (language, room), missed in counts.items():
        look_s = statistics.median(costs[language, room].looks_s)
        yield language, room, str(len(missed)), percent(np.mean(missed)), f"{look_s:.2f} s"
    for language in PHRASES[half]:
        every = [each for (spoken, _), missed in counts.items() if spoken == language for each in missed]
        yield language, "all", str(len(every)), percent(np.mean(every)), ""
    every = [each for missed in counts.values() for each in missed]
    yield "all", "all", str(len(every)), percent(np.mean(every)), ""


def _texts(phrase: str, language: str) -> list[str]:
    """The phrase alone, and with a sentence behind it."""
    mark = "，" if language == "zh" else ", "
    return [f"{phrase}{mark.strip()}", f"{phrase}{mark}{BEHIND[language]}"]


def in_room(sound: Samples, room: str, seed: int, before_s: float = 0.0) -> Samples:
    """`sound` as a microphone in this room has it, at its old level, with noise, also `before_s` before it."""
    rt60_s, distance_m, below_db = ROOMS[room]
    rng = np.random.default_rng(seed)
    away = np.convolve(sound, room_response(rt60_s, distance_m, 0.0, rng))[: len(sound) + SAMPLE_RATE // 4]
    level = np.sqrt(np.mean(sound**2))
    away *= level / max(np.sqrt(np.mean(away**2)), 1e-9)
    away = np.pad(away, (round(before_s * SAMPLE_RATE), 0))
    spectrum = np.fft.rfft(rng.standard_normal(len(away)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)), len(away))  # as much in each octave
    noise *= level / np.sqrt(np.mean(noise**2)) * 10 ** (-below_db / 20)
    gain = _LEVEL / level if before_s else 1.0
    return np.asarray(np.clip((away + noise) * gain, -1, 1), np.float32)


def _false_wakes(
    settings: config.Settings, sleeper: Sleeper, half: str, people: Path | None, *, shown: bool
) -> Iterator[Sequence[str]]:
    recordings = _people(settings, people)
    recordings = recordings[::2] if half == "dev" else recordings[1::2]
    costs, wakes = {language: Cost() for language in PHRASES[half]}, dict.fromkeys(PHRASES[half], 0)
    ear, seconds, looks = Cost(), 0.0, 0
    for number, (path, room) in enumerate(zip(recordings, cycle([None, *ROOMS]), strict=False)):
        sound = speech_in(decode(path, max_duration_s=_LONGEST_S).samples)
        mic = in_room(sound, room, number, before_s=1.0) if room else np.pad(sound, (SAMPLE_RATE, 0))
        seconds += len(sound) / SAMPLE_RATE
        stretches = sleeper.stretches(mic, ear)
        looks += len(stretches)
        for language, phrases in PHRASES[half].items():
            for stretch in stretches:
                for phrase in phrases[:_LISTENED]:
                    woken, score = sleeper.wakes(stretch, WakePhrase(phrase), language, costs[language])
                    wakes[language] += woken
                    if shown and woken:
                        tell(f"{path.name}, {room}: {phrase}, {score}")
    for language, count in wakes.items():
        share = ear.ear_s / ear.heard_s + sum(costs[language].looks_s) / _LISTENED / seconds
        hours = seconds / 3600 * _LISTENED  # each phrase listens for itself
        yield (
            f"{_LISTENED} phrases, {language}", f"{seconds / 60:.0f}", f"{60 * looks / seconds:.0f}", str(count),
            f"{count / hours:.2f}", percent(share),
        )  # fmt: skip


def _people(settings: config.Settings, folder: Path | None) -> list[Path]:
    """Recordings of people, those of the held-out set, in an order of their own."""
    if folder is None:
        listed, folder = latency_heldout.listed(), settings.store.path.parent / "bench" / "held-out"
        latency_heldout.fetch(listed, folder, settings.store, None)
    paths = sorted(path for path in folder.iterdir() if path.suffix in (".wav", ".flac"))
    return [paths[i] for i in np.random.default_rng(0).permutation(len(paths))]


if __name__ == "__main__":
    main()
