"""Marks for text that has none: CT-Transformer (arXiv 2003.01309), FunASR's modules and weights.

Driven from here because FunASR's own call opens its text as a file when there is one of that name.
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
_STEP = 20  # words more in each look, as FunASR does it: the network was trained on short texts
_LONGEST = 200  # words without a full stop: the last comma becomes one
_FULL_STOPS = "。？"
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
        """The words, some with a mark behind, the last one always with a full stop or a question mark."""
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
        """The words, or what jieba makes of them where the vocabulary is one of words (the large model)."""
        from funasr.models.ct_transformer.utils import split_words

        if self._model.jieba_usr_dict is None:
            return list(words)
        return [token for token in split_words(" ".join(words), self._model.jieba_usr_dict) if token.strip()]

    def _marks(self, tokens: Sequence[str]) -> list[str]:
        """The mark after each token, '' for none: looked at again until the sentence it is in has ended."""
        ids = self._tokenizer.tokens2ids(tokens)
        marks: list[str] = []
        end = 0
        while len(marks) < len(tokens):
            end = min(end + _STEP, len(tokens))
            looked = self._look(ids[len(marks) : end])
            if end == len(tokens):
                marks += looked
            else:
                stops = [i for i, mark in enumerate(looked[:-1]) if mark and mark in _FULL_STOPS and i > 1]
                commas = [i for i, mark in enumerate(looked[:-1]) if mark == "，" and i > 1]
                if not stops and len(looked) > _LONGEST and commas:
                    looked[commas[-1]] = "。"
                    stops = commas
                marks += looked[: stops[-1] + 1] if stops else []
        if marks[-1] not in tuple(_FULL_STOPS):
            marks[-1] = "。"
        return marks

    def _look(self, ids: Sequence[int]) -> list[str]:
        import torch

        text = torch.tensor([list(ids)], device=self._device)
        with torch.inference_mode():
            scores, _ = self._model.punc_forward(text, torch.tensor([len(ids)], device=self._device))
        names = [self._model.punc_list[i] for i in scores[0].argmax(dim=-1).tolist()]
        return ["" if name in ("_", "<unk>") else name for name in names]


def _at_ends(tokens: Sequence[str], marks: Sequence[str]) -> dict[int, str]:
    """The marks by how many letters stand before them."""
    after, position = {}, 0
    for token, mark in zip(tokens, marks, strict=True):
        position += len(token.replace(" ", ""))
        after[position] = mark
    return after
