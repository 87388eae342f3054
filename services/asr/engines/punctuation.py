"""Punctuation for text without any: CT-Transformer (arXiv 2003.01309), FunASR's modules and weights.

Driven step by step, as FunASR's own call opens its text as a file when there is one of that name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from huiyin.services.asr.engines.funasr_models import check_folder, load_stock
from huiyin.services.asr.recogniser import Word

_FILES = ("config.yaml", "model.pt", "tokens.json")
_HUB = "iic/punc_ct-transformer_zh-cn-common-vocab272727-pytorch"
_STEP = 20  # more words in each call, as in FunASR: the network was trained on short texts
_LONGEST = 200  # words without a full stop; beyond it the last comma becomes one
_FULL_STOPS = ("。", "？")
_LATIN = {"，": ",", "。": ".", "？": "?", "、": ","}


class Punctuation:
    """Puts marks after words."""

    def __init__(self, folder: Path, device: str, threads: int) -> None:
        """`folder` as ModelScope has it. Raises ModelFolderError, SettingsError or OSError."""
        check_folder(folder, "CTTransformer", _FILES, _HUB)
        stock = load_stock(folder, device, threads)
        self._model: Any = stock.model
        self._tokenizer: Any = stock.kwargs["tokenizer"]
        self._device = device

    def __call__(self, words: Sequence[Word]) -> list[Word]:
        """The words, some with a mark after them, the last one always with a full stop or a question mark."""
        if not words:
            return []
        tokens = self._split([word.text.lower() for word in words])
        after = _at_ends(tokens, self._marks(tokens))
        marked: list[Word] = []
        position = 0
        for word in words:
            position += len(word.text)
            mark = after.get(position, "")
            text = word.text
            if text[0].isascii():
                mark = _LATIN.get(mark, mark)
                if not marked or marked[-1].text[-1] in "。？.?":
                    text = text[0].upper() + text[1:]
            marked.append(dataclasses.replace(word, text=text + mark))
        return marked

    def _split(self, words: Sequence[str]) -> list[str]:
        """The words, or jieba's division of them for a vocabulary of words (the large model)."""
        from funasr.models.ct_transformer.utils import split_words

        if self._model.jieba_usr_dict is None:
            return list(words)
        return [token for token in split_words(" ".join(words), self._model.jieba_usr_dict) if token.strip()]

    def _marks(self, tokens: Sequence[str]) -> list[str]:
        """The mark after each token, '' for none; tokens are classified again until their sentence has ended."""
        ids = self._tokenizer.tokens2ids(tokens)
        marks: list[str] = []
        end = 0
        while len(marks) < len(tokens):
            end = min(end + _STEP, len(tokens))
            new = self._classify(ids[len(marks) : end])
            marks += new if end == len(tokens) else _whole_sentences(new)
        if marks[-1] not in _FULL_STOPS:
            marks[-1] = "。"
        return marks

    def _classify(self, ids: Sequence[int]) -> list[str]:
        import torch

        text = torch.tensor([list(ids)], device=self._device)
        with torch.inference_mode():
            scores, _ = self._model.punc_forward(text, torch.tensor([len(ids)], device=self._device))
        names = [self._model.punc_list[i] for i in scores[0].argmax(dim=-1).tolist()]
        return ["" if name in ("_", "<unk>") else name for name in names]


def _whole_sentences(marks: list[str]) -> list[str]:
    """The marks up to the last full stop before the end; in a text too long without one, up to the last comma."""
    inside = range(2, len(marks) - 1)
    stops = [i for i in inside if marks[i] in _FULL_STOPS]
    commas = [i for i in inside if marks[i] == "，"]
    if stops:
        return marks[: stops[-1] + 1]
    if commas and len(marks) > _LONGEST:
        return [*marks[: commas[-1]], "。"]
    return []


def _at_ends(tokens: Sequence[str], marks: Sequence[str]) -> dict[int, str]:
    """The marks by the number of letters before them."""
    after, position = {}, 0
    for token, mark in zip(tokens, marks, strict=True):
        position += len(token.replace(" ", ""))
        after[position] = mark
    return after
