"""A SenseVoice model folder without the published weights: the same files, names and shapes, other numbers.

A non-autoregressive network costs the same whatever its weights are, so speed and memory can be measured on random
ones; and a small network trained on tones (`tests.support.tone_network`) tests everything around it. FunASR's AutoModel
loads both as it loads the published folder. PyTorch is not needed to write one.
"""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from tests.support.funasr_frontend import FEATURES, cmvn, published

Weights = Mapping[str, npt.NDArray[np.float32]]

VOCABULARY_FILE = "chn_jpn_yue_eng_ko_spectok.bpe.model"
PUBLISHED_TOKENS = 25_055
_TAPS: int = published("sensevoice")["encoder_conf"]["kernel_size"]  # frames that a memory block filters
_QUERY_ROWS = 16  # of the query embedding
_BLANK_BIAS = {512: np.float32(2.0), 64: np.float32(2.55)}  # by output_size
_SPECIAL = ("<unk>", "<s>", "</s>")

# encoder_conf as published, and one small enough for tests
FULL = {"output_size": 512, "attention_heads": 4, "linear_units": 2048, "num_blocks": 50, "tp_blocks": 20}
TINY = {"output_size": 64, "attention_heads": 2, "linear_units": 128, "num_blocks": 2, "tp_blocks": 1}

# The published vocabulary ends with its tags, in this order (without the languages that only Whisper knows).
_TAG_NAMES = (
    "zh en zh/en en/zh yue minnan wuyu dialect ja de es ru ko fr ASR AED SER nospeech Speech /Speech BGM /BGM Laughter "
    "/Laughter Applause /Applause HAPPY SAD ANGRY NEUTRAL FEARFUL DISGUSTED SURPRISED OTHER EMO_UNKNOWN Cry Sneeze "
    "Breath Cough Sing Speech_Noise withitn woitn GBG Event_UNK SPECIAL_TOKEN_1"
)
TAGS = tuple(f"<|{name}|>" for name in _TAG_NAMES.split())
DIGITS_ZH = tuple("零一二三四五六七八九")
DIGITS_EN = tuple(
    f"\u2581{word}" for word in ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
)
_MARKS = "，。？！、,.?!"
_CHARACTERS = "今天又没考过你好我们是不的了在有人这中大来上个国说"
_WORDS = ("\u2581", "\u2581the", "\u2581a", "s", "ing", "\u2581to")


def vocabulary(tokens: int = 0) -> list[str]:
    """Pieces: digits, some characters and words, fillers up to `tokens` (0: none), the tags last."""
    pieces = [*_SPECIAL, *DIGITS_ZH, *DIGITS_EN, *_MARKS, *_CHARACTERS, *_WORDS]
    fillers = [f"\u2581w{i}" for i in range(max(0, tokens - len(pieces) - len(TAGS)))]
    return [*pieces, *fillers, *TAGS]


def write_folder(out: Path, weights: Weights, encoder: Mapping[str, Any], pieces: Sequence[str]) -> Path:
    """The folder, complete: model.pt, config.yaml, configuration.json, am.mvn and the vocabulary."""
    out.mkdir(parents=True, exist_ok=True)
    (out / VOCABULARY_FILE).write_bytes(sentencepiece(pieces))
    (out / "config.yaml").write_text(
        yaml.safe_dump(published("sensevoice", encoder_conf=encoder), sort_keys=False), "utf-8"
    )
    (out / "configuration.json").write_text(json.dumps(published("sensevoice_files")), "utf-8")
    (out / "am.mvn").write_text(cmvn(), "utf-8")
    save_checkpoint(out / "model.pt", weights)
    return out


def random_weights(encoder: Mapping[str, Any], tokens: int, seed: int = 0) -> dict[str, npt.NDArray[np.float32]]:
    """Weights of the right names and shapes, drawn as PyTorch draws new layers: uniform within 1 / sqrt(inputs)."""
    rng = np.random.default_rng(seed)

    def uniform(*shape: int, inputs: int) -> npt.NDArray[np.float32]:
        weights: npt.NDArray[np.float32] = (rng.random(shape, np.float32) * 2 - 1) * np.float32(inputs**-0.5)
        return weights

    size, hidden = int(encoder["output_size"]), int(encoder["linear_units"])
    weights = {"embed.weight": rng.standard_normal((_QUERY_ROWS, FEATURES), np.float32)}

    def linear(name: str, inputs: int, outputs: int) -> None:
        weights[f"{name}.weight"] = uniform(outputs, inputs, inputs=inputs)
        weights[f"{name}.bias"] = uniform(outputs, inputs=inputs)

    def norm(name: str, width: int) -> None:
        weights[f"{name}.weight"], weights[f"{name}.bias"] = np.ones(width, np.float32), np.zeros(width, np.float32)

    blocks = ["encoder.encoders0.0"]
    blocks += [f"encoder.encoders.{i}" for i in range(int(encoder["num_blocks"]) - 1)]
    blocks += [f"encoder.tp_encoders.{i}" for i in range(int(encoder["tp_blocks"]))]
    for name in blocks:
        inputs = FEATURES if name == blocks[0] else size
        linear(f"{name}.self_attn.linear_out", size, size)
        linear(f"{name}.self_attn.linear_q_k_v", inputs, size * 3)
        weights[f"{name}.self_attn.fsmn_block.weight"] = uniform(size, 1, _TAPS, inputs=_TAPS)
        linear(f"{name}.feed_forward.w_1", size, hidden)
        linear(f"{name}.feed_forward.w_2", hidden, size)
        norm(f"{name}.norm1", inputs)
        norm(f"{name}.norm2", size)
    norm("encoder.after_norm", size)
    norm("encoder.tp_norm", size)
    linear("ctc.ctc_lo", size, tokens)
    # Speech has four or five tokens a second: with this bias 3 of 4 frames of synthetic speech are blank.
    weights["ctc.ctc_lo.bias"][0] += _BLANK_BIAS.get(size, 0.0)
    return weights


def save_checkpoint(path: Path, weights: Weights) -> None:
    """A state dict as ``torch.save`` writes it, without PyTorch: a pickle of names and shapes, then raw numbers."""
    pickled = io.BytesIO()
    write = pickled.write

    def text(value: str) -> None:
        encoded = value.encode()
        write(pickle.BINUNICODE + len(encoded).to_bytes(4, "little") + encoded)

    def number(value: int) -> None:
        write(pickle.BININT + value.to_bytes(4, "little", signed=True))

    def name(module: str, attribute: str) -> None:
        write(pickle.GLOBAL + f"{module}\n{attribute}\n".encode())

    def numbers(values: Sequence[int]) -> None:
        write(pickle.MARK)
        for value in values:
            number(value)
        write(pickle.TUPLE)

    write(pickle.PROTO + b"\x02" + pickle.EMPTY_DICT)
    for key, (label, array) in enumerate(weights.items()):
        text(label)
        name("torch._utils", "_rebuild_tensor_v2")
        write(pickle.MARK + pickle.MARK)
        text("storage")
        name("torch", "FloatStorage")
        text(str(key))
        text("cpu")
        number(array.size)
        write(pickle.TUPLE + pickle.BINPERSID)
        number(0)
        numbers(array.shape)
        numbers([stride // array.itemsize for stride in np.empty(array.shape, np.float32).strides])
        write(pickle.NEWFALSE)
        name("collections", "OrderedDict")
        write(pickle.EMPTY_TUPLE + pickle.REDUCE + pickle.TUPLE + pickle.REDUCE + pickle.SETITEM)
    write(pickle.STOP)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("model/data.pkl", pickled.getvalue())
        archive.writestr("model/byteorder", "little")
        for key, array in enumerate(weights.values()):
            archive.writestr(f"model/data/{key}", np.ascontiguousarray(array, "<f4").tobytes())
        archive.writestr("model/version", "3\n")


def sentencepiece(pieces: Sequence[str]) -> bytes:
    """A unigram model of these pieces, in their order."""
    import sentencepiece.sentencepiece_model_pb2

    pb: Any = sentencepiece.sentencepiece_model_pb2
    model = pb.ModelProto()
    kind = pb.ModelProto.SentencePiece
    for i, piece in enumerate(pieces):
        row = model.pieces.add()
        row.piece = piece
        row.score = -float(i) / len(pieces)
        if piece in _SPECIAL:
            row.type = kind.UNKNOWN if piece == _SPECIAL[0] else kind.CONTROL
        elif piece.startswith("<|"):
            row.type = kind.USER_DEFINED
    trainer, normalizer = model.trainer_spec, model.normalizer_spec
    trainer.model_type = pb.TrainerSpec.UNIGRAM
    trainer.vocab_size = len(pieces)
    trainer.unk_id, trainer.bos_id, trainer.eos_id, trainer.pad_id = 0, 1, 2, -1
    normalizer.name = "identity"
    normalizer.add_dummy_prefix = False
    normalizer.remove_extra_whitespaces = False
    encoded: bytes = model.SerializeToString()
    return encoded
