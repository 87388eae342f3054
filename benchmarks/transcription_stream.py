"""How soon text follows speech: ``python -m benchmarks.transcription_stream``.

Plays each clip at its own speed into a real service, as a microphone would, and takes the times at which texts arrive:

- first: from the first loud moment of the clip to the first partial that has text; `model` is the recogniser's own part
  of it, what is left is waiting for sound, detection and transport;
- gap: between two partials, median;
- final: from the last loud moment to the final, 0.6 s of which are the pause that tells that it is one.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.services import Services
from huiyin.assistant.clients.transcription_stream import LiveTranscription
from huiyin.configs import settings as config
from huiyin.services.common.audio import SAMPLE_RATE, Samples, decode
from tests.support.scoring import error_rate
from tests.support.service_process import free_port
from tests.support.speech_clips import english, recorded

BLOCK = SAMPLE_RATE // 25  # 40 ms
BEFORE_S, AFTER_S = 0.5, 1.5  # of silence around a clip
FRAME = SAMPLE_RATE // 100
LOUD_DB = 30.0  # below the loudest moment and above: speech
SENTENCES = ("Please open the window and let some fresh air into the room.", "What is the time, please?")


@dataclass(frozen=True)
class Times:
    """Of one clip, in seconds."""

    first: float
    model: float
    gap: float
    final: float


def main() -> int:
    """Prints a line a clip, and the medians. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", help="settings profile")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one setting")
    parser.add_argument("--clips", type=int, default=0, metavar="N", help="only the first N")
    args = parser.parse_args()
    overrides = [*args.set, f"asr.port={free_port()}"]
    arguments = [*(["--profile", args.profile] if args.profile else []), *(w for o in overrides for w in ("--set", o))]
    times: list[Times] = []
    texts: dict[str, list[tuple[str, str]]] = {}
    with Launcher(config.load(args.profile, overrides), arguments) as launcher:
        launcher.start(["asr"])
        model = launcher.services.get("asr", "/system")
        print(f"{model['model']} on {model['device']}, {model['threads']} threads; detector: {model['vad']}\n")
        print(f"{'clip':<28}{'s':>6}{'first ms':>10}{'model':>7}{'rest':>7}{'gap ms':>8}{'final ms':>10}")
        for name, language, said, samples in clips(args.clips):
            result, found = play(launcher.services, samples)
            texts.setdefault(language, []).append((said, result["text"]))
            times.append(found)
            show(name, len(samples) / SAMPLE_RATE, found)
    columns = zip(*((t.first, t.model, t.gap, t.final) for t in times), strict=True)
    show("median", None, Times(*(float(np.nanmedian(column)) for column in columns)))
    for language, pairs in texts.items():
        print(f"{language} error rate {error_rate(pairs, language):.1%} ({len(pairs)} clips)")
    return 0


def clips(most: int) -> Iterator[tuple[str, str, str, Samples]]:
    """(name, language, text, float32 16 kHz): the recorded clips where they are, else synthesised English."""
    found = recorded()
    for path, language, text in found[: most or None]:
        yield path.stem[:26], language, text, decode(path, max_duration_s=60).samples
    if not found:
        for text in SENTENCES[: most or None]:
            yield text[:26], "en", text, english(text)


def play(services: Services, samples: Samples) -> tuple[dict[str, Any], Times]:
    """The service's result for a clip that is spoken now, and when it said what."""
    sound = np.pad(samples, (round(BEFORE_S * SAMPLE_RATE), round(AFTER_S * SAMPLE_RATE)))
    onset_s, end_s = edges_s(sound)
    stream = LiveTranscription(services, {"rate": SAMPLE_RATE})
    events = stream.events()
    next(events)  # ready
    data = (np.clip(sound, -1, 1) * 32767).astype("<i2")
    started = time.perf_counter()

    def speak() -> None:
        for i in range(0, len(data), BLOCK):
            time.sleep(max(0.0, started + (i + BLOCK) / SAMPLE_RATE - time.perf_counter()))
            stream.send(data[i : i + BLOCK].tobytes())
        stream.end()

    threading.Thread(target=speak, daemon=True).start()
    heard = [(time.perf_counter() - started, event) for event in events]
    stream.close()
    partials = [(at, event) for at, event in heard if event["type"] == "partial" and event["text"]]
    finals = [at for at, event in heard if event["type"] == "final"]
    if not partials or not finals:
        sys.exit("nothing was heard in a clip; see `huiyin doctor`")
    ats = [at for at, _ in partials]
    gap_s = float(np.median(np.diff(ats))) if len(ats) > 1 else float("nan")
    first_at, first = partials[0]
    times = Times(first_at - onset_s, first["processing_s"], gap_s, finals[-1] - end_s)
    return heard[-1][1]["result"], times


def edges_s(sound: Samples) -> tuple[float, float]:
    """Where the first and the last loud moment are."""
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    level_db = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    loud = np.flatnonzero(level_db > level_db.max() - LOUD_DB)
    return float(loud[0]) * FRAME / SAMPLE_RATE, float(loud[-1] + 1) * FRAME / SAMPLE_RATE


def show(name: str, length_s: float | None, t: Times) -> None:
    """One line."""
    ms = ["-" if np.isnan(x) else f"{1000 * x:.0f}" for x in (t.first, t.model, t.first - t.model, t.gap, t.final)]
    length = "" if length_s is None else f"{length_s:.1f}"
    print(f"{name:<28}{length:>6}{ms[0]:>10}{ms[1]:>7}{ms[2]:>7}{ms[3]:>8}{ms[4]:>10}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
