"""Kokoro-82M (int8, ONNX): Chinese, English, and both in one sentence in one voice."""

from __future__ import annotations

import json
import logging
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from huiyin.configs.settings import Settings
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.common.onnx import has_exact_int8, open_model
from huiyin.services.tts import g2p_zh
from huiyin.services.tts.engines import kokoro_graph as graph
from huiyin.services.tts.engines.hibari import readable
from huiyin.services.tts.engines.kokoro_reading import read
from huiyin.services.tts.phrases import pieces
from huiyin.services.tts.speakable import language
from huiyin.services.tts.voice_engine import PLAIN, Prosody, Sound, Speech, Voice, WordTiming, listed, listed_voices

log = logging.getLogger(__name__)

_MODEL = "kokoro-v1.0.int8.onnx"  # this and the next two: in the model store
_VOCABULARY = "kokoro-vocab.json"
_VOICES = "kokoro-voices/{}.bin"
_SAMPLE_RATE = 24_000
_MAX_TOKENS = 510
_STYLE_SHAPE = (510, 1, 256)  # a style for each number of tokens
_PAD = 0
_FRAME_S = 0.0125  # of the model's features
_SEMITONES = 12  # an octave

# Of the silence around speech so many frames are synthesised; the rest only counts in the statistics.
_BEFORE_FRAMES = 6
_AFTER_FRAMES = 8
_EDGE_FRAMES = 3  # the outermost of them, whose weights stand for the silence left out
_AUDIBLE = 0.01  # a sample above this is not silence
_AUDIBLE_LOG_ENERGY = -6.0  # speech is above -2, silence at -9

VOICES = listed_voices("kokoro")


class KokoroEngine:
    """The model in memory; voices are read when they are first used."""

    name = "kokoro"
    version = f"{_MODEL} 4"  # the number increases with changes of the graph and of the phonemes
    remote = False
    sample_rate = _SAMPLE_RATE
    voices = VOICES

    def __init__(self, store: ModelStore, threads: int) -> None:
        self._store = store
        vocabulary = json.loads(store.ensure(_VOCABULARY).read_text(encoding="utf-8"))
        self.ids: dict[str, int] = vocabulary["vocab"]  # of each phoneme
        self._reader, self._generator = open_sessions(store.ensure(_MODEL), threads)
        self._run_options = run_options()
        self._styles: dict[str, Any] = {}
        self._styles_lock = threading.Lock()

    def voice(self, name: str) -> Voice | None:
        """See Engine."""
        return listed(self, name)

    def pieces(self, text: str) -> list[str]:
        """Clauses, the first one short."""
        return pieces(text if language(text) == "zh" else readable(text))

    def synthesise(self, text: str, voice: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        """See Engine. The words come before their sound."""
        before_s = 0.0
        for portion in read(text, self.ids, _is_british(voice), prosody.sounds).portions(_MAX_TOKENS):
            sound, ends_s = self._decode(portion.phonemes, self._style(voice)[len(portion.phonemes) - 1], prosody)
            audible_s = np.flatnonzero(np.abs(sound) > _AUDIBLE) / _SAMPLE_RATE
            for word in portion.words(ends_s):
                yield _without_silence(word, audible_s).later(0, before_s)
            yield sound
            before_s += len(sound) / _SAMPLE_RATE

    def _decode(self, phonemes: str, style: Any, prosody: Prosody) -> tuple[Sound, list[float]]:
        """Sound of at most 510 known phonemes, and the end of each in seconds. `style` is float32 [1, 256]."""
        tokens = np.array([[_PAD, *(self.ids[p] for p in phonemes), _PAD]], np.int64)
        text = {
            graph.TOKENS: tokens,
            graph.STYLE: style,
            graph.SPEED: np.array([prosody.speed], np.float32),
            graph.PITCH_FACTOR: np.array([2 ** (prosody.pitch / _SEMITONES)], np.float32),
        }
        features, pitch, energy, ends = self._reader.run([graph.FEATURES, graph.PITCH, graph.ENERGY, graph.ENDS], text)
        start, end, weights = audible_frames(energy[0])
        frames = {
            graph.FEATURES: features[:, :, start:end],
            graph.PITCH: pitch[:, start:end],
            graph.STYLE: style,
            graph.WEIGHTS: weights,
        }
        sound: Sound = self._generator.run([graph.AUDIO], frames, self._run_options)[0]
        ends_frames = np.clip(ends[1:-1] * graph.FRAMES_PER_STEP - start, 0, end - start)
        return sound, [float(e) for e in ends_frames * _FRAME_S]

    def phonemes(self, text: str, british: bool = False) -> str:
        """`text` in the model's alphabet, with marks; '' when nothing can be said."""
        return read(text, self.ids, british).phonemes

    def warm_up(self) -> None:
        """See Engine."""
        g2p_zh.load()
        for _ in self.synthesise("你好 hello 1。", VOICES[0].name):
            pass

    def _style(self, voice: str) -> Any:
        with self._styles_lock:
            if voice not in self._styles:
                path = self._store.ensure(_VOICES.format(voice))
                self._styles[voice] = np.fromfile(path, np.float32).reshape(_STYLE_SHAPE)
            return self._styles[voice]


def _without_silence(word: WordTiming, audible_s: NDArray[np.float64]) -> WordTiming:
    """`word` without the silence at its end: up to 0.2 s before a pause.

    `audible_s`: the times of the samples that are not silence.
    """
    last = int(np.searchsorted(audible_s, word.end_s)) - 1
    if last < 0 or audible_s[last] <= word.start_s:
        return word
    return replace(word, end_s=float(audible_s[last]))


def _is_british(voice: str) -> bool:
    return voice.startswith("b")


def audible_frames(energy: NDArray[np.float32]) -> tuple[int, int, NDArray[np.float32]]:
    """The frames to synthesise: start, end, and how often each counts, float32 [end - start].

    `energy` is the model's, float32 [frames].
    """
    audible = np.flatnonzero(energy > _AUDIBLE_LOG_ENERGY)
    first, last = (int(audible[0]), int(audible[-1])) if len(audible) else (0, len(energy) - 1)
    start = max(0, first - _BEFORE_FRAMES)
    end = min(len(energy), last + 1 + _AFTER_FRAMES)
    weights = np.ones(end - start, np.float32)
    weights[:_EDGE_FRAMES] += start / _EDGE_FRAMES
    weights[-_EDGE_FRAMES:] += (len(energy) - end) / _EDGE_FRAMES
    return start, end, weights


def open_sessions(path: Path, threads: int) -> tuple[Any, Any]:
    """The two halves of the model as ONNX Runtime sessions (see kokoro_graph)."""
    int8_products = has_exact_int8()
    if not int8_products:
        log.info("this processor has no exact 8-bit dot product: Kokoro runs at half speed")
    halves = graph.split(path, int8_products)
    return _session(halves.reader, threads), _session(halves.generator, threads)


def run_options() -> Any:
    """Run options that free memory after each run: 490 MB instead of 900 after a long sentence, no slower."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def _session(model: bytes, threads: int) -> Any:
    """A session of a serialised model. Through a file: a session made from bytes would keep the 90 MB."""
    with tempfile.TemporaryDirectory(prefix="huiyin-") as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(model)
        return open_model(path, threads)


def load(settings: Settings) -> KokoroEngine:
    """The engine, its files downloaded where they are missing. Raises StoreError, UnexpectedGraph."""
    return KokoroEngine(ModelStore(settings.store), settings.tts.threads)
