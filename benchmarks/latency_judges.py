"""How well each judge tells an end of turn from a pause: ``python -m benchmarks.latency_judges``.

The utterances of `benchmarks.latency` (64 with the recorded clips, and 40 others by which nothing was chosen) are
judged at each of their pauses and at their end: by the sound up to there with 0.1 s of silence, and by the words that
the embedded recogniser hears in it. Told is how often a judge ranks an end above a pause: 50 of 100 is a coin.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np

from benchmarks.latency_judge import KeptJudge
from benchmarks.latency_sides import NOISE_DBFS
from benchmarks.latency_speech import utterances, with_words
from huiyin.assistant.ears.endpoint_model import MODEL, EndpointModel
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Samples
from huiyin.assistant.turns.endpointing import EndpointPolicy
from huiyin.assistant.turns.text_judge import has_full_stop, text_vote
from huiyin.configs import settings as config
from huiyin.configs.store.model_store import ModelStore

_BEFORE_S, _AFTER_S = 0.5, 0.1  # of silence
_LONG_S = 0.5  # a pause in which a quick reply would be heard
_VOTES = {"unfinished": 0.0, "neither": 1.0, "finished": 2.0}


@dataclass(frozen=True)
class Place:
    """A pause (`pause_s` long) or the end (None) of an utterance, and what each judge says of it."""

    pause_s: float | None
    by: dict[str, float]


def main() -> int:
    """Prints the table. Returns the exit status."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    settings = config.load(environ={})
    folder = settings.store.path.parent / "bench" / "latency"
    sound, words = EndpointModel(ModelStore(settings.store).ensure(MODEL)), KeptJudge(settings, folder, _tell)
    rng = np.random.default_rng(0)

    def judged(heard: Samples, text: str, pause_s: float | None) -> Place:
        silence = [np.zeros(round(s * SAMPLE_RATE), np.float32) for s in (_BEFORE_S, _AFTER_S)]
        heard = np.concatenate([silence[0], heard, silence[1]])
        heard = heard + rng.standard_normal(len(heard)).astype(np.float32) * np.float32(10 ** (NOISE_DBFS / 20))
        by = {
            "the words, to the model": words(text) or 0.0,
            "the sound": sound((np.clip(heard, -1, 1) * 32767).astype(np.int16)),
            "the words, to the lists": _VOTES[text_vote(text)],
            "a full stop": float(has_full_stop(text)),
        }
        return Place(pause_s, by)

    for title, unseen in (("the utterances that were chosen by", False), ("the others", True)):
        places = []
        spoken = utterances(settings, folder, _tell, unseen=unseen)
        for utterance, heard in zip(spoken, with_words(settings, spoken, folder, _tell), strict=True):
            ends = [(start, end - start) for start, end in utterance.pauses] + [(utterance.duration_s, None)]
            for number, (end_s, pause_s) in enumerate(ends):
                part = utterance.sound[: round(end_s * SAMPLE_RATE)]
                places.append(judged(part, heard.heard[f"0-{number}"], pause_s))
        print(f"\n{title}: {len(spoken)} utterances with {len(places) - len(spoken)} pauses")
        for judge in places[0].by:
            print(f"{judge:<26}{100 * ranked(places, judge):6.0f} of 100")
        enough = EndpointPolicy().p_words
        known = [place for place in places if place.by["the words, to the model"] >= enough]
        count = [sum(place.pause_s is None for place in some) for some in (known, places)]
        long = [sum((place.pause_s or 0) >= _LONG_S for place in some) for some in (known, places)]
        print(f"p >= {enough:g}: {count[0]} of {count[1]} ends, {long[0]} of {long[1]} pauses of {_LONG_S} s and more")
    words.close()
    return 0


def ranked(places: list[Place], judge: str) -> float:
    """Share of the pairs of an end and a pause in which `judge` gives the end more; of a tie, half."""
    ends = np.array([place.by[judge] for place in places if place.pause_s is None])[:, None]
    pauses = np.array([place.by[judge] for place in places if place.pause_s is not None])[None]
    return float((ends > pauses).mean() + 0.5 * (ends == pauses).mean())


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
