"""What the speed is compared with: models of the published size with random weights, in each program's own form.

All is made once, below the user's cache folder, and kept.
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from pathlib import Path
from typing import Any

from benchmarks.environment import python_with
from benchmarks.output import tell
from huiyin.configs.settings import StoreSettings
from tests.support.funasr_frontend import FEATURES, SCALE, SHIFT
from tests.support.sensevoice_folder import FULL, PUBLISHED_TOKENS, random_weights, vocabulary, write_folder

_SHERPA = "sherpa-onnx==2.0.1"


def bench_dir() -> Path:
    """Where benchmarks keep what they make."""
    return StoreSettings().path.parent / "bench"


def random_model() -> Path:
    """A folder of the published size (0.94 GB) with random weights."""
    folder = bench_dir() / "sensevoice-random"
    if not (folder / "model.pt").is_file():
        tell(f"making a model of the published size with random weights in {folder} …")
        making = folder.with_name("making")
        shutil.rmtree(making, ignore_errors=True)
        write_folder(making, random_weights(FULL, PUBLISHED_TOKENS), FULL, vocabulary(PUBLISHED_TOKENS))
        making.rename(folder)
    return folder


def sherpa_python() -> Path:
    """A Python that has sherpa-onnx: a virtual environment of its own. Raises CalledProcessError."""
    return python_with(bench_dir() / "sherpa-venv", _SHERPA, "numpy")


def sherpa_model(folder: Path) -> Path:
    """`folder`'s model as sherpa-onnx takes it: FunASR's own traced export, the metadata that sherpa-onnx asks for,
    dynamic QUInt8 as its published models have (some minutes and 6 GB, once)."""
    target = bench_dir() / f"{folder.name}-sherpa"
    if (target / "model.int8.onnx").is_file():
        return target
    tell("making sherpa-onnx's form of the model (some minutes) …")
    making = target.with_name("making-sherpa")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    with contextlib.redirect_stdout(io.StringIO()):
        _trace(folder, making / "model.onnx")
    _describe(folder, making / "model.onnx", making / "described.onnx")
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        making / "described.onnx",
        making / "model.int8.onnx",
        op_types_to_quantize=["MatMul"],
        weight_type=QuantType.QUInt8,
    )
    for leftover in making.glob("*.onnx*"):
        if leftover.name != "model.int8.onnx":
            leftover.unlink()
    making.rename(target)
    return target


def _trace(folder: Path, graph: Path) -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch
    from funasr import AutoModel

    stock: Any = AutoModel(
        model=str(folder), device="cpu", disable_update=True, disable_pbar=True, log_level="ERROR", ncpu=2
    )
    model = stock.model.export(max_seq_len=512, device="cpu").eval()
    torch.onnx.export(
        model,
        model.export_dummy_inputs(),
        str(graph),
        opset_version=14,
        input_names=model.export_input_names(),
        output_names=model.export_output_names(),
        dynamic_axes=model.export_dynamic_axes(),
        dynamo=False,
    )


def _describe(folder: Path, graph: Path, described: Path) -> None:
    """Add what sherpa-onnx reads from the file's metadata, and its list of tokens."""
    import onnx
    from sentencepiece import SentencePieceProcessor

    (vocabulary_file,) = folder.glob("*.bpe.model")
    pieces = SentencePieceProcessor(model_file=str(vocabulary_file))
    count = pieces.get_piece_size()
    tokens = "".join(f"{pieces.id_to_piece(i)} {i}\n" for i in range(count))
    (graph.parent / "tokens.txt").write_text(tokens, "utf-8")
    facts = {
        "model_type": "sense_voice_ctc",
        "lfr_window_size": 7,
        "lfr_window_shift": 6,
        "normalize_samples": 0,
        "neg_mean": ",".join([str(SHIFT)] * FEATURES),
        "inv_stddev": ",".join([str(SCALE)] * FEATURES),
        "vocab_size": count,
        "with_itn": 14,
        "without_itn": 15,
        "lang_auto": 0,
        "lang_zh": 3,
        "lang_en": 4,
        "lang_yue": 7,
        "lang_ja": 11,
        "lang_ko": 12,
    }
    model = onnx.load(graph)
    for key, value in facts.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, str(value)
    onnx.save(model, described)
