"""FunASR's own models, loaded from a folder: without the network, and without running code from the folder."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from huiyin.configs.settings import SettingsError
from huiyin.services.asr.recogniser import ModelFolderError
from huiyin.services.common.heap import trim_heap


def find_device(device: str) -> str:
    """`device`, or for 'auto' the first GPU, or the CPU.

    PyTorch is only imported (2 s, 200 MB) where there is a driver for it.
    """
    if device != "auto":
        return device
    if shutil.which("nvidia-smi") and importlib.util.find_spec("torch"):
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"
    return "cpu"


def funasr_is_installed() -> bool:
    """Whether PyTorch and FunASR can be imported."""
    return all(importlib.util.find_spec(name) for name in ("torch", "funasr"))


def check_folder(folder: Path, model: str, files: Sequence[str], hub: str) -> None:
    """Raises ModelFolderError with what to do when `folder` does not hold FunASR's `model`."""
    missing = [name for name in files if not (folder / name).is_file()]
    if missing:
        raise ModelFolderError("asr.model_files_missing", folder=folder, model=model, missing=missing, hub=hub)
    if not re.search(rf"^model:\s*{model}\s*$", (folder / "config.yaml").read_text("utf-8"), re.MULTILINE):
        raise ModelFolderError("asr.other_model", folder=folder, model=model, hub=hub)


def load_stock(folder: Path, device: str, threads: int) -> Any:
    """FunASR's AutoModel of a folder. Raises SettingsError."""
    if os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"):
        raise SettingsError("asr.unsafe_weights")
    # Read when OpenMP is loaded. By default its threads spin: 1 s of audio takes 8 s beside another busy process.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    import torch

    with contextlib.redirect_stdout(io.StringIO()), _quiet():
        from funasr import AutoModel

        stock = AutoModel(
            model=str(folder.resolve()),
            device=device,
            disable_update=True,
            trust_remote_code=False,
            disable_pbar=True,
            log_level="ERROR",
            ncpu=threads,
        )
    torch.set_num_threads(threads)
    stock.model.eval()
    trim_heap()
    return stock


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without FunASR's messages as it loads: "download models from model hub", though it does not download any."""

    def is_error(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR

    root = logging.getLogger()
    root.addFilter(is_error)
    try:
        yield
    finally:
        root.removeFilter(is_error)
