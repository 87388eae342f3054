"""Model folders of SeACo-Paraformer and its punctuation without the published weights: the same shape, random numbers.

FunASR's AutoModel loads them as it loads the published ones. Needs `make funasr`. They recognise nonsense; the tests
check its form.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.support.funasr_frontend import cmvn, published

WORDS = tuple("今天又没考过你好我们是不的了在有人这中大来上个国说张章伟维王小明北京十一二三四五六七八九零")
PIECES = ("py@@", "torch", "hello", "the", "a", "b", "c", "t", "v", "net@@", "work")
SEGMENTED = {"pytorch": "py@@ torch", "hello": "hello", "network": "net@@ work", "the": "the"}
"""English words -> their pieces, as the published ``seg_dict`` has them."""

TINY = {"size": 64, "heads": 2, "hidden": 64, "blocks": 2, "decoder": 2}
_HOTWORD_BLOCKS = 6  # FunASR chooses among more than 50 hotwords by the sixth


def write_paraformer(out: Path, shape: Mapping[str, int]) -> Path:
    """A folder of this shape."""
    vocabulary = _vocabulary(PIECES)
    size = shape["size"]
    config = published(
        "paraformer",
        model_conf={"inner_dim": size, "NO_BIAS": len(vocabulary) - 2},
        encoder_conf=_encoder(shape, shape["blocks"]),
        decoder_conf=_decoder(shape, shape["hidden"], shape["decoder"]),
        seaco_decoder_conf=_decoder(shape, shape["hidden"] // 2, _HOTWORD_BLOCKS),
        predictor_conf={"idim": size},
    )
    _write(out, config, vocabulary)
    (out / "am.mvn").write_text(cmvn(), "utf-8")
    segmented = {**{char: char for char in WORDS}, **SEGMENTED}
    (out / "seg_dict").write_text("".join(f"{word} {pieces}\n" for word, pieces in segmented.items()), "utf-8")
    return out


def write_punctuation(out: Path, shape: Mapping[str, int]) -> Path:
    """A folder of CT-Transformer's shape."""
    vocabulary = _vocabulary(("pytorch", "hello", "network", "the"))
    size = shape["size"]
    config = published(
        "punctuation",
        model_conf={"embed_unit": size, "att_unit": size},
        encoder_conf={**_encoder(shape, min(4, shape["blocks"])), "input_size": size},
    )
    _write(out, config, vocabulary)
    return out


def _vocabulary(words: Sequence[str]) -> list[str]:
    """Special tokens, Chinese characters, `words`."""
    return ["<blank>", "<s>", "</s>", *WORDS, *words, "<unk>"]


def _encoder(shape: Mapping[str, int], blocks: int) -> dict[str, int]:
    sizes = {"output_size": shape["size"], "attention_heads": shape["heads"], "linear_units": shape["hidden"]}
    return {**sizes, "num_blocks": blocks}


def _decoder(shape: Mapping[str, int], hidden: int, blocks: int) -> dict[str, int]:
    sizes = {"attention_heads": shape["heads"], "linear_units": hidden}
    return {**sizes, "num_blocks": blocks, "att_layer_num": blocks}


def _write(out: Path, config: Mapping[str, Any], tokens: list[str]) -> None:
    """config.yaml, tokens.json, and model.pt: a new model's own numbers."""
    import funasr  # noqa: F401 - fills the tables
    import torch
    from funasr.register import tables

    out.mkdir(parents=True, exist_ok=True)
    (out / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), "utf-8")
    (out / "tokens.json").write_text(json.dumps(tokens, ensure_ascii=False), "utf-8")
    torch.manual_seed(0)
    model = tables.model_classes.get(config["model"])(**{**config, "vocab_size": len(tokens), **config["model_conf"]})
    torch.save(model.state_dict(), out / "model.pt")
