"""A few words and a sentence with a pause between them: ``python -m benchmarks.recogniser.pauses``.

A decoder that goes through both at once may leave one out, without a word of it. The sentences are recordings of people
(`dev` in `benchmarks.recogniser.transcribed`); the few words are the shortest of them, and short answers by our
voices. Each of these follows a sentence, and precedes one, with pauses of 0.5 to 3 s. One is *left out* where the
transcript is nearer to the other alone than to both; both as the recogniser writes them by themselves. Of every two
of the few words one is kept aside: nothing was chosen by it.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the services do, before any native library is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
from faster_whisper.vad import get_vad_model

from benchmarks.command import as_command, existing_folder
from benchmarks.latency_heldout import fetch
from benchmarks.mixed_recordings import EDGE_S, MixedRecording, Part, tokens, transcribed
from benchmarks.output import percent, show, tell
from benchmarks.recogniser.peers import bench_dir
from benchmarks.recogniser.transcribed import listed
from benchmarks.synthesis import synthesised
from huiyin.configs import settings as config
from huiyin.configs.settings import Settings
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import load_engine
from huiyin.services.common.audio import SAMPLE_RATE, decode
from tests.support.scoring import errors
from tests.support.speech_clips import trimmed

PAUSES_S = (0.5, 1.0, 1.5, 2.0, 3.0)
ORDERS = ("few words after", "few words before")
ANSWERS = {
    "zh": ("好的谢谢", "我知道了", "明天上午", "没问题", "不用了吧", "在哪里呢", "两点半", "再等一下"),
    "en": ("thank you", "not today", "I see", "maybe later", "at half past two", "sounds good", "where is it", "go on"),
}
VOICES = {"zh": ("zf_xiaoxiao", "zm_yunxi"), "en": ("af_heart", "")}  # an empty one is the service's own choice
RECORDED = 8  # of the few words, in each language
MOST_SPEECH_S = 1.6  # of the few words
LONGEST_S = 6.0
_LENGTH_S = 60.0


def main() -> int:
    """Print the table. Returns 1 where something is left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("both", "tuned", "aside"), default="both", help="which of the few words")
    parser.add_argument("--show", action="store_true", help="print each transcript")
    parser.add_argument("--clones", type=existing_folder, help="Git clones, OWNER/NAME, to read instead of the network")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one setting")
    args = parser.parse_args()
    settings = config.load(overrides=args.set)
    chosen = [
        each
        for each in with_pauses(settings, args.clones)
        if args.half == "both" or each.aside == (args.half == "aside")
    ]
    engine = load_engine(settings.asr, ModelStore(settings.store).ensure)
    alone: dict[int, list[str]] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for recording in chosen:
        for part in recording.parts:
            if id(part) not in alone:
                edge = np.zeros(round(EDGE_S * SAMPLE_RATE), np.float32)
                alone[id(part)] = tokens(transcribed(engine, np.concatenate([edge, part.sound, edge])))
        began = time.process_time()
        text = transcribed(engine, recording.sound)
        took_s = time.process_time() - began
        lost = _left_out(tokens(text), *(alone[id(part)] for part in recording.parts))
        groups = (recording.parts[0].language, recording.kind, f"{recording.pause_s:g} s", "all")
        _count(counts, groups, recording, text, lost, took_s)
        if args.show or lost:
            tell(f"{recording.kind}, {recording.pause_s:g} s{', left out' if lost else ''}")
            tell(f"    {' / '.join(part.text for part in recording.parts)}\n    {text}")
    show(("recordings", "number", "left out", "error rate", "processor time"), _rows(counts))
    return int(counts["all", "lost"] > 0)


def with_pauses(settings: Settings, clones: Path | None = None) -> list[MixedRecording]:
    """All of them; what is not in the cache yet is fetched, or synthesised."""
    found = []
    for language in ANSWERS:
        short, long = _recorded(settings, language, clones)
        lines = list(zip(cycle(VOICES[language]), ANSWERS[language], strict=False))
        sounds = synthesised(settings, lines, settings.store.path.parent / "bench-speech")
        few = [*(Part(text, language, trimmed(sound)) for (_, text), sound in zip(lines, sounds, strict=True)), *short]
        sentences = cycle(long)
        for number, words in enumerate(few):
            for pause_s in PAUSES_S:
                for order in ORDERS:
                    pair = (next(sentences), words)
                    parts = pair if order == ORDERS[0] else pair[::-1]
                    found.append(MixedRecording(order, language, pause_s, parts, aside=number % 2 == 1))
    return found


def _recorded(settings: Settings, language: str, clones: Path | None) -> tuple[list[Part], list[Part]]:
    """(the few words, sentences) of people."""
    clips = [clip for clip in listed("dev") if clip.recording.language == language]
    folder = bench_dir() / "held-out"
    fetch([clip.recording for clip in clips], folder, settings.store, clones)
    voice = get_vad_model()
    short, long = [], []
    for clip in clips:
        sound = trimmed(decode(clip.recording.file(folder), max_duration_s=_LENGTH_S).samples)
        part = Part(clip.text.lower(), language, sound)
        speech_s = float(np.count_nonzero(voice(np.pad(sound, (0, -len(sound) % 512))) > 0.5)) * 512 / SAMPLE_RATE
        if speech_s <= MOST_SPEECH_S and len(short) < RECORDED:
            short.append(part)
        elif len(sound) <= LONGEST_S * SAMPLE_RATE:
            long.append(part)
    return short, long


def _left_out(heard: list[str], first: list[str], second: list[str]) -> bool:
    both = errors([*first, *second], heard)
    return any(other and errors(kept, heard) < both for kept, other in ((first, second), (second, first)))


def _count(
    counts: Counter[tuple[str, str]],
    groups: tuple[str, ...],
    recording: MixedRecording,
    text: str,
    lost: bool,
    took_s: float,
) -> None:
    expected = [token for part in recording.parts for token in tokens(part.text)]
    for group in groups:
        counts[group, "number"] += 1
        counts[group, "lost"] += lost
        counts[group, "errors"] += errors(expected, tokens(text))
        counts[group, "tokens"] += len(expected)
        counts[group, "ms"] += round(1000 * took_s)


def _rows(counts: Counter[tuple[str, str]]) -> Iterator[list[str]]:
    for group in dict.fromkeys(group for group, _ in counts):
        number, lost, wrong, size, ms = (counts[group, key] for key in ("number", "lost", "errors", "tokens", "ms"))
        yield [group, str(number), str(lost), percent(wrong / size), f"{ms / 1000:.1f} s"]


if __name__ == "__main__":
    as_command(main)
