"""The wake phrase: ``python -m benchmarks.wake``.

Forty phrases, alone or with a sentence behind them, spoken by fourteen offline voices in three rooms, with pink noise
20, 12 and 5 dB below: how often they are missed, and how long it takes from the end of a phrase to listening. Then two
hours of people's speech (`data/wake_speech.tsv`), as recorded and in these rooms in turn: how often it wakes.
Thresholds were chosen on *dev*, with phrases, voices, recordings and speakers of its own; what is printed is of *test*.
A run that was broken off goes on where it was.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the services do, before any native library is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import argparse
import csv
import math
import statistics
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command import above_zero, as_command, existing_folder
from benchmarks.latency_heldout import HeldOut, fetch
from benchmarks.latency_speech import speech_in
from benchmarks.output import percent, show, tell
from benchmarks.sentences import DATA
from benchmarks.synthesis import synthesised
from benchmarks.wake_looks import Journal, Look, Sleeper, as_json
from huiyin.assistant.dialogue.wake_phrase import WakePhrase
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.acoustics import room_response
from huiyin.assistant.ports.port import Samples
from huiyin.configs import settings as config
from huiyin.configs.layers import read_toml
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import load_engine
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
            "你好电台", "小河小河", "云朵同学", "早安小屋",
        ),
        "en": (
            "Hey lighthouse", "Okay lighthouse", "Hello lighthouse", "Hey butler", "Okay kitchen", "Hello kitchen",
            "Hey moonlight", "Okay robot", "Hello robot", "Wake up house", "Dear assistant", "Hey sunflower",
            "Okay sunflower", "Hello captain", "Good day computer", "Listen computer",
            "Hey starlight", "Okay garden", "Hello compass", "Hey teapot",
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
"""The test half is spoken by all of them; what is of its own voices is printed, too."""
BEHIND = {"zh": "今天天气怎么样？", "en": "what time is it now?"}
ROOMS = {"bedroom, 1 m": (0.2, 1.0, 20.0), "living room, 2 m": (0.3, 2.0, 12.0), "office, 2 m": (0.6, 2.0, 5.0)}
"""Name -> (reverberation time s, distance m, noise below the speech dB)."""
_BEFORE_S = 3.0  # of noise alone: the ear knows the room
_LEVEL = 0.05  # of the speech, -26 dBFS
_LONGEST_S = 60.0  # a recording ...
_LISTENED_S = 20.0  # ... of which so much is used, at most
_LISTENED = 2  # phrases of each language that listen to other speech
_TOLD = 25  # results between two lines of progress


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("test", "dev"), default="test")
    parser.add_argument("--only", choices=("misses", "false-wakes"))
    parser.add_argument("--show", action="store_true", help="print scores of what was missed, and of false wakes")
    parser.add_argument("--minutes", type=above_zero, default=math.inf, help="of people's speech, at most")
    parser.add_argument(
        "--clones", type=existing_folder, metavar="DIR", help="Git clones OWNER/NAME, instead of the network"
    )
    args = parser.parse_args()
    settings = config.load(environ={})
    bench = _Bench(settings, args.half, shown=args.show)
    if args.only != "false-wakes":
        headings = ["phrases", "room", "said", "missed", "a look, median", "to listening, median", "p95"]
        show(headings, bench.misses())
    if args.only != "misses":
        headings = ["listening", "minutes of people", "looks a minute", "false wakes", "an hour", "of a core"]
        show(headings, bench.false_wakes(args.clones, 60 * args.minutes))


class _Bench:
    """Of one half. `shown`: what was missed, and what woke, is told."""

    def __init__(self, settings: config.Settings, half: str, *, shown: bool) -> None:
        self._settings, self._half, self._shown = settings, half, shown
        self._cache = settings.store.path.parent / "bench"
        self._sleeper = Sleeper(settings, load_engine(settings.asr, ModelStore(settings.store).ensure))

    def misses(self) -> Iterator[Sequence[str]]:
        """How often phrases are missed, by language and room."""
        journal = Journal(self._cache / "wake", self._settings, f"misses-{self._half}")
        said = [
            (language, phrase, voice, _texts(phrase, language)[(p + v) % 2])
            for language, phrases in PHRASES[self._half].items()
            for p, phrase in enumerate(phrases)
            for v, voice in enumerate(self._voices(language))
        ]
        sounds = synthesised(self._settings, [(voice, text) for *_, voice, text in said], self._cache / "wake")
        results: dict[tuple[str, str, str], list[list[dict[str, Any]]]] = {}
        for seed, ((language, phrase, voice, text), sound) in enumerate(zip(said, sounds, strict=True)):
            for room in ROOMS:
                name = f"{text}|{voice}|{room}|{seed}"
                found = journal.get(name)
                if found is None:
                    mic = in_room(speech_in(sound), room, seed, before_s=_BEFORE_S)
                    found = journal.keep(name, self._looked_for(phrase, language, self._sleeper.looks(mic)[0]))
                results.setdefault((language, room, voice), []).append(found)
                if self._shown and not _is_woken(found):
                    tell(f"{text}, {room}, {voice}: {[each['score'] for each in found]}")
            if seed % _TOLD == 0:
                tell(f"phrases: {seed} of {len(said)}")
        for language in PHRASES[self._half]:
            for room in ROOMS:
                yield _missed(f"{language}", room, [(k, v) for k, v in results.items() if k[:2] == (language, room)])
        for language in PHRASES[self._half]:
            yield _missed(language, "all", [(k, v) for k, v in results.items() if k[0] == language])
        yield _missed("all", "all", list(results.items()))
        unheard = [(k, v) for k, v in results.items() if k[2] in VOICES[self._half][k[0]]]
        yield _missed("all, by voices of its own", "all", unheard)

    def _voices(self, language: str) -> tuple[str, ...]:
        own = VOICES[self._half][language]
        return own if self._half == "dev" else own + VOICES["dev"][language]

    def _looked_for(self, phrase: str, language: str, looks: Sequence[Look]) -> list[dict[str, Any]]:
        """What the looks came to, up to the one that woke."""
        found = []
        for each in self._sleeper.find(looks, WakePhrase(phrase), language):
            found.append(each)
            if each.is_woken:
                break
        return as_json(found)

    def false_wakes(self, clones: Path | None, most_s: float) -> Iterator[Sequence[str | None]]:
        """How often other people's speech wakes: `most_s` of it."""
        journal = Journal(self._cache / "wake", self._settings, f"people-{self._half}")
        recordings, folder = people(self._half), self._cache / "held-out"
        fetch(recordings, folder, self._settings.store, clones)
        heard: list[dict[str, Any]] = []
        for number, (recording, room) in enumerate(zip(recordings, cycle([None, *ROOMS]), strict=False)):
            result = journal.get(recording.sha256)
            if result is None:
                samples = decode(recording.file(folder), max_duration_s=_LONGEST_S).samples
                sound = speech_in(samples[: round(_LISTENED_S * SAMPLE_RATE)])
                mic = in_room(sound, room, number, before_s=1.0) if room else np.pad(sound, (SAMPLE_RATE, 0))
                result = journal.keep(recording.sha256, self._heard(mic, len(sound) / SAMPLE_RATE))
            heard.append(result)
            for phrase in self._woken_by(result):
                if self._shown:
                    tell(f"{recording.path}, {room}: {phrase}")
            if sum(each["speech_s"] for each in heard) >= most_s:
                break
            if number % _TOLD == 0:
                minutes = sum(each["speech_s"] for each in heard) / 60
                tell(f"people: {number} of {len(recordings)}, {minutes:.0f} minutes")
        speech_s, mic_s = (sum(each[name] for each in heard) for name in ("speech_s", "mic_s"))
        ear = sum(each["ear_s"] for each in heard) / mic_s
        in_all = 0
        for language, phrases in PHRASES[self._half].items():
            listening = phrases[:_LISTENED]
            count = sum(phrase in listening for each in heard for phrase in self._woken_by(each))
            in_all += count
            looks = [found for each in heard for found in each["found"].get(listening[0], [])]
            hours = speech_s / 3600 * len(listening)  # each phrase listens for itself
            # Of the first phrase alone, as the encoder's work is kept for those after it.
            share = percent(ear + sum(found["cpu_s"] for found in looks) / mic_s) if language == "zh" else None
            yield (
                f"{len(listening)} phrases, {language}", f"{speech_s / 60:.0f}", f"{60 * len(looks) / speech_s:.0f}",
                str(count), f"{count / hours:.2f}", share,
            )  # fmt: skip
        every = _LISTENED * len(PHRASES[self._half])
        hours = speech_s / 3600 * every
        yield f"all {every}", f"{speech_s / 60:.0f}", None, str(in_all), f"{in_all / hours:.2f}", None

    def _heard(self, mic: Samples, speech_s: float) -> dict[str, Any]:
        looks, ear_s = self._sleeper.looks(mic)
        found = {
            phrase: as_json(self._sleeper.find(looks, WakePhrase(phrase), language))
            for language, phrases in PHRASES[self._half].items()
            for phrase in phrases[:_LISTENED]
        }
        mic_s = len(mic) / SAMPLE_RATE
        return {"speech_s": speech_s, "mic_s": mic_s, "ear_s": ear_s, "found": found}

    def _woken_by(self, heard: dict[str, Any]) -> list[str]:
        """The phrases that one recording seemed to have, once for each stretch of speech."""
        return [
            phrase
            for phrase, found in heard["found"].items()
            for _ in {each["stretch_s"] for each in found if each["is_woken"]}
        ]


def people(half: str) -> list[HeldOut]:
    """Recordings of people, in an order of their own."""
    sources = {**read_toml(DATA / "heldout_sources.toml"), **read_toml(DATA / "recognition_sources.toml")}
    with (DATA / "wake_speech.tsv").open(encoding="utf-8") as file:
        listed = [
            HeldOut(
                **{name: sources[row["source"]][name] for name in ("repository", "commit", "language")},
                **{name: row[name] for name in ("source", "path", "sha256")},
                speaker="?",
            )
            for row in csv.DictReader(file, delimiter="\t")
            if row["half"] == half
        ]
    return [listed[i] for i in np.random.default_rng(0).permutation(len(listed))]


def _is_woken(found: Sequence[dict[str, Any]]) -> bool:
    return any(each["is_woken"] for each in found)


def _missed(name: str, room: str, results: Sequence[tuple[tuple[str, ...], list[list[dict[str, Any]]]]]) -> list[str]:
    """A row: how often, and how long it took."""
    every = [found for _, several in results for found in several]
    missed = [not _is_woken(found) for found in every]
    looks_s = [each["took_s"] for found in every for each in found]
    delays_s = sorted(each["delay_s"] for found in every for each in found if each["delay_s"] is not None)
    p95_s = delays_s[int(0.95 * len(delays_s))]
    return [
        name, room, str(len(missed)), percent(np.mean(missed)), f"{statistics.median(looks_s):.2f} s",
        f"{statistics.median(delays_s):.2f} s", f"{p95_s:.2f} s",
    ]  # fmt: skip


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


if __name__ == "__main__":
    as_command(main)
