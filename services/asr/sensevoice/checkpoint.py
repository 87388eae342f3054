"""A PyTorch checkpoint read without PyTorch, and without running code from it.

A ``.pt`` file is a zip archive: a pickle of the names and shapes, and one uncompressed member of raw numbers for each
tensor. The pickle may call only the few functions that describe a tensor; others are refused. The numbers are mapped,
not loaded: reading a 0.9 GB checkpoint takes a few MB until a tensor is used.
"""

from __future__ import annotations

import collections
import pickle
import struct
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from huiyin.services.asr.recogniser import ModelFolderError

Weights = dict[str, npt.NDArray[np.float32]]
"""Name -> array; mapped from the file, read-only."""

_STORAGE_TYPES = {
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "DoubleStorage": np.dtype("<f8"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
}
_UNREADABLE = (zipfile.BadZipFile, pickle.UnpicklingError, ValueError, EOFError, IndexError, KeyError)
_LOCAL_HEADER_BYTES = 30  # of a zip member, before its name (APPNOTE.TXT 4.3.7)


def read_checkpoint(path: Path) -> Weights:
    """The tensors of a state dict, as saved by ``torch.save`` since PyTorch 1.6.

    Raises ModelFolderError, or OSError when the file cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            (pickled,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            offsets = {
                info.filename.rpartition("/")[2]: _data_offset(path, info)
                for info in archive.infolist()
                if "/data/" in info.filename
            }
            with archive.open(pickled) as file:
                state = _Unpickler(file, path, offsets).load()
    except (*_UNREADABLE, ModelFolderError) as error:
        raise ModelFolderError("asr.not_a_checkpoint", path=path, error=error) from error
    if isinstance(state, dict) and isinstance(state.get("state_dict"), dict):
        state = state["state_dict"]
    if not isinstance(state, dict):
        raise ModelFolderError("asr.no_state_dict", path=path, type=type(state).__name__)
    return {str(name): value for name, value in state.items() if isinstance(value, np.ndarray)}


def _data_offset(path: Path, info: zipfile.ZipInfo) -> int:
    """Where the member's bytes begin: its local header has a length of its own."""
    if info.compress_type != zipfile.ZIP_STORED:
        raise ModelFolderError("asr.compressed_member", name=info.filename)
    with path.open("rb") as file:
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER_BYTES)
    name_bytes, extra_bytes = struct.unpack("<HH", header[26:30])
    return info.header_offset + _LOCAL_HEADER_BYTES + int(name_bytes) + int(extra_bytes)


class _Unpickler(pickle.Unpickler):
    """Makes ordered dicts and tensors; refuses every other name in the pickle."""

    def __init__(self, file: IO[bytes], path: Path, offsets: dict[str, int]) -> None:
        super().__init__(file)
        self._path, self._offsets = path, offsets

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch._utils" and name in ("_rebuild_tensor_v2", "_rebuild_parameter"):
            return _tensor if name == "_rebuild_tensor_v2" else _parameter
        if module == "torch" and name in _STORAGE_TYPES:
            return _STORAGE_TYPES[name]
        raise ModelFolderError("asr.checkpoint_names_code", name=f"{module}.{name}")

    def persistent_load(self, pid: Any) -> npt.NDArray[Any]:
        kind, dtype, key, _device, count = pid
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise ModelFolderError("asr.not_a_tensor")
        if not count:
            return np.empty(0, dtype)
        return np.memmap(self._path, dtype, mode="r", offset=self._offsets[str(key)], shape=(int(count),))


def _tensor(
    storage: npt.NDArray[Any], offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> npt.NDArray[Any]:
    size = int(np.prod(shape)) if shape else 1
    last = offset + sum((length - 1) * step for length, step in zip(shape, stride, strict=True))
    if offset < 0 or min(stride, default=0) < 0 or (size and last >= len(storage)):
        raise ModelFolderError("asr.tensor_too_large")
    bytes_each = storage.dtype.itemsize
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, [s * bytes_each for s in stride], writeable=False)


def _parameter(data: npt.NDArray[Any], *_: Any) -> npt.NDArray[Any]:
    return data
