"""How well each judge tells an end of turn from a pause: ``python -m benchmarks.latency_judges``.

The utterances of `benchmarks.latency` (64 with the recorded clips, 40 unseen ones, 100 of people) are judged at each of
their pauses and at their end: by the sound up to there with 0.1 s of silence, and by the words that the default
recogniser transcribes of it. The figure is the share of pairs in which a judge ranks an end above a pause: 50 % is a
coin. An end comes later than the pauses before it, and how much is heard would give it away. So sound is judged
"equally long", too: as much of it as there is before the utterance's first pause.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from benchmarks import latency_heldout, latency_people
from benchmarks.command import as_command
from benchmarks.latency_judge import CachedJudge
from benchmarks.latency_sides import at_a_pause
from benchmarks.latency_speech import recordings, utterances, with_pauses
from benchmarks.output import show
from huiyin.assistant.ears.endpoint_model import MODEL, EndpointModel, log_mel, prepare
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Samples
from huiyin.assistant.turns.dictation import Progress, progress
from huiyin.assistant.turns.endpointing import Evidence, judge_together, log_odds_together
from huiyin.assistant.turns.text_judge import has_full_stop, text_vote
from huiyin.configs import settings as config
from huiyin.configs.settings import TurnsSettings
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.common.onnx import open_model

_LONG_S = 0.5  # a pause in which a quick reply would be audible
_DICTATION_GOES_ON = (Progress.PART, Progress.OPEN)
_VOTES = {"unfinished": 0.0, "neither": 1.0, "finished": 2.0}
_WORDS = "the words, to the language model"
_SOUND = "the sound, to our classifier"
_OWN = "the sound, to smart-turn's own classifier"
_EQUALLY = ", equally long"
_BOTH = "words and sound, as they are weighed"
_DURATION = "how long the user has spoken, which no judge may use"
_LEAST_S = 0.5  # of sound
_LISTS = "the words, to lists of conjunctions, fillers, particles, dictated kinds"
_STOP = "a full stop set by the recogniser"


@dataclass(frozen=True)
class Place:
    """A pause (`pause_s` long) or the end (None) of an utterance, each judge's value, and what follows of them."""

    pause_s: float | None
    by: dict[str, float]
    is_complete: bool


def main() -> None:
    """Print the tables."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    settings = config.load(environ={})
    folder = settings.store.path.parent / "bench" / "latency"
    model = ModelStore(settings.store).ensure(MODEL)
    ours, own, words = EndpointModel(model), open_model(model), CachedJudge(settings, folder)
    rng = np.random.default_rng(0)

    def judged(part: Samples, equally_s: float, text: str, pause_s: float | None) -> Place:
        by = {
            _WORDS: words(text) or 0.0,
            _LISTS: 0.0 if progress(text) in _DICTATION_GOES_ON else _VOTES[text_vote(text)],
            _STOP: float(has_full_stop(text)),
            _DURATION: float(len(part)),
        }
        for name, sound in (("", part), (_EQUALLY, part[-round(max(equally_s, _LEAST_S) * SAMPLE_RATE) :])):
            samples = at_a_pause(sound, rng)
            by[_SOUND + name] = ours(samples)
            by[_OWN + name] = float(own.run(None, {"input_features": log_mel(prepare(samples))[None]})[0][0, 0])
        policy = TurnsSettings()
        by[_BOTH] = log_odds_together(policy, by[_WORDS], by[_SOUND])
        judgement = judge_together(policy, Evidence(by[_SOUND], text, by[_WORDS]))
        return Place(pause_s, by, bool(judgement and judgement.is_complete))

    people = latency_heldout.spoken(latency_people.listed(), folder.parent / "held-out")
    sets: dict[str, list[Place]] = {}
    for name, spoken in (
        ("utterances", utterances(settings, folder, unseen=False)),
        ("unseen", utterances(settings, folder, unseen=True)),
        ("of people", with_pauses(people)),
    ):
        places = []
        for utterance, recording in zip(spoken, recordings(settings, spoken, folder), strict=True):
            ends = [(start, end - start) for start, end in utterance.pauses] + [(utterance.duration_s, None)]
            for number, (end_s, pause_s) in enumerate(ends):
                part = utterance.sound[: round(end_s * SAMPLE_RATE)]
                places.append(judged(part, ends[0][0], recording.texts[f"0-{number}"], pause_s))
        sets[f"{len(spoken)} {name}"] = places
    words.close()
    judges = (_WORDS, _SOUND, _OWN, _SOUND + _EQUALLY, _OWN + _EQUALLY, _BOTH, _LISTS, _STOP, _DURATION)
    shares = ([judge, *(f"{100 * ranked(places, judge):.0f} %" for places in sets.values())] for judge in judges)
    show(("an end ranked above a pause by", *sets), shares)
    show((f"called complete, p ≥ {TurnsSettings().p_complete}", *sets), _called_complete(list(sets.values())))


def _called_complete(sets: list[list[Place]]) -> list[list[str]]:
    ends, long = ["ends"], [f"pauses of {_LONG_S} s and more"]
    for places in sets:
        of_ends = [place for place in places if place.pause_s is None]
        of_long = [place for place in places if (place.pause_s or 0) >= _LONG_S]
        for row, some in ((ends, of_ends), (long, of_long)):
            complete = sum(place.is_complete for place in some)
            row.append(f"{complete} of {len(some)}")
    return [ends, long]


def ranked(places: list[Place], judge: str) -> float:
    """Share of the pairs of an end and a pause in which `judge` gives the end more; of a tie, half."""
    ends = np.array([place.by[judge] for place in places if place.pause_s is None])[:, None]
    pauses = np.array([place.by[judge] for place in places if place.pause_s is not None])[None]
    return float((ends > pauses).mean() + 0.5 * (ends == pauses).mean())


if __name__ == "__main__":
    as_command(main)
