"""The ONNX form of a SenseVoice model folder, made once: ``huiyin models convert sensevoice``."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import yaml

from huiyin.configs.settings import StoreSettings
from huiyin.services.asr.recogniser import ModelFolderError
from huiyin.services.asr.sensevoice.checkpoint import read_checkpoint
from huiyin.services.common.onnx import has_exact_int8

_GRAPH = "model.onnx"
_DATA = "model.onnx.data"
_FORM = 2  # of the graph; with a new one, older exports are out of date
_EXACT_LEVELS = 127  # steps of an int8 weight each way
_SATURATING_LEVELS = 63  # where 8-bit products overflow with more


def exported(folder: Path, precision: str) -> Path:
    """The graph of the model in `folder`: in its folder ``onnx``, made on the first call.

    `precision`: 'int8' or 'fp32'. For a `folder` that cannot be written, it is made in the user's model store.
    Raises ModelFolderError.
    """
    checkpoint = folder / "model.pt"
    if not checkpoint.is_file():
        raise ModelFolderError("asr.no_checkpoint", folder=folder)
    name = f"{precision}-{_fingerprint(checkpoint)}"
    places = (folder / "onnx", StoreSettings().path / "exports" / folder.name)
    for place in places:
        if (place / name / _GRAPH).is_file():
            return place / name / _GRAPH
    exports = next((place for place in places if _writable(place)), None)
    if exports is None:
        raise ModelFolderError("asr.no_folder_for_export", places=places)
    target = exports / name
    with tempfile.TemporaryDirectory(dir=exports, prefix=".making-", ignore_cleanup_errors=True) as making:
        _write(folder, Path(making), precision)
        try:
            os.replace(making, target)
        except OSError:  # another process was faster
            if not (target / _GRAPH).is_file():
                raise
    return target / _GRAPH


def encoder_config(folder: Path) -> dict[str, Any]:
    """``encoder_conf`` of the folder's config.yaml. Raises ModelFolderError without one."""
    try:
        config = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
        return dict(config["encoder_conf"])
    except (OSError, yaml.YAMLError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ModelFolderError("asr.not_a_sensevoice_config", path=folder / "config.yaml", error=error) from error


def _write(folder: Path, into: Path, precision: str) -> None:
    import onnx

    from huiyin.services.asr.sensevoice.graph import build_graph

    heads = int(encoder_config(folder)["attention_heads"])
    weights = read_checkpoint(folder / "model.pt")
    needed = sum(w.nbytes for w in weights.values())
    levels = 0
    if precision == "int8":
        needed //= 4
        levels = _EXACT_LEVELS if has_exact_int8() else _SATURATING_LEVELS
    if shutil.disk_usage(into).free < needed * 1.1:
        raise ModelFolderError("asr.no_room_for_export", folder=into.parent, size_mb=needed // 2**20)
    try:
        with (into / _DATA).open("wb") as data:
            graph = build_graph(weights, heads, levels, data, _DATA)
        onnx.save(graph, into / _GRAPH)
    except (KeyError, ValueError) as error:
        raise ModelFolderError("asr.not_a_sensevoice_model", folder=folder, error=error) from error


def _fingerprint(checkpoint: Path) -> str:
    """Eight digits that change with the weights: the archive's directory has a checksum of each tensor."""
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            sums = [(info.filename, info.file_size, info.CRC) for info in archive.infolist()]
    except zipfile.BadZipFile as error:
        raise ModelFolderError("asr.not_a_checkpoint", path=checkpoint, error=error) from error
    return hashlib.sha256(repr((_FORM, sums)).encode()).hexdigest()[:8]


def _writable(folder: Path) -> bool:
    """Make the folder. False when that is not allowed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.access(folder, os.W_OK)
    except OSError:
        return False
