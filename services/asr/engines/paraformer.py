"""SeACo-Paraformer: Mandarin (with English words in it), native hotwords, times of every character.

Non-autoregressive (arXiv 2206.08317), hotwords by semantic-augmented contextual attention (arXiv 2308.03266), times by
CIF over upsampled frames; the marks come from CT-Transformer (arXiv 2003.01309). FunASR's modules and weights, driven
step by step, as its own call keeps a request's hotwords on the model for the next request, fetches or reads a hotword
that looks like an address or a file, and loses a whole recording to one empty segment.

Numbers stay as they are spoken; ``itn`` only decides on the marks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from huiyin.configs.settings import AsrSettings, SettingsError
from huiyin.services.asr.engines.funasr_models import check_folder, find_device, funasr_is_installed, load_stock
from huiyin.services.asr.engines.punctuation import Punctuation
from huiyin.services.asr.recogniser import FindModel, Hints, OutOfMemory, Recognition, Segment, Word, join_texts
from huiyin.services.common.audio import SAMPLE_RATE, Samples
from huiyin.services.common.reader_language import in_readers_words
from huiyin.services.common.text import HAN, is_chinese

_FILES = ("config.yaml", "model.pt", "tokens.json", "am.mvn")
_HUB = "iic/speech_seaco_paraformer_large_asr_nat-zh-cn-16k-common-vocab8404-pytorch"
_SHORTEST_S = 0.05  # with less than one frame FunASR divides by zero
_GPU_BATCH_S = 600.0  # beyond the planner's own limit, which decides
_PART = re.compile(rf"[{HAN}]|(?:(?![{HAN}])[^\W_])+(?:'(?:(?![{HAN}])[^\W_])+)*")


def load(settings: AsrSettings, find_model: FindModel) -> ParaformerEngine:
    """The engine, warmed up. Raises SettingsError (no FunASR, a precision) or ModelFolderError."""
    if settings.precision not in ("auto", "fp32"):
        raise SettingsError("asr.paraformer_precision", precision=settings.precision)
    if not funasr_is_installed():
        raise SettingsError("asr.no_funasr")
    folder = find_model(settings.model)
    marks = find_model(settings.punctuation) if settings.punctuation else None
    engine = ParaformerEngine(folder, marks, find_device(settings.device), settings.threads)
    engine.recognise([np.zeros(SAMPLE_RATE, np.float32)], Hints(hotwords=("你好",)))
    return engine


class ParaformerEngine:
    """See `huiyin.services.asr.recogniser.Engine`. It cannot tell emotions or events."""

    languages = ("zh",)
    max_piece_s = 30.0
    workers = 1
    uses_hotwords = True
    translates = False

    def __init__(self, folder: Path, punctuation: Path | None, device: str, threads: int) -> None:
        """Both folders as ModelScope has them. Raises ModelFolderError, SettingsError or OSError."""
        from huiyin.services.asr.sensevoice.features import Frontend

        check_folder(folder, "SeacoParaformer", _FILES, _HUB)
        self._stock = load_stock(folder, device, threads)
        self._model: Any = self._stock.model
        self._tokens: list[str] = json.loads((folder / "tokens.json").read_text("utf-8"))
        self._ids = {token: i for i, token in enumerate(self._tokens)}
        self._pieces = _read_pieces(folder / "seg_dict")  # of each word
        self._special = {self._model.sos, self._model.eos, self._model.blank_id, self._ids.get("<unk>", -1)}
        self._frontend = Frontend(folder / "am.mvn")
        self._marks = Punctuation(punctuation, device, threads) if punctuation else None
        self.model = folder.name
        self.device = device
        self.batch_s = 0.0 if device == "cpu" else _GPU_BATCH_S

    def recognise(self, pieces: Sequence[Samples], hints: Hints) -> list[Recognition]:
        """One segment a piece, or none where nothing was said. Raises OutOfMemory."""
        hotwords, unknown = self._hotwords(hints.hotwords)
        warnings = (in_readers_words("asr.hotwords_without_letters", words=unknown),) if unknown else ()
        long_enough = [samples for samples in pieces if len(samples) / SAMPLE_RATE >= _SHORTEST_S]
        decoded = iter(self._decode(long_enough, hotwords))
        recognitions = []
        for samples in pieces:
            length_s = len(samples) / SAMPLE_RATE
            words, confidence = next(decoded) if length_s >= _SHORTEST_S else ([], 0.0)
            if self._marks and hints.itn:
                words = self._marks(words)
            recognitions.append(Recognition(_segments(words, confidence, length_s), warnings))
        return recognitions

    def _decode(self, pieces: Sequence[Samples], hotwords: list[list[int]] | None) -> list[tuple[list[Word], float]]:
        """Words with times and confidence of each piece."""
        import torch

        if not pieces:
            return []
        finite = [np.nan_to_num(samples, posinf=0.0, neginf=0.0) for samples in pieces]
        rows = [torch.from_numpy(self._frontend(samples)) for samples in finite]
        model = self._model
        try:
            with torch.inference_mode():
                lengths = torch.tensor([len(row) for row in rows], device=self.device)
                speech = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(self.device)
                encoded, lengths = model.encode(speech, lengths)
                # Padding is made zero: the predictor looks one frame beyond a piece's end.
                beyond = torch.arange(encoded.shape[1], device=self.device) >= lengths[:, None]
                encoded = encoded.masked_fill(beyond[..., None], 0.0)
                acoustic, counts, *_ = model.calc_predictor(encoded, lengths)
                counts = counts.round().long().clamp(max=acoustic.shape[1])
                if int(counts.max()) < 1:
                    return [([], 0.0)] * len(pieces)
                scores = model._seaco_decode_with_ASF(encoded, lengths, acoustic, counts, hw_list=hotwords)
                return [
                    self._words(scores[i, : int(count)], encoded[i : i + 1, : int(length)])
                    for i, (count, length) in enumerate(zip(counts, lengths, strict=True))
                ]
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise OutOfMemory(str(error)) from error

    def _words(self, scores: Any, encoded: Any) -> tuple[list[Word], float]:
        """Of one piece: log-probabilities (tokens, vocabulary) and encoded frames (1, T, size)."""
        import torch
        from funasr.utils.timestamp_tools import ts_prediction_lfr6_standard

        best, ids = scores.max(dim=-1)
        spoken = [i for i, token in enumerate(ids.tolist()) if token not in self._special]
        if not spoken or not bool(torch.isfinite(best).all()):
            return [], 0.0
        tokens = [self._tokens[int(ids[i])] for i in spoken]
        length = torch.tensor([encoded.shape[1]], device=encoded.device)
        count = torch.tensor([len(scores)], device=encoded.device)
        # Without the padding of the batch: the network for the times also looks backwards.
        _, _, alphas, peaks = self._model.calc_predictor_timestamp(encoded, length, count)
        _, times_ms = ts_prediction_lfr6_standard(alphas[0], peaks[0], list(tokens))
        words = join_pieces(tokens, [(start / 1000, end / 1000) for start, end in times_ms])
        return words, float(best[spoken].mean().exp())

    def _hotwords(self, words: Sequence[str]) -> tuple[list[list[int]] | None, list[str]]:
        """Token numbers of each hotword and, last, of the end mark; and the hotwords that tokens cannot write."""
        known, unknown = [], []
        for word in words:
            parts = [self._pieces.get(part) or [part] for part in _PART.findall(word.lower())]
            ids = [self._ids.get(piece, -1) for pieces in parts for piece in pieces]
            if ids and min(ids) >= 0:
                known.append(ids)
            else:
                unknown.append(word)
        return ([*known, [self._model.sos]] if known else None), unknown


def _segments(words: list[Word], confidence: float, length_s: float) -> tuple[Segment, ...]:
    if not words:
        return ()
    times_s = np.clip([(word.start_s, word.end_s) for word in words], 0.0, length_s).tolist()
    words = [Word(word.text, *span) for word, span in zip(words, times_s, strict=True)]
    text = join_texts(word.text for word in words)
    language = "zh" if is_chinese(text) else "en"
    return (Segment(words[0].start_s, words[-1].end_s, text, language, confidence, words=tuple(words)),)


def join_pieces(tokens: Sequence[str], times_s: Sequence[tuple[float, float]]) -> list[Word]:
    """Words from tokens: "py@@ torch" is one, and letters spelt one by one ("c c t v") are an abbreviation.

    Where there are fewer times than tokens, the last time is that of the rest.
    """
    words: list[Word] = []
    begun = False  # the last token was the beginning of a word
    after_letter = False
    for i, token in enumerate(tokens):
        start_s, end_s = times_s[min(i, len(times_s) - 1)] if times_s else (0.0, 0.0)
        is_letter = not begun and len(token) == 1 and token.isascii() and token.isalpha()
        text = token.removesuffix("@@")
        if begun and token.isascii():
            before = words.pop()
            text, start_s = before.text + text, before.start_s
        elif is_letter and after_letter:
            before = words.pop()
            text, start_s = (before.text + text).upper(), before.start_s
        words.append(Word(text, start_s, end_s))
        begun, after_letter = token.endswith("@@"), is_letter
    return words


def _read_pieces(path: Path) -> dict[str, list[str]]:
    """The published ``seg_dict``: a word, then its pieces, one line each. Empty without such a file."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8") as file:
        return {word: pieces for word, *pieces in map(str.split, file) if pieces}
