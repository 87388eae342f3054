"""The dictations of `benchmarks.dictation` in sound: what the default recogniser and smart-turn make of each group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, cycle
from pathlib import Path

import numpy as np

from benchmarks.dictation_rows import PAUSES_MS, Dictation
from benchmarks.latency_sides import at_a_pause
from benchmarks.latency_speech import speech_in
from benchmarks.synthesis import synthesised
from huiyin.assistant.ears.endpoint_model import MODEL, EndpointModel
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Samples
from huiyin.assistant.turns.dictation import progress
from huiyin.assistant.turns.endpointing import Evidence, wait_s
from huiyin.configs.settings import Settings
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import Hints, load_engine

VOICES = {
    "zh": ("zm_yunxi", "zf_xiaoxiao", "zm_yunyang", "zf_xiaobei"),
    "en": ("", "am_michael", "af_heart", "bf_emma"),
}
_HEARD_S = 0.1  # until it is known that the user goes on


@dataclass(frozen=True)
class Silence:
    """After a group: `text` is what is recognised up to there. `lasts_s`: None at the end."""

    text: str
    wait_s: float
    lasts_s: float | None

    @property
    def is_cut(self) -> bool:
        """Whether the turn is over before the user goes on."""
        return self.lasts_s is not None and self.wait_s < self.lasts_s + _HEARD_S


def silences(settings: Settings, rows: list[Dictation], folder: Path) -> Iterator[list[Silence]]:
    """Of each dictation, those after its groups."""
    store = ModelStore(settings.store)
    recogniser, endpoint = load_engine(settings.asr, store.ensure), EndpointModel(store.ensure(MODEL))
    voices, pauses_ms = {language: cycle(names) for language, names in VOICES.items()}, cycle(PAUSES_MS)
    speakers = [(row, next(voices["zh" if row.is_chinese else "en"])) for row in rows]
    lines = [(voice, group) for row, voice in speakers for group in row.groups]
    sounds = iter(synthesised(settings, lines, folder))
    rng = np.random.default_rng(0)
    for row, _ in speakers:
        groups = [speech_in(next(sounds)) for _ in row.groups]
        pauses_s = [next(pauses_ms) / 1000 for _ in row.groups[:-1]]
        language = "zh" if row.is_chinese else "en"
        found = []
        for said, lasts_s in zip(_growing(groups, pauses_s), [*pauses_s, None], strict=True):
            text = recogniser.recognise([said], Hints((language,)))[0].text.strip()
            evidence = Evidence(endpoint(at_a_pause(said, rng)), text, dictation=progress(text, row.question))
            found.append(Silence(text, wait_s(settings.turns, evidence), lasts_s))
        yield found


def _growing(groups: list[Samples], pauses_s: list[float]) -> Iterator[Samples]:
    """The first group, the first two with the pause between them, ..."""
    pauses = [np.zeros(round(pause_s * SAMPLE_RATE), np.float32) for pause_s in pauses_s]
    joined = [np.concatenate(pair) for pair in zip(pauses, groups[1:], strict=True)]
    yield from accumulate([groups[0], *joined], lambda before, more: np.concatenate([before, more]))
