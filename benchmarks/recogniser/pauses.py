"""A few words and a sentence with a pause between them: ``python -m benchmarks.recogniser.pauses``.

A decoder that goes through both at once may leave one out, and nothing shows it. The sentences are recordings of people
(`dev` in `benchmarks.recogniser.transcribed`); the few words are the shortest of them, and short answers by our
voices. Each of these follows a sentence, and precedes one, with pauses of 0.5 to 3 s. One is *left out* where the
transcript is nearer to the other alone than to both; both as the recogniser writes them by themselves. Of every two
of the few words one is kept aside: nothing was chosen by it.

Hesitations by our voices stand beside such sentences, too. They have no words: those that the transcript has beyond the
sentence's own, but for hesitations, are *made up*.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the services do, before any native library is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TypeAlias

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
from huiyin.services.asr.engines.whisper_parts import VAD_FRAME, spoken_s
from huiyin.services.asr.recogniser import Engine, load_engine
from huiyin.services.common.audio import SAMPLE_RATE, decode
from tests.support.scoring import errors
from tests.support.speech_clips import trimmed

PAUSES_S = (0.5, 1.0, 1.5, 2.0, 3.0)
ORDERS = ("few words after", "few words before")
ANSWERS = {
    "zh": ("好的谢谢", "我知道了", "明天上午", "没问题", "不用了吧", "在哪里呢", "两点半", "再等一下"),
    "en": ("thank you", "not today", "I see", "maybe later", "at half past two", "sounds good", "where is it", "go on"),
}
HESITATIONS = {"zh": ("嗯", "呃", "啊", "哦"), "en": ("uh", "um", "hmm", "er")}
AS_WRITTEN = {*"嗯呃啊哦唔", "uh", "um", "hmm", "mm", "er", "err", "ah", "oh"}  # by the recogniser
VOICES = {"zh": ("zf_xiaoxiao", "zm_yunxi"), "en": ("af_heart", "")}  # an empty one is the service's own choice
RECORDED = 8  # of the few words, in each language
MOST_SPEECH_S = 1.6  # of the few words
LONGEST_S = 6.0
_LENGTH_S = 60.0

People: TypeAlias = Mapping[str, tuple[list[Part], list[Part]]]
"""Of each language: the few words and the sentences of people."""


def main() -> int:
    """Print both tables. Returns 1 where something is left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("both", "tuned", "aside"), default="both", help="which of the few words")
    parser.add_argument("--show", action="store_true", help="print each transcript")
    parser.add_argument("--clones", type=existing_folder, help="Git clones, OWNER/NAME, to read instead of the network")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one setting")
    args = parser.parse_args()
    settings = config.load(overrides=args.set)
    halves = (False, True) if args.half == "both" else (args.half == "aside",)
    people = {language: _recorded(settings, language, args.clones) for language in ANSWERS}
    chosen = [each for each in with_pauses(settings, people) if each.aside in halves]
    hesitant = [each for each in with_hesitations(settings, people) if each.aside in halves]
    engine = load_engine(settings.asr, ModelStore(settings.store).ensure)
    alone = Alone(engine)
    counts: Counter[tuple[str, str]] = Counter()
    for recording in chosen:
        began = time.process_time()
        text = transcribed(engine, recording.sound)
        took_s = time.process_time() - began
        lost = _left_out(tokens(text), *map(alone.tokens, recording.parts))
        groups = (recording.parts[0].language, recording.kind, f"{recording.pause_s:g} s", "all")
        _count(counts, groups, recording, text, lost, took_s)
        if args.show or lost:
            tell(f"{recording.kind}, {recording.pause_s:g} s{', left out' if lost else ''}")
            tell(f"    {' / '.join(part.text for part in recording.parts)}\n    {text}")
    show(("recordings", "number", "left out", "error rate", "processor time"), _rows(counts))
    made_up = _made_up(engine, hesitant, alone, args.show)
    show(("hesitations", "number", "words made up"), [["all", str(len(hesitant)), str(made_up)]])
    return int(counts["all", "lost"] > 0)


class Alone:
    """What the recogniser writes of a part by itself."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._found: dict[int, list[str]] = {}

    def tokens(self, part: Part) -> list[str]:
        """As `benchmarks.mixed_recordings.tokens`."""
        if id(part) not in self._found:
            edge = np.zeros(round(EDGE_S * SAMPLE_RATE), np.float32)
            text = transcribed(self._engine, np.concatenate([edge, part.sound, edge]))
            self._found[id(part)] = tokens(text)
        return self._found[id(part)]


def with_pauses(settings: Settings, people: People) -> list[MixedRecording]:
    """All of them; what is not in the cache yet is synthesised."""
    found: list[MixedRecording] = []
    for language, (short, long) in people.items():
        found += _pairs(cycle(long), [*_spoken(settings, language, ANSWERS[language]), *short], language)
    return found


def with_hesitations(settings: Settings, people: People) -> list[MixedRecording]:
    """The same with hesitations."""
    found: list[MixedRecording] = []
    for language, (_, long) in people.items():
        found += _pairs(cycle(long), _spoken(settings, language, HESITATIONS[language]), language)
    return found


def _spoken(settings: Settings, language: str, texts: Sequence[str]) -> list[Part]:
    lines = list(zip(cycle(VOICES[language]), texts, strict=False))
    sounds = synthesised(settings, lines, settings.store.path.parent / "bench-speech")
    return [Part(text, language, trimmed(sound)) for text, sound in zip(texts, sounds, strict=True)]


def _pairs(sentences: Iterator[Part], few: Sequence[Part], language: str) -> Iterator[MixedRecording]:
    for number, words in enumerate(few):
        for pause_s in PAUSES_S:
            for order in ORDERS:
                pair = (next(sentences), words)
                parts = pair if order == ORDERS[0] else pair[::-1]
                yield MixedRecording(order, language, pause_s, parts, aside=number % 2 == 1)


def _recorded(settings: Settings, language: str, clones: Path | None) -> tuple[list[Part], list[Part]]:
    """(the few words, sentences) of people; what is not in the cache yet is fetched."""
    clips = [clip for clip in listed("dev") if clip.recording.language == language]
    folder = bench_dir() / "held-out"
    fetch([clip.recording for clip in clips], folder, settings.store, clones)
    voice = get_vad_model()
    short: list[Part] = []
    long: list[Part] = []
    for clip in clips:
        sound = trimmed(decode(clip.recording.file(folder), max_duration_s=_LENGTH_S).samples)
        part = Part(clip.text.lower(), language, sound)
        speech = voice(np.pad(sound, (0, -len(sound) % VAD_FRAME)))
        if spoken_s(np.asarray(speech).reshape(-1)) <= MOST_SPEECH_S and len(short) < RECORDED:
            short.append(part)
        elif len(sound) <= LONGEST_S * SAMPLE_RATE:
            long.append(part)
    return short, long


def _left_out(heard: list[str], first: list[str], second: list[str]) -> bool:
    both = errors([*first, *second], heard)
    return any(other and errors(kept, heard) < both for kept, other in ((first, second), (second, first)))


def _made_up(engine: Engine, recordings: Sequence[MixedRecording], alone: Alone, show_all: bool) -> int:
    """How many of the transcripts have more words than that of their sentence, but for hesitations."""
    number = 0
    for recording in recordings:
        sentence = recording.parts[0 if recording.kind == ORDERS[0] else 1]
        text = transcribed(engine, recording.sound)
        words = [token for token in tokens(text) if token not in AS_WRITTEN]
        more = len(words) > len([token for token in alone.tokens(sentence) if token not in AS_WRITTEN])
        number += more
        if show_all or more:
            tell(f"{recording.kind}, {recording.pause_s:g} s{', made up' if more else ''}")
            tell(f"    {' / '.join(part.text for part in recording.parts)}\n    {text}")
    return number


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
    for group in (*ANSWERS, *ORDERS, *(f"{pause_s:g} s" for pause_s in PAUSES_S), "all"):
        number, lost, wrong, size, ms = (counts[group, key] for key in ("number", "lost", "errors", "tokens", "ms"))
        yield [group, str(number), str(lost), percent(wrong / size), f"{ms / 1000:.1f} s"]


if __name__ == "__main__":
    as_command(main)
