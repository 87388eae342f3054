"""The wake phrase: ``python -m benchmarks.wake``.

Phrases alone and with a sentence behind them, spoken by every offline voice in three rooms, with pink noise 20, 12 and
5 dB below: how often the phrase is missed. Then other people's speech,
cut into stretches as voice activity does: how often it wakes. Each stretch is recognised by the default recogniser from
its beginning, as a sleeping conversation does it.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the services do, before any native library is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np

from benchmarks import latency_heldout
from benchmarks.latency_speech import pauses_in, speech_in
from benchmarks.output import percent, show, tell
from benchmarks.sentences import CHINESE, ENGLISH
from benchmarks.synthesis import synthesised
from huiyin.assistant.conversation.waking import PHRASE_S
from huiyin.assistant.dialogue.wake_phrase import WakePhrase
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.acoustics import room_response
from huiyin.assistant.ports.port import Samples
from huiyin.configs import settings as config
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import Engine, Hints, load_engine
from huiyin.services.common.audio import decode

PHRASES = {
    "zh": ("你好回音", "小音小音", "回音同学", "你好小助手"),
    "en": ("Hey Huiyin", "Okay computer", "Hello assistant", "Hey echo box"),
}
BEHIND = 4  # sentences behind a phrase; it is also said alone
VOICES = {
    "zh": ("zf_xiaoxiao", "zf_xiaobei", "zf_xiaoni", "zf_xiaoyi", "zm_yunxi", "zm_yunyang", "zm_yunjian", "zm_yunxia"),
    "en": ("", "af_heart", "af_bella", "am_michael", "bf_emma", "bm_george"),
}
ROOMS = {"bedroom, 1 m": (0.2, 1.0, 20.0), "living room, 2 m": (0.3, 2.0, 12.0), "office, 2 m": (0.6, 2.0, 5.0)}
"""Name -> (reverberation time s, distance m, noise below the speech dB)."""
_LONGEST_S = 60.0  # a recording
_APART_S = 1.0  # between two tries


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", action="store_true", help="one sentence behind each phrase, and no false wakes")
    parser.add_argument("--show", action="store_true", help="print what was heard of the phrases that were missed")
    args = parser.parse_args()
    settings = config.load(environ={})
    folder = settings.store.path.parent / "bench" / "wake"
    recogniser = load_engine(settings.asr, ModelStore(settings.store).ensure)
    show(
        ["phrase", "room", "said", "missed", "recogniser, median"],
        _misses(settings, folder, recogniser, few=args.few, shown=args.show),
    )
    if not args.few:
        show(["speech", "minutes", "stretches", "false wakes", "an hour"], _false_wakes(settings, folder, recogniser))


def _misses(
    settings: config.Settings, folder: Path, recogniser: Engine, *, few: bool, shown: bool
) -> Iterator[Sequence[str]]:
    said_in_all, missed_in_all = 0, 0
    for language, phrases in PHRASES.items():
        sentences = cycle(CHINESE if language == "zh" else ENGLISH)
        for phrase in phrases:
            behind = ["", *(next(sentences) for _ in range(1 if few else BEHIND))]
            mark = "，" if language == "zh" else ", "
            texts = [f"{phrase}{mark}{sentence}" if sentence else f"{phrase}{mark.strip()}" for sentence in behind]
            lines = [(voice, text) for voice in VOICES[language] for text in texts]
            sounds = synthesised(settings, lines, folder)
            wanted = WakePhrase(phrase)
            for room in ROOMS:
                heard, times_s = [], []
                for number, sound in enumerate(sounds):
                    stretch = in_room(speech_in(sound), room, number)[: round((PHRASE_S + 0.35) * SAMPLE_RATE)]
                    began_s = time.perf_counter()
                    heard.append(recogniser.recognise([stretch], Hints((language,)))[0].text)
                    times_s.append(time.perf_counter() - began_s)
                missed = [text for text in heard if wanted.end_in(text) is None]
                said_in_all, missed_in_all = said_in_all + len(heard), missed_in_all + len(missed)
                if shown and missed:
                    tell(f"{phrase}: {missed}")
                yield (
                    phrase,
                    room,
                    str(len(heard)),
                    percent(len(missed) / len(heard)),
                    f"{statistics.median(times_s):.2f} s",
                )
    yield "all", "", str(said_in_all), percent(missed_in_all / said_in_all), ""


def in_room(sound: Samples, room: str, seed: int) -> Samples:
    """`sound` as a microphone in this room has it, at its old level, with noise."""
    rt60_s, distance_m, below_db = ROOMS[room]
    rng = np.random.default_rng(seed)
    away = np.convolve(sound, room_response(rt60_s, distance_m, 0.0, rng))[: len(sound) + SAMPLE_RATE // 4]
    level = np.sqrt(np.mean(sound**2))
    away *= level / max(np.sqrt(np.mean(away**2)), 1e-9)
    spectrum = np.fft.rfft(rng.standard_normal(len(away)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)), len(away))  # as much in each octave
    noise *= level / np.sqrt(np.mean(noise**2)) * 10 ** (-below_db / 20)
    return np.asarray(np.clip(away + noise, -1, 1), np.float32)


def _false_wakes(settings: config.Settings, folder: Path, recogniser: Engine) -> Iterator[Sequence[str]]:
    wanted = {phrase: WakePhrase(phrase) for phrases in PHRASES.values() for phrase in phrases}
    for name, sounds in (("people", _people(settings, folder)), ("voices", _voices(settings, folder))):
        seconds, stretches, wakes = 0.0, 0, 0
        for sound in sounds:
            seconds += len(sound) / SAMPLE_RATE
            for start in _beginnings(sound):
                stretches += 1
                text = recogniser.recognise([sound[start : start + round(PHRASE_S * SAMPLE_RATE)]], Hints())[0].text
                woken = [phrase for phrase, each in wanted.items() if each.end_in(text) is not None]
                wakes += len(woken)
                for phrase in woken:
                    tell(f"{phrase}: “{text}”")
        hours = seconds / 3600 * len(wanted)  # each phrase listens for itself
        yield name, f"{seconds / 60:.0f}", str(stretches), f"{wakes} of {len(wanted)} phrases", f"{wakes / hours:.2f}"


def _beginnings(sound: Samples) -> Iterator[int]:
    """Where a stretch of speech begins: after a pause, and at most one a second."""
    spans = pauses_in(sound)
    last = -_APART_S
    for at_s in [0.0, *(end_s for _, end_s in spans)]:
        if at_s - last >= _APART_S and len(sound) / SAMPLE_RATE - at_s > 0.4:
            last = at_s
            yield round(at_s * SAMPLE_RATE)


def _people(settings: config.Settings, folder: Path) -> Iterator[Samples]:
    """Recordings of people, those of the held-out set."""
    listed, recorded = latency_heldout.listed(), folder.parent / "held-out"
    latency_heldout.fetch(listed, recorded, settings.store, None)
    for path in sorted(recorded.glob("*.wav")):
        yield decode(path, max_duration_s=_LONGEST_S).samples


def _voices(settings: config.Settings, folder: Path) -> Iterator[Samples]:
    lines = [(voice, text) for voice, text in zip(cycle(VOICES["zh"]), CHINESE, strict=False)]
    lines += [(voice, text) for voice, text in zip(cycle(VOICES["en"]), ENGLISH, strict=False)]
    yield from synthesised(settings, lines, folder)


if __name__ == "__main__":
    main()
