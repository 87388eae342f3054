"""How soon text follows speech: ``python -m benchmarks.transcription_stream``.

Plays each clip at its own speed into a real service, as a microphone would, and takes the times at which texts arrive:

- first: from the first loud moment of the clip to the first partial that has text; the model's part of it is the
  recogniser's own time, the rest is waiting for sound, detection and transport;
- gap: between two partials, median;
- final: from the last loud moment to the final, 0.6 s of which are the pause that ends the sentence.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from benchmarks.command import as_command, zero_or_more
from benchmarks.output import percent, show, tell
from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.services import Services
from huiyin.assistant.clients.transcription_stream import LiveTranscription
from huiyin.configs import settings as config
from huiyin.services.common.audio import SAMPLE_RATE, Samples, decode
from tests.support.scoring import error_rate
from tests.support.service_process import free_port
from tests.support.speech_clips import english, recorded

BLOCK = SAMPLE_RATE // 25  # 40 ms
BEFORE_S = 0.5  # of silence around a clip
AFTER_S = 1.5
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


def main() -> None:
    """Print a row a clip, the medians, and the error rates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", help="settings profile")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one setting")
    parser.add_argument("--clips", type=zero_or_more, default=0, metavar="N", help="only the first N")
    args = parser.parse_args()
    overrides = [*args.set, f"asr.port={free_port()}"]
    arguments = config.as_arguments(args.profile, overrides)
    times: list[Times] = []
    texts: dict[str, list[tuple[str, str]]] = {}

    def measured(services: Services) -> Iterator[list[str]]:
        for name, language, text, samples in clips(args.clips):
            result, clip_times = play(services, samples)
            texts.setdefault(language, []).append((text, result["text"]))
            times.append(clip_times)
            yield [name, *_cells(clip_times)]
        yield ["median", *_cells(Times(*np.nanmedian([astuple(one) for one in times], axis=0)))]

    with Launcher(config.load(args.profile, overrides), arguments) as launcher:
        launcher.start(["asr"])
        model = launcher.services.get("asr", "/system")
        tell(f"{model['model']} on {model['device']}, {model['threads']} threads; detector: {model['vad']}")
        show(("clip", "first partial", "of it the model", "gap", "final"), measured(launcher.services))
    rates = ([language, str(len(pairs)), percent(error_rate(pairs, language))] for language, pairs in texts.items())
    show(("language", "clips", "error rate"), rates)


def clips(most: int) -> Iterator[tuple[str, str, str, Samples]]:
    """(name, language, text, float32 16 kHz): the recorded clips where they are, else synthesised English."""
    recordings = recorded()
    for path, language, text in recordings[: most or None]:
        yield path.stem[:26], language, text, decode(path, max_duration_s=60).samples
    if not recordings:
        for text in SENTENCES[: most or None]:
            yield text[:26], "en", text, english(text)


def play(services: Services, samples: Samples) -> tuple[dict[str, Any], Times]:
    """The service's result for a clip that is spoken now, and the times of its texts."""
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
    received = [(time.perf_counter() - started, event) for event in events]
    stream.close()
    partials = [(at, event) for at, event in received if event["type"] == "partial" and event["text"]]
    finals = [at for at, event in received if event["type"] == "final"]
    if not partials or not finals:
        raise SystemExit("no text came for a clip; see `huiyin doctor`")
    ats = [at for at, _ in partials]
    gap_s = float(np.median(np.diff(ats))) if len(ats) > 1 else float("nan")
    first_at, first = partials[0]
    times = Times(first_at - onset_s, first["processing_s"], gap_s, finals[-1] - end_s)
    return received[-1][1]["result"], times


def edges_s(sound: Samples) -> tuple[float, float]:
    """Where the first and the last loud moment are."""
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    level_db = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    loud = np.flatnonzero(level_db > level_db.max() - LOUD_DB)
    return float(loud[0]) * FRAME / SAMPLE_RATE, float(loud[-1] + 1) * FRAME / SAMPLE_RATE


def _cells(times: Times) -> list[str]:
    return ["-" if np.isnan(value_s) else f"{1000 * value_s:.0f} ms" for value_s in astuple(times)]


if __name__ == "__main__":
    as_command(main)
