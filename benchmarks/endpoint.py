"""How well sound and words tell the end of a turn from a pause in it: ``python -m benchmarks.endpoint``.

Every recorded clip is judged whole, and cut at five quiet places in its middle, as if its speaker had paused there.
For a whole clip a short wait is right, for a cut one a long wait. The default recogniser transcribes the pieces.
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

from benchmarks.output import percent, show, tell
from huiyin.assistant.ears.endpoint_model import MODEL, EndpointModel
from huiyin.assistant.turns.endpointing import Evidence, wait_s
from huiyin.assistant.turns.text_judge import text_vote
from huiyin.configs import settings as config
from huiyin.configs.settings import TurnsSettings
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import Hints, load_engine
from huiyin.services.common.audio import SAMPLE_RATE, Samples, decode
from tests.support.speech_clips import recorded, trimmed

_CUTS = (0.25, 0.4, 0.55, 0.7, 0.85)  # of the clip's length
_SEARCH_S = 0.15  # around each cut, for the quietest ...
_WINDOW_S = 0.02  # ... so long
_SILENCE_S = 0.1  # at the end of what the model is given
_PAUSES_S = (0.3, 0.5, 0.7)  # people pause so long within a sentence
_PROBABLE = (0.9, 0.5)


@dataclass(frozen=True)
class JudgedPiece:
    """One piece of one clip."""

    clip: str
    language: str
    is_whole: bool
    probability: float
    text: str
    vote: str
    by_sound_s: float
    """The wait without the words."""
    wait_s: float


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every piece")
    args = parser.parse_args()
    if not recorded():
        raise SystemExit("there are no recorded clips in ../shared/speech")
    settings = config.load()
    store = ModelStore(settings.store)
    model, recogniser = EndpointModel(store.ensure(MODEL)), load_engine(settings.asr, store.ensure)
    pieces: list[JudgedPiece] = []
    calls_s: list[float] = []
    for path, language, _ in recorded():
        for is_whole, sound in _pieces(trimmed(decode(path, max_duration_s=60).samples)):
            started = time.perf_counter()
            probability = model((sound * 32767).astype(np.int16))
            calls_s.append(time.perf_counter() - started)
            text = "".join(s.text for s in recogniser.recognise([sound], Hints((language,)))[0].segments)
            by_sound_s, both_s = (wait_s(TurnsSettings(), Evidence(probability, words)) for words in ("", text))
            vote = text_vote(text)
            pieces.append(JudgedPiece(path.stem, language, is_whole, probability, text, vote, by_sound_s, both_s))
            tell(f"{path.stem[:24]:<25}p {probability:.2f} {vote:<11}{both_s:.2f} s  {text}")
    heads = ["", "pieces", *(f"p ≥ {limit}" for limit in _PROBABLE), "median wait", "by sound alone"]
    show([*heads, *(f"wait < {pause_s:g} s" for pause_s in _PAUSES_S)], _rows(pieces))
    print(f"\nThe model takes {statistics.median(calls_s) * 1000:.0f} ms a call (median).")
    if args.json:
        args.json.write_text(json.dumps([asdict(piece) for piece in pieces], ensure_ascii=False, indent=1))


def _pieces(sound: Samples) -> Iterator[tuple[bool, Samples]]:
    """(is it whole, sound and a little silence): all of it, then up to each cut."""
    silence = np.zeros(round(_SILENCE_S * SAMPLE_RATE), np.float32)
    yield True, np.concatenate([sound, silence])
    for share in _CUTS:
        yield False, np.concatenate([sound[: _quiet_place(sound, share)], silence])


def _quiet_place(sound: Samples, share: float) -> int:
    reach, window = round(_SEARCH_S * SAMPLE_RATE), round(_WINDOW_S * SAMPLE_RATE)
    start = max(0, round(len(sound) * share) - reach)
    power = np.convolve(sound[start : start + 2 * reach] ** 2, np.ones(window), "valid")
    return start + int(power.argmin()) + window // 2


def _rows(pieces: list[JudgedPiece]) -> Iterator[list[str]]:
    for language in ("zh", "en"):
        for is_whole in (True, False):
            some = [piece for piece in pieces if (piece.language, piece.is_whole) == (language, is_whole)]
            yield [
                f"{language}, {'whole' if is_whole else 'cut'}",
                str(len(some)),
                *(percent(np.mean([piece.probability >= limit for piece in some])) for limit in _PROBABLE),
                f"{statistics.median(piece.wait_s for piece in some):.2f} s",
                f"{statistics.median(piece.by_sound_s for piece in some):.2f} s",
                *(percent(np.mean([piece.wait_s < pause_s for piece in some])) for pause_s in _PAUSES_S),
            ]


if __name__ == "__main__":
    main()
