"""Model folders of SeACo-Paraformer and its punctuation without the published weights: the same shape, random numbers.

    python -m tests.support.random_paraformer FOLDER [--full]

writes FOLDER/paraformer and FOLDER/ct-punc, which FunASR's AutoModel loads as it loads the published ones. Needs
`make funasr`. They recognise nonsense; the tests check its form.
"""

from __future__ import annotations

import argparse
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
FULL = {"size": 512, "heads": 4, "hidden": 2048, "blocks": 50, "decoder": 16}
_HOTWORD_BLOCKS = 6  # FunASR chooses among more than 50 hotwords by the sixth
_PUBLISHED_TOKENS = 8404  # in the vocabulary
_PUBLISHED_PUNCTUATION_TOKENS = 272_727  # in the vocabulary


def write_paraformer(out: Path, shape: Mapping[str, int], tokens: int = 0, seed: int = 0) -> Path:
    """A folder of this shape; its vocabulary filled up to `tokens`."""
    vocabulary = _vocabulary(PIECES, tokens)
    size = shape["size"]
    config = published(
        "paraformer",
        model_conf={"inner_dim": size, "NO_BIAS": len(vocabulary) - 2},
        encoder_conf=_encoder(shape, shape["blocks"]),
        decoder_conf=_decoder(shape, shape["hidden"], shape["decoder"]),
        seaco_decoder_conf=_decoder(shape, shape["hidden"] // 2, _HOTWORD_BLOCKS),
        predictor_conf={"idim": size},
    )
    _write(out, config, vocabulary, seed)
    (out / "am.mvn").write_text(cmvn(), "utf-8")
    segmented = {**{char: char for char in WORDS}, **SEGMENTED}
    (out / "seg_dict").write_text("".join(f"{word} {pieces}\n" for word, pieces in segmented.items()), "utf-8")
    return out


def write_punctuation(out: Path, shape: Mapping[str, int], tokens: int = 0, seed: int = 0) -> Path:
    """A folder of CT-Transformer's shape; its vocabulary filled up to `tokens`."""
    vocabulary = _vocabulary(("pytorch", "hello", "network", "the"), tokens)
    size = shape["size"]
    config = published(
        "punctuation",
        model_conf={"embed_unit": size, "att_unit": size},
        encoder_conf={**_encoder(shape, min(4, shape["blocks"])), "input_size": size},
    )
    _write(out, config, vocabulary, seed)
    return out


def _vocabulary(words: Sequence[str], tokens: int) -> list[str]:
    """Special tokens, Chinese characters, `words`, fillers up to `tokens`."""
    vocabulary = ["<blank>", "<s>", "</s>", *WORDS, *words]
    fillers = [f"w{i}" for i in range(tokens - len(vocabulary) - 1)]
    return [*vocabulary, *fillers, "<unk>"]


def _encoder(shape: Mapping[str, int], blocks: int) -> dict[str, int]:
    sizes = {"output_size": shape["size"], "attention_heads": shape["heads"], "linear_units": shape["hidden"]}
    return {**sizes, "num_blocks": blocks}


def _decoder(shape: Mapping[str, int], hidden: int, blocks: int) -> dict[str, int]:
    sizes = {"attention_heads": shape["heads"], "linear_units": hidden}
    return {**sizes, "num_blocks": blocks, "att_layer_num": blocks}


def _write(out: Path, config: Mapping[str, Any], tokens: list[str], seed: int) -> None:
    """config.yaml, tokens.json, and model.pt: a new model's own numbers."""
    import funasr  # noqa: F401 - fills the tables
    import torch
    from funasr.register import tables

    out.mkdir(parents=True, exist_ok=True)
    (out / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), "utf-8")
    (out / "tokens.json").write_text(json.dumps(tokens, ensure_ascii=False), "utf-8")
    torch.manual_seed(seed)
    model = tables.model_classes.get(config["model"])(**{**config, "vocab_size": len(tokens), **config["model_conf"]})
    torch.save(model.state_dict(), out / "model.pt")


def main() -> int:
    """Writes both folders. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--full", action="store_true", help="the published size (220 M and 73 M numbers)")
    args = parser.parse_args()
    shape = FULL if args.full else TINY
    punctuation = {**shape, "size": min(256, shape["size"]), "hidden": min(1024, shape["hidden"])}
    write_paraformer(args.folder / "paraformer", shape, _PUBLISHED_TOKENS if args.full else 0)
    write_punctuation(args.folder / "ct-punc", punctuation, _PUBLISHED_PUNCTUATION_TOKENS if args.full else 0)
    print(args.folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
