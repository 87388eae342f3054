"""How right the user's words are about how they feel: ``python -m benchmarks.emotion_words [--cped CSV] [--meld CSV]``.

385 lines, half of them kept aside while the tables were written (``data/emotion_words.tsv``, ``…_aside.tsv``): 150 are
traps, such as feelings of others, quoted, denied, past or supposed. A line is told when the judge gives an emotion that
passes the gate of the mood; it is right when that is the line's own. 60 further lines are ordinary requests that hold
words of the tables (``…_requests.tsv``): messages to others, questions, other senses. None is to be told; those that
are, are printed.

``--cped``, ``--meld``: what people say in television series, labelled by others by face, voice and story; the test
files of github.com/scutcyr/CPED and github.com/declare-lab/MELD. A line is "near" when the sign of the label is right.
Of CPED dialogues with even numbers alone: tables were chosen by the others, and by the other files of both.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from benchmarks.command import WrongOption, as_command, existing_file
from benchmarks.output import percent, show, tell
from huiyin.assistant.dialogue.feelings.judge import GLAD, Feeling, feeling_in
from huiyin.assistant.dialogue.mood import LEAST_CONFIDENCE

_DATA = Path(__file__).with_name("data")
_REQUESTS = "emotion_words_requests.tsv"
_HALVES = {"chosen by": "emotion_words.tsv", "kept aside": "emotion_words_aside.tsv"}
_ROUNDS = 20  # of all lines, for the time
_SERIES = {
    "cped": ("zh", "Utterance", "Emotion", "utf-8-sig"),
    "meld": ("en", "Utterance", "Emotion", "utf-8"),
}
# Their labels as ours; any other label means no emotion.
_SAME = {
    "sad": ("sad", "depress", "sadness"),
    "happy": ("happy", "joy", "grateful"),
    "angry": ("angry", "anger", "disgust"),
    "fearful": ("fear", "worried"),
}
_LOW = ("negative-other", "astonished")
_HIGH = ("positive-other", "relaxed")


class Line(NamedTuple):
    """`emotion`: 'none' where it tells of none; `is_low`: whether it is one of gloom, None: neither."""

    language: str
    kind: str
    emotion: str
    text: str
    is_low: bool | None


class Tally:
    """Of some lines."""

    def __init__(self, lines: Iterable[Line], miss: Callable[[str], None]) -> None:
        self.by_confidence: Counter[tuple[float, bool]] = Counter()
        self.lines = self.felt = self.told = self.right = self.near = 0
        for line in lines:
            feeling = feeling_in(line.text, line.language)
            label = feeling.label if feeling and feeling.confidence >= LEAST_CONFIDENCE else "none"
            self.lines += 1
            self.felt += line.emotion != "none"
            if label != line.emotion:
                miss(f"{line.emotion:8} told {label:8} {line.kind:12} {line.text}")
            if feeling and label != "none":
                self.told += 1
                self.right += label == line.emotion
                self.near += (label not in GLAD) == line.is_low
                self.by_confidence[_step(feeling), label == line.emotion] += 1

    @property
    def cells(self) -> list[str]:
        """Lines, with a feeling, told, precision, recall."""
        return [
            str(self.lines),
            str(self.felt),
            str(self.told),
            _share(self.right, self.told),
            _share(self.right, self.felt),
        ]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in _SERIES:
        parser.add_argument(f"--{name}", type=existing_file, help="its file of utterances")
    parser.add_argument("--verbose", action="store_true", help="every line that is not right")
    args = parser.parse_args()
    miss = tell if args.verbose else lambda line: None
    halves = {half: list(read(_DATA / name)) for half, name in _HALVES.items()}
    show(("lines", "language", "all", "with an emotion", "told", "precision", "recall"), rows(halves, miss))
    false: list[str] = []
    show(("requests", "all", "told a false emotion"), request_rows(list(read(_DATA / _REQUESTS)), false.append))
    for line in false:
        tell(line)
    show(("confidence", "told", "right"), calibration(line for lines in halves.values() for line in lines))
    show(
        ("", "µs a line"), [["mean of all lines", f"{microseconds([*halves['chosen by'], *halves['kept aside']]):.0f}"]]
    )
    series = [(name, path) for name in _SERIES if (path := getattr(args, name))]
    if series:
        heads = ("series", "all", "with an emotion", "told", "precision", "recall", "near")
        show(heads, (series_row(name, path, miss) for name, path in series))


def read(path: Path) -> Iterator[Line]:
    """The lines of a half."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            emotion = row["emotion"]
            yield Line(
                row["language"], row["kind"], emotion, row["text"], None if emotion == "none" else emotion not in GLAD
            )


def read_series(name: str, path: Path) -> Iterator[Line]:
    """The lines of a series, labelled as ours."""
    language, text, label, encoding = _SERIES[name]
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.DictReader(file)
        if not {"Dialogue_ID", text, label} <= set(reader.fieldnames or ()):
            raise WrongOption(f"--{name}: {path} is not its file of utterances")
        for row in reader:
            if int(row["Dialogue_ID"].split("_")[-1]) % 2 and name == "cped":
                continue
            theirs = row[label].lower()
            emotion = next((ours for ours, same in _SAME.items() if theirs in same), "none")
            is_low = (
                emotion not in GLAD
                if emotion != "none"
                else {**dict.fromkeys(_LOW, True), **dict.fromkeys(_HIGH, False)}.get(theirs)
            )
            yield Line(language, theirs, emotion, row[text], is_low)


def rows(halves: dict[str, list[Line]], miss: Callable[[str], None]) -> Iterator[list[str]]:
    """By half and language."""
    for half, lines in halves.items():
        for language in ("zh", "en"):
            yield [half, language, *Tally((line for line in lines if line.language == language), miss).cells]


def request_rows(lines: list[Line], false: Callable[[str], None]) -> Iterator[list[str]]:
    """By language."""
    for language in ("zh", "en"):
        tally = Tally((line for line in lines if line.language == language), false)
        yield [language, str(tally.lines), str(tally.told)]


def series_row(name: str, path: Path, miss: Callable[[str], None]) -> list[str]:
    """Of one series."""
    tally = Tally(read_series(name, path), miss)
    return [name.upper(), *tally.cells, _share(tally.near, tally.told)]


def calibration(lines: Iterable[Line]) -> Iterator[list[str]]:
    """How often what was told with a confidence was right."""
    told = Tally(lines, lambda line: None).by_confidence
    for step in sorted({step for step, _ in told}):
        right, wrong = told[step, True], told[step, False]
        yield [f"{step:.1f} to {step + 0.1:.1f}", str(right + wrong), _share(right, right + wrong)]


def microseconds(lines: list[Line]) -> float:
    """Mean time of a line."""
    started_s = perf_counter()
    for _ in range(_ROUNDS):
        for line in lines:
            feeling_in(line.text, line.language)
    return (perf_counter() - started_s) / _ROUNDS / len(lines) * 1e6


def _step(feeling: Feeling) -> float:
    """The tenth that a confidence lies in."""
    return min(int(feeling.confidence * 10 + 1e-9), 9) / 10


def _share(part: int, whole: int) -> str:
    return f"{part}/{whole} = {percent(part / whole)}" if whole else "-"


if __name__ == "__main__":
    as_command(main)
