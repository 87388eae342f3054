"""hibari: American English, one voice, 14 MB. Also Kokoro's English reader."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from huiyin.configs.settings import Settings
from huiyin.services.common.pronunciations import parts
from huiyin.services.tts.homographs import with_readings
from huiyin.services.tts.phrases import LONGEST_CLAUSE, syllables
from huiyin.services.tts.phrases import pieces as clauses
from huiyin.services.tts.speakable import speakable, zh_and_en
from huiyin.services.tts.voice_engine import PLAIN, Prosody, Sound, Voice, listed, listed_voices

_VOICE = "heart"  # the one in the package; others would be downloaded
_LONG_NUMBER = re.compile(r"\d[\d,]{12,}\d")  # read digit by digit
_PACE_FOR_PITCH = 0.03  # of the pace, a semitone
_LETTER_A = re.compile(r"\bA$")  # 维生素A: without a mark after it, the reader reads the article
_THREADS = 1  # one core is quick enough for the first sound


def english_phonemes(text: str, british: bool = False) -> str:
    """English text in phonemes: misaki's alphabet, which Kokoro shares."""
    text, reader = with_readings(readable(text)), english_reader(british)
    if _LETTER_A.search(text):
        return str(reader(text + ".")).removesuffix(".")
    return str(reader(text))


def readable(text: str) -> str:
    """`text` in the one script that the reader knows, numbers above its trillions digit by digit."""
    return zh_and_en(_LONG_NUMBER.sub(lambda number: " ".join(number[0].replace(",", "")), text))


@functools.lru_cache(maxsize=2)
def english_reader(british: bool = False) -> Any:
    """hibari's reader, shared by the engines: its lexicons take 100 MB."""
    from hibari.g2p import G2P

    return G2P(british=british)


class HibariEngine:
    """English, with the first sound at once."""

    name = "hibari"
    remote = False
    voices = listed_voices("hibari")

    def __init__(self) -> None:
        from hibari import Hibari, __version__

        self.version = str(__version__)
        self._model = Hibari(voice=_VOICE, threads=_THREADS, g2p=english_reader())
        self.sample_rate = int(self._model.sample_rate)

    def voice(self, name: str) -> Voice | None:
        """See Engine."""
        return listed(self, name)

    def pieces(self, text: str) -> list[str]:
        """Sentences: each takes milliseconds. Long ones are cut, as memory grows with their length."""
        parts: list[str] = []
        for sentence in map(str, self._model.split_sentences(readable(text))):
            parts += [sentence] if syllables(sentence) <= LONGEST_CLAUSE else clauses(sentence)
        return parts

    def synthesise(self, text: str, voice: str, prosody: Prosody = PLAIN) -> Iterator[Sound]:
        """See Engine. The pitch cannot be changed: the pace changes more instead.

        The noise in the voice is seeded: the same text has the same sound.
        """
        text = readable(text)
        if not speakable(text):
            return
        text = "".join(
            f"[{part}](/{prosody.sounds[part]}/)" if part in prosody.sounds else with_readings(part)
            for part in parts(text, prosody.sounds)
        )
        for sound in self._model.stream(text, prosody.speed * (1 + _PACE_FOR_PITCH * prosody.pitch), seed=0):
            if len(sound):
                yield np.asarray(sound, np.float32)

    def warm_up(self) -> None:
        """See Engine."""
        for _ in self.synthesise("Hello, 1 word: Xyzzy.", _VOICE):
            pass


def load(settings: Settings) -> HibariEngine:
    """The engine; its files are inside the package."""
    return HibariEngine()
