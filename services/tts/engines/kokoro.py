"""Kokoro-82M (int8, ONNX): Chinese, English, and both in one sentence in one voice."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from configs.settings import Settings
from configs.store import ModelStore
from services.tts import g2p_zh
from services.tts.clauses import pieces
from services.tts.engine import Sound, Voice, listed
from services.tts.engines.hibari import english_reader
from services.tts.numbers_zh import read_numbers
from services.tts.text import language

log = logging.getLogger(__name__)

_MODEL, _VOCABULARY, _VOICES = "kokoro-v1.0.int8.onnx", "kokoro-vocab.json", "kokoro-voices/{}.bin"
_SAMPLE_RATE = 24_000
_MAX_TOKENS = 510
_STYLE_SHAPE = (510, 1, 256)  # a style for each number of tokens
_PAD = 0

# Lengths of the silent ends, in frames of 25 ms at speed 1. Left alone, the model gives 18 frames before the first
# phoneme and up to 30 after the last; 1.1 s of the 2.3 s it makes of "你好，很高兴。" is silence.
_HEAD_FRAMES = 4.0
_LAST_SOUND_FRAMES = 8.0  # the last phoneme or tone dies away within these
_TAIL_FRAMES = 2.0  # each mark after it, and the end
_NO_CAP = 1e4

_BOTH = frozenset({"zh", "en"})
_ENGLISH = frozenset({"en"})
VOICES = (
    Voice("zf_xiaoxiao", "kokoro", "zh-CN", "female", _BOTH),
    Voice("zf_xiaobei", "kokoro", "zh-CN", "female", _BOTH),
    Voice("zf_xiaoni", "kokoro", "zh-CN", "female", _BOTH),
    Voice("zf_xiaoyi", "kokoro", "zh-CN", "female", _BOTH),
    Voice("zm_yunxi", "kokoro", "zh-CN", "male", _BOTH),
    Voice("zm_yunjian", "kokoro", "zh-CN", "male", _BOTH),
    Voice("zm_yunxia", "kokoro", "zh-CN", "male", _BOTH),
    Voice("zm_yunyang", "kokoro", "zh-CN", "male", _BOTH),
    Voice("af_heart", "kokoro", "en-US", "female", _ENGLISH),
    Voice("af_bella", "kokoro", "en-US", "female", _ENGLISH),
    Voice("am_michael", "kokoro", "en-US", "male", _ENGLISH),
    Voice("bf_emma", "kokoro", "en-GB", "female", _ENGLISH),
    Voice("bm_george", "kokoro", "en-GB", "male", _ENGLISH),
)

_MARKS = {
    "，": ",", "、": ",", "。": ".", "．": ".", "！": "!", "？": "?", "：": ":", "；": ";", "–": "—",
    "《": "“", "「": "“", "【": "“", "『": "“", "»": "”", "》": "”", "」": "”", "】": "”", "』": "”", "«": "“",
    "（": "(", "）": ")",
}  # fmt: skip
_SAID_ZH = {"+": "加", "=": "等于", "&": "和", "×": "乘以", "÷": "除以", "@": "at", "±": "正负"}
_OPENING = "(“"
_SILENT = ' .,!?;:…—()“”"'
_NOT_FIRST = " .,!?;:…—)”"
_SPACES = re.compile(r"(?<=[(“]) +|(?<= ) +")
_RUNS = re.compile(
    rf"(?P<zh>[{g2p_zh.HAN}]+)|(?P<en>[A-Za-zÀ-ɏ0-9](?:[A-Za-zÀ-ɏ0-9 '’.,&%$°/-]*[A-Za-zÀ-ɏ0-9%])?)|(?P<mark>.)", re.S
)


class KokoroEngine:
    """The model in memory; voices are read when they are first used."""

    name = "kokoro"
    sample_rate = _SAMPLE_RATE
    voices = VOICES

    def __init__(self, store: ModelStore, threads: int) -> None:
        self._store = store
        vocabulary = json.loads(store.ensure(_VOCABULARY).read_text(encoding="utf-8"))
        self._ids: dict[str, int] = vocabulary["vocab"]
        self._session = open_session(store.ensure(_MODEL), threads)
        self._caps = any(i.name == "max_frames" for i in self._session.get_inputs())
        self._styles: dict[str, Any] = {}
        self._styles_lock = threading.Lock()

    def voice(self, name: str) -> Voice | None:
        """See Engine."""
        return listed(self, name)

    def pieces(self, text: str) -> list[str]:
        """Clauses, the first one short."""
        return pieces(text)

    def synthesise(self, text: str, voice: str, speed: float) -> Iterator[Sound]:
        """See Engine."""
        style = self._style(voice)
        for spoken in self._portions(self.phonemes(text, british=voice.startswith("b"))):
            ids = [self._ids[p] for p in spoken]
            feed = {
                "tokens": np.array([[_PAD, *ids, _PAD]], np.int64),
                "style": style[len(ids) - 1],
                "speed": np.array([speed], np.float32),
            }
            if self._caps:
                feed["max_frames"] = _frame_caps(spoken, speed)
            sound: Sound = self._session.run(["audio"], feed)[0]
            yield sound

    def phonemes(self, text: str, british: bool = False) -> str:
        """What the model is given for `text`: its own alphabet, marks included; '' when nothing can be said."""
        read_english = english_reader(british)
        if language(text) == "en":
            spoken = str(read_english(text))
        else:
            spoken = ""
            for run in _RUNS.finditer(_in_words(text)):
                if run["zh"]:
                    spoken += " " + g2p_zh.phonemes(run["zh"])
                elif run["en"]:
                    spoken += " " + str(read_english(run["en"]))
                elif (mark := _MARKS.get(run["mark"], run["mark"])) in _OPENING:
                    spoken += " " + mark
                else:
                    spoken = spoken.rstrip() + mark + " "
        known = "".join(c for c in spoken if c in self._ids)
        return _SPACES.sub("", known).lstrip(_NOT_FIRST).rstrip()

    def warm_up(self) -> None:
        """See Engine."""
        g2p_zh.load()
        for _ in self.synthesise("你好 hello 1。", VOICES[0].name, 1.0):
            pass

    def _portions(self, spoken: str) -> Iterator[str]:
        """`spoken` in portions the model can take, cut between words."""
        while len(spoken) > _MAX_TOKENS:
            cut = spoken.rfind(" ", 1, _MAX_TOKENS)
            cut = cut if cut > 0 else _MAX_TOKENS
            yield spoken[:cut]
            spoken = spoken[cut:].lstrip()
        if spoken.strip(_SILENT):
            yield spoken

    def _style(self, voice: str) -> Any:
        with self._styles_lock:
            if voice not in self._styles:
                path = self._store.ensure(_VOICES.format(voice))
                self._styles[voice] = np.fromfile(path, np.float32).reshape(_STYLE_SHAPE)
            return self._styles[voice]


def _in_words(text: str) -> str:
    """Chinese text with its numbers and signs in words."""
    return "".join(_SAID_ZH.get(c, c) for c in read_numbers(text))


def _frame_caps(spoken: str, speed: float) -> Any:
    """The most frames each token may last, float32 [tokens + 2]: only the silent ends are held short."""
    end = len(spoken.rstrip(_SILENT))
    caps = np.full(len(spoken) + 2, _NO_CAP, np.float32)
    caps[0] = _HEAD_FRAMES
    caps[end] = _LAST_SOUND_FRAMES / speed
    caps[end + 1 :] = _TAIL_FRAMES
    return caps


def open_session(path: Path, threads: int) -> Any:
    """The model as an ONNX Runtime session, its graph rewritten for speed where that can be done."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Threads that spin while they wait take the cores from the LLM, which runs at the same moment.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(_fast_model(path), options, providers=["CPUExecutionProvider"])


def _fast_model(path: Path) -> str | bytes:
    """The model, rewritten; or its path, when it has to be used as it is."""
    try:
        from services.tts.engines import kokoro_graph
    except ImportError as error:
        log.warning("Kokoro runs at half its speed: %s", error)
        return str(path)
    try:
        if kokoro_graph.exact_int8():
            return kokoro_graph.rewrite(path)
        log.info("Kokoro runs at half its speed: this processor has no exact 8-bit dot product")
    except kokoro_graph.UnexpectedGraph as error:
        log.warning("Kokoro runs at half its speed: %s", error)
    return str(path)


def load(settings: Settings) -> KokoroEngine:
    """The engine, its files fetched if need be. Raises StoreError."""
    return KokoroEngine(ModelStore(settings.store), settings.tts.threads)
