"""Recordings in two languages: ``python -m benchmarks.mixed_recordings``.

Sixty files: two sentences (Chinese, then English; English, then Chinese) or three (Chinese, English, Chinese) with
pauses of 0.2 to 1.5 s, and single words of one language inside a sentence of the other. Speakers take turns: one voice
for both languages, a voice for each, and recorded people where the clips are (`../shared/speech`). Of every two files
one is kept aside: nothing is tuned on it.

A sentence is lost when less than half of its words (of Chinese, characters) are in the transcript, although they are
when it is transcribed by itself. The error rate counts both languages. Beside it stands that of the parts alone: each
transcribed by itself; for words inside a sentence, of the whole with its language given.

The second table has recordings in one language: what it costs to look for another.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the services do, before any native library is loaded
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import argparse
import re
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise

import numpy as np

from benchmarks.command import as_command
from benchmarks.output import percent, show, tell
from benchmarks.sentences import CHINESE, DATA, ENGLISH, MIXED
from benchmarks.synthesis import synthesised
from huiyin.configs import settings as config
from huiyin.configs.settings import Settings
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import Engine, Hints, load_engine
from huiyin.services.common.audio import SAMPLE_RATE, Samples, decode
from huiyin.services.common.text import HAN, is_chinese
from huiyin.services.tts.spoken import spoken
from tests.support.scoring import english_words, errors
from tests.support.speech_clips import recorded, trimmed

PAUSES_S = (0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.5)
KINDS = {"zh, en": ("zh", "en"), "en, zh": ("en", "zh"), "zh, en, zh": ("zh", "en", "zh"), "inside": ()}
FILES = 15  # of each kind
VOICES = {  # an empty one is the service's own choice
    "two women": {"zh": "zf_xiaoxiao", "en": "af_heart"},
    "two people": {"zh": "zm_yunxi", "en": ""},
    "one, with an accent": {"zh": "zf_xiaoxiao", "en": "zf_xiaoxiao"},
}
LONGEST_CLIP_S = 6.0
EDGE_S = 0.3  # of quiet before and after
RUNS = 3  # of each recording in one language; the median counts
_HALF = 0.5
_NUMBERS = {
    "zero": "零", "one": "一", "two": "二", "three": "三", "four": "四", "five": "五", "six": "六", "seven": "七",
    "eight": "八", "nine": "九", "ten": "十",
}  # fmt: skip
_TOKEN = re.compile(rf"[{HAN}]|[^{HAN}]+")


@dataclass(frozen=True)
class Part:
    """A sentence: float32 mono 16 kHz without silence around it."""

    text: str
    language: str
    sound: Samples


@dataclass(frozen=True)
class MixedRecording:
    """Sentences with a pause between them."""

    kind: str
    speaker: str
    pause_s: float
    parts: tuple[Part, ...]
    aside: bool

    @property
    def sound(self) -> Samples:
        """All of it."""
        gap, edge = (np.zeros(round(s * SAMPLE_RATE), np.float32) for s in (self.pause_s, EDGE_S))
        pieces = [piece for part in self.parts for piece in (gap, part.sound)][1:]
        return np.concatenate([edge, *pieces, edge])


@dataclass(frozen=True)
class Score:
    """What came of a recording."""

    recording: MixedRecording
    text: str
    lost: tuple[str, ...]
    errors: int
    alone_errors: int
    tokens: int


def main() -> int:
    """Print both tables. Returns 1 when a sentence is lost, or errors are more than 1.15 times those of the parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=("both", "tuned", "aside"), default="both", help="which of the files")
    parser.add_argument("--show", action="store_true", help="print each transcript")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE", help="change one setting")
    args = parser.parse_args()
    settings = config.load(overrides=args.set)
    chosen = [r for r in mixed_recordings(settings) if args.half == "both" or r.aside == (args.half == "aside")]
    engine = load_engine(settings.asr, ModelStore(settings.store).ensure)
    scores = []
    for recording in chosen:
        scores.append(score(engine, recording))
        if args.show or scores[-1].lost:
            _tell(scores[-1])
    heads = ("recordings", "files", "sentences", "lost", "error rate", "of the parts alone", "ratio")
    show(heads, _rows(scores))
    show(("one language", "recordings", "same text", "time, looking for another", "given", "ratio"), _cost(engine))
    total, alone = sum(s.errors for s in scores), sum(s.alone_errors for s in scores)
    return int(any(s.lost for s in scores) or total > 1.15 * alone)


def mixed_recordings(settings: Settings) -> list[MixedRecording]:
    """All of them; sentences not in the cache yet are synthesised."""
    speakers = [*VOICES, *(["recorded"] if recorded() else [])]
    plain = {
        language: [line for line in lines if not re.search(r"\d", line)]
        for language, lines in (("zh", CHINESE), ("en", ENGLISH))
    }
    inside = [line for line in MIXED if not re.search(r"\d", line)]
    inside_en = (DATA / "sentences_mixed_en.txt").read_text("utf-8").splitlines()
    plans: list[tuple[str, str, float, list[Part | tuple[str, str]], bool]] = []
    sentences = {language: cycle(texts) for language, texts in plain.items()}
    pauses = cycle(PAUSES_S)
    clips = {language: cycle(_clips(language)) for language in plain}
    for kind, languages in KINDS.items():
        for number in range(FILES):
            speaker = speakers[number % len(speakers)] if languages else "one, with an accent"
            said: list[Part | tuple[str, str]] = []  # or (voice, text), to be synthesised
            for language in languages:
                if speaker == "recorded":
                    said.append(next(clips[language]))
                else:
                    said.append((VOICES[speaker][language], next(sentences[language])))
            if not languages:
                text = inside[number] if number % 3 else inside_en[number]
                said.append((VOICES["one, with an accent"]["zh"], text))
            plans.append((kind, speaker, next(pauses), said, number // len(speakers) % 2 == 1))
    lines = [one for *_, said, _ in plans for one in said if not isinstance(one, Part)]
    sounds = iter(synthesised(settings, lines, settings.store.path.parent / "bench-speech"))
    return [
        MixedRecording(
            kind,
            speaker,
            pause_s,
            tuple(one if isinstance(one, Part) else _made(one[1], next(sounds)) for one in said),
            aside,
        )
        for kind, speaker, pause_s, said, aside in plans
    ]


def _made(text: str, sound: Samples) -> Part:
    most_han = len(re.findall(f"[{HAN}]", text)) > len(english_words(text))
    return Part(text, "zh" if most_han else "en", trimmed(sound))


def _clips(language: str) -> list[Part]:
    decoded = ((decode(path, max_duration_s=60).samples, spoken_in, text) for path, spoken_in, text in recorded())
    return [
        Part(text, language, trimmed(sound))
        for sound, spoken_in, text in decoded
        if spoken_in == language and len(sound) <= LONGEST_CLIP_S * SAMPLE_RATE
    ]


def transcribed(engine: Engine, sound: Samples, *languages: str) -> str:
    """What the engine recognises, as one text."""
    return engine.recognise([sound], Hints(languages))[0].text


def tokens(text: str) -> list[str]:
    """Chinese characters and English words, in order; numbers in words, small ones in the same for both languages."""
    found: list[str] = []
    for run in _TOKEN.findall(spoken(text, "zh" if is_chinese(text) else "en")):
        found += [run] if is_chinese(run) else [_NUMBERS.get(word, word) for word in english_words(run)]
    return found


def lost(sentence: str, transcript: Sequence[str]) -> bool:
    """Whether less than half of the sentence's tokens are in the transcript, in their order."""
    expected = tokens(sentence)
    row = [0] * (len(transcript) + 1)  # longest common subsequence
    for token in expected:
        diagonal = 0
        for j, other in enumerate(transcript, 1):
            diagonal, row[j] = row[j], diagonal + 1 if token == other else max(row[j], row[j - 1])
    return row[-1] < _HALF * len(expected)


def score(engine: Engine, recording: MixedRecording) -> Score:
    """Transcribes a recording, and its parts alone."""
    sound = recording.sound
    text = transcribed(engine, sound)
    expected = [token for part in recording.parts for token in tokens(part.text)]
    heard = tokens(text)
    edge = np.zeros(round(EDGE_S * SAMPLE_RATE), np.float32)
    given = () if KINDS[recording.kind] else (recording.parts[0].language,)
    alone = [tokens(transcribed(engine, np.concatenate([edge, p.sound, edge]), *given)) for p in recording.parts]
    alone_errors = sum(errors(tokens(part.text), text) for part, text in zip(recording.parts, alone, strict=True))
    missing = [
        part.text
        for part, by_itself in zip(recording.parts, alone, strict=True)
        if lost(part.text, heard) and not lost(part.text, by_itself)
    ]
    return Score(recording, text, tuple(missing), errors(expected, heard), alone_errors, len(expected))


def _rows(scores: Sequence[Score]) -> Iterator[list[str]]:
    groups: dict[str, list[Score]] = {}
    for each in scores:
        recording = each.recording
        groups.setdefault(recording.kind, []).append(each)
        groups.setdefault(recording.speaker, []).append(each)
        groups.setdefault("kept aside" if recording.aside else "tuned on", []).append(each)
    for name, group in {**groups, "all": list(scores)}.items():
        total, alone, count = (sum(getattr(s, key) for s in group) for key in ("errors", "alone_errors", "tokens"))
        missing, sentences = (
            sum(map(len, found)) for found in zip(*((s.lost, s.recording.parts) for s in group), strict=True)
        )
        ratio = f"{total / alone:.2f}" if alone else "-"
        yield [
            name,
            str(len(group)),
            str(sentences),
            str(missing),
            percent(total / count),
            percent(alone / count),
            ratio,
        ]


def _cost(engine: Engine) -> Iterator[list[str]]:
    """Recordings in one language, with a pause of 0.5 s: the text and the time, with its language given and without."""
    for language in ("zh", "en"):
        clips = _clips(language)
        sounds = [MixedRecording("", "", 0.5, pair, aside=False).sound for pair in pairwise(clips)]
        times_s: tuple[list[float], list[float]] = ([], [])
        same = 0
        for sound in sounds:
            texts = []
            for hints, kept in zip(((), (language,)), times_s, strict=True):
                runs_s = []
                for _ in range(RUNS):
                    started = time.perf_counter()
                    text = transcribed(engine, sound, *hints)
                    runs_s.append(time.perf_counter() - started)
                kept.append(statistics.median(runs_s))
                texts.append(text)
            same += texts[0] == texts[1]
        if sounds:
            free_s, given_s = map(sum, times_s)
            yield [
                language,
                str(len(sounds)),
                str(same),
                f"{free_s:.2f} s",
                f"{given_s:.2f} s",
                f"{free_s / given_s:.2f}",
            ]


def _tell(result: Score) -> None:
    recording = result.recording
    alone = "lost" if result.lost else f"{result.errors} errors, alone {result.alone_errors}"
    tell(f"{recording.kind} ({recording.speaker}, {recording.pause_s:g} s; {alone})")
    tell(f"    {' / '.join(part.text for part in recording.parts)}\n    {result.text}")


if __name__ == "__main__":
    as_command(main)
