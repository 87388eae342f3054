"""PyTorch's checkpoints are read without PyTorch, and nothing in them is run."""

from __future__ import annotations

import collections
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huiyin.services.asr.recogniser import ModelFolderError
from huiyin.services.asr.sensevoice.checkpoint import read_checkpoint
from tests.support.sensevoice_folder import save_checkpoint


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    weights = {
        "matrix": np.arange(12, dtype=np.float32).reshape(3, 4),
        "vector": np.array([1.5, -2.0], np.float32),
        "empty": np.empty((0, 3), np.float32),
        "cube": np.random.default_rng(0).random((2, 3, 5), np.float32),
    }
    save_checkpoint(tmp_path / "model.pt", weights)
    read = read_checkpoint(tmp_path / "model.pt")
    assert list(read) == list(weights)
    assert all(np.array_equal(read[name], weights[name]) for name in weights)


@pytest.mark.slow
def test_pytorch_itself_agrees(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = tmp_path / "ours.pt", tmp_path / "theirs.pt"
    weights = {"a": np.arange(6, dtype=np.float32).reshape(2, 3)}
    save_checkpoint(ours, weights)
    assert np.array_equal(torch.load(ours, weights_only=True)["a"].numpy(), weights["a"])
    turned = torch.arange(6, dtype=torch.float32).reshape(2, 3).T
    state = collections.OrderedDict(
        turned=turned, part=turned[1:], half=turned.half(), whole=torch.nn.Parameter(turned)
    )
    torch.save({"state_dict": state, "epoch": 3}, theirs)
    read = read_checkpoint(theirs)
    assert sorted(read) == sorted(state)
    assert all(np.array_equal(read[name], state[name].detach().numpy()) for name in state)


class Evil:
    """Makes a folder when it is unpickled carelessly."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self._path),)


def archive(path: Path, pickled: bytes, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("model/data.pkl", pickled)
        file.writestr("model/data/0", b"\0" * 16)
    return path


def test_nothing_in_it_is_run(tmp_path: Path) -> None:
    made = tmp_path / "made"
    path = archive(tmp_path / "evil.pt", pickle.dumps({"weight": Evil(made)}))
    with pytest.raises(ModelFolderError, match="mkdir"):
        read_checkpoint(path)
    assert not made.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"not a zip", pickle.dumps({"a": 1})],
    ids=["empty", "text", "bare pickle"],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(content)
    with pytest.raises(ModelFolderError, match="not a PyTorch checkpoint"):
        read_checkpoint(path)


def test_cut_off_checkpoints_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    save_checkpoint(path, {"a": np.ones(1000, np.float32)})
    whole = path.read_bytes()
    for size in (10, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelFolderError):
            read_checkpoint(path)


def test_a_tensor_cannot_reach_beyond_its_numbers(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    save_checkpoint(path, {"a": np.ones(8, np.float32)})
    with zipfile.ZipFile(path) as file:
        pickled = file.read("model/data.pkl")
    long = pickle.BININT + (8).to_bytes(4, "little")
    assert pickled.count(long) == 2  # the storage's length, the tensor's shape
    at = pickled.rindex(long)
    grown = pickled[:at] + pickle.BININT + (800).to_bytes(4, "little") + pickled[at + len(long) :]
    with pytest.raises(ModelFolderError, match="beyond"):
        read_checkpoint(archive(path, grown))
