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

from tests.support.funasr_frontend import DROPOUTS, ENCODER, FEATURES, FRONTEND, cmvn

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
    config = {
        "model": "SeacoParaformer",
        "model_conf": {
            "ctc_weight": 0.0,
            "lsm_weight": 0.1,
            "length_normalized_loss": True,
            "predictor_weight": 1.0,
            "predictor_bias": 1,
            "sampling_ratio": 0.75,
            "inner_dim": size,
            "bias_encoder_type": "lstm",
            "bias_encoder_bid": False,
            "train_decoder": True,
            "NO_BIAS": len(vocabulary) - 2,
        },
        **_encoder(shape, shape["blocks"]),
        "decoder": "ParaformerSANMDecoder",
        "decoder_conf": _decoder(shape, shape["hidden"], shape["decoder"], kernel_size=11),
        "seaco_decoder": "ParaformerSANMDecoder",
        "seaco_decoder_conf": {
            **_decoder(shape, shape["hidden"] // 2, _HOTWORD_BLOCKS, kernel_size=21),
            "use_output_layer": False,
            "wo_input_layer": True,
        },
        "predictor": "CifPredictorV3",
        "predictor_conf": {
            "idim": size,
            "threshold": 1.0,
            "l_order": 1,
            "r_order": 1,
            "tail_threshold": 0.45,
            "smooth_factor2": 0.25,
            "noise_threshold2": 0.01,
            "upsample_times": 3,
            "use_cif1_cnn": False,
            "upsample_type": "cnn_blstm",
        },
        "frontend": "WavFrontend",
        "frontend_conf": {**FRONTEND, "dither": 0.0},
        "tokenizer": "CharTokenizer",
        "tokenizer_conf": {"unk_symbol": "<unk>", "split_with_space": True},
        "input_size": FEATURES,
    }
    _write(out, config, vocabulary)
    (out / "am.mvn").write_text(cmvn(), "utf-8")
    segmented = {**{char: char for char in WORDS}, **SEGMENTED}
    (out / "seg_dict").write_text("".join(f"{word} {pieces}\n" for word, pieces in segmented.items()), "utf-8")
    return out


def write_punctuation(out: Path, shape: Mapping[str, int]) -> Path:
    """A folder of CT-Transformer's shape."""
    vocabulary = _vocabulary(("pytorch", "hello", "network", "the"))
    size = shape["size"]
    config = {
        "model": "CTTransformer",
        "model_conf": {
            "ignore_id": 0,
            "embed_unit": size,
            "att_unit": size,
            "dropout_rate": 0.1,
            "punc_list": ["<unk>", "_", "，", "。", "？", "、"],
            "punc_weight": [1.0] * 6,
            "sentence_end_id": 3,
        },
        **_encoder(shape, min(4, shape["blocks"]), input_size=size),
        "tokenizer": "CharTokenizer",
        "tokenizer_conf": {"unk_symbol": "<unk>"},
    }
    _write(out, config, vocabulary)
    return out


def _vocabulary(words: Sequence[str]) -> list[str]:
    """Special tokens, Chinese characters, `words`."""
    return ["<blank>", "<s>", "</s>", *WORDS, *words, "<unk>"]


def _encoder(shape: Mapping[str, int], blocks: int, **more: int) -> dict[str, Any]:
    sizes = {"output_size": shape["size"], "attention_heads": shape["heads"], "linear_units": shape["hidden"]}
    return {"encoder": "SANMEncoder", "encoder_conf": {**sizes, **more, "num_blocks": blocks, **ENCODER}}


def _decoder(shape: Mapping[str, int], hidden: int, blocks: int, kernel_size: int) -> dict[str, Any]:
    return {
        "attention_heads": shape["heads"],
        "linear_units": hidden,
        "num_blocks": blocks,
        "att_layer_num": blocks,
        "kernel_size": kernel_size,
        **DROPOUTS,
        "self_attention_dropout_rate": 0.1,
        "src_attention_dropout_rate": 0.1,
        "sanm_shfit": 0,
    }


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
