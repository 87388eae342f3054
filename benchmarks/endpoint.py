"""How well sound and words tell the end of a turn from a pause in it: ``python -m benchmarks.endpoint``.

Every recorded clip is judged whole, and cut at five quiet places in its middle, as if its speaker had paused there.
Whole, a short wait is right; cut, a long one is. The words are what the embedded recogniser hears of the piece.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from huiyin.assistant.ears.endpoint_model import MODEL, EndpointModel
from huiyin.assistant.turns.endpointing import EndpointPolicy, Evidence, wait_s
from huiyin.assistant.turns.text_judge import text_vote
from huiyin.configs import settings as config
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import Hints, load_engine
from huiyin.services.common.audio import SAMPLE_RATE, Samples, decode
from tests.support.speech_clips import recorded, trimmed

_CUTS = (0.25, 0.4, 0.55, 0.7, 0.85)  # of the clip's length
_SEARCH_S, _WINDOW_S = 0.15, 0.02  # the quietest 20 ms within 150 ms
_PAUSE_S = 0.1  # of silence when the model is asked
_PAUSES_S = (0.3, 0.5, 0.7)  # people pause so long in a sentence


@dataclass(frozen=True)
class Judged:
    """One piece of one clip."""

    clip: str
    language: str
    is_whole: bool
    probability: float
    text: str
    vote: str
    by_sound_s: float  # the wait without the words
    wait_s: float


def main() -> int:
    """Prints the table. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--brief", action="store_true", help="only the summary")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every piece")
    args = parser.parse_args()
    settings = config.load()
    if not recorded():
        print("there are no recorded clips in ../shared/speech; nothing to measure with")
        return 1
    store = ModelStore(settings.store)
    model, recogniser = EndpointModel(store.ensure(MODEL)), load_engine(settings.asr, store.ensure)
    pieces: list[Judged] = []
    spent_s: list[float] = []
    for path, language, _ in recorded():
        for sound in _pieces(trimmed(decode(path, max_duration_s=60).samples)):
            started = time.perf_counter()
            probability = model((sound * 32767).astype(np.int16))
            spent_s.append(time.perf_counter() - started)
            text = "".join(s.text for s in recogniser.recognise([sound], Hints((language,)))[0].segments)
            is_whole = not pieces or pieces[-1].clip != path.stem
            waits = (wait_s(EndpointPolicy(), Evidence(probability, words)) for words in ("", text))
            judged = Judged(path.stem, language, is_whole, probability, text, text_vote(text), *waits)
            pieces.append(judged)
            if not args.brief:
                kind = "whole" if is_whole else "cut"
                print(
                    f"{path.stem[:24]:<25}{kind:<6} p {probability:.2f} {judged.vote:<11}{judged.wait_s:.2f} s  {text}"
                )
    _summary(pieces)
    print(f"\nthe model takes {statistics.median(spent_s) * 1000:.0f} ms a call (median)")
    if args.json:
        args.json.write_text(json.dumps([asdict(piece) for piece in pieces], ensure_ascii=False, indent=1))
    return 0


def _pieces(sound: Samples) -> Iterator[Samples]:
    """All of it, then up to each cut."""
    for share in (1.0, *_CUTS):
        end = len(sound) if share == 1 else _quiet_place(sound, share)
        yield np.pad(sound[:end], (0, round(_PAUSE_S * SAMPLE_RATE)))


def _quiet_place(sound: Samples, share: float) -> int:
    reach, window = round(_SEARCH_S * SAMPLE_RATE), round(_WINDOW_S * SAMPLE_RATE)
    start = max(0, round(len(sound) * share) - reach)
    power = np.convolve(sound[start : start + 2 * reach] ** 2, np.ones(window), "valid")
    return start + int(power.argmin()) + window // 2


def _summary(pieces: list[Judged]) -> None:
    pauses = "".join(f"{f'<{pause:g} s':>8}" for pause in _PAUSES_S)
    print(
        f"\n{'':<12}{'pieces':>7}{'p>=.9':>8}{'p>=.5':>8}{'wait p50':>10}{'by sound':>10}   waits shorter than{pauses}"
    )
    for language in ("zh", "en"):
        for is_whole in (True, False):
            rows = [p for p in pieces if (p.language, p.is_whole) == (language, is_whole)]
            sure, likely = (sum(p.probability >= limit for p in rows) / len(rows) for limit in (0.9, 0.5))
            wait, by_sound = (
                statistics.median(values) for values in zip(*((p.wait_s, p.by_sound_s) for p in rows), strict=True)
            )
            short = "".join(f"{sum(p.wait_s < pause for p in rows) / len(rows):>8.0%}" for pause in _PAUSES_S)
            name = f"{language} {'whole' if is_whole else 'cut'}"
            print(f"{name:<12}{len(rows):>7}{sure:>8.0%}{likely:>8.0%}{wait:>8.2f} s{by_sound:>8.2f} s{'':>21}{short}")


if __name__ == "__main__":
    raise SystemExit(main())
