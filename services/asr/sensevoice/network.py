"""SenseVoice's network, behind one protocol: ONNX on a CPU, PyTorch (through FunASR) as reference and on GPUs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from huiyin.services.asr.engines.funasr_models import load_stock
from huiyin.services.asr.recogniser import OutOfMemory
from huiyin.services.asr.sensevoice.checkpoint import read_checkpoint
from huiyin.services.asr.sensevoice.tags import QUERIES
from huiyin.services.asr.signal.kaldi import Features
from huiyin.services.common.onnx import session_options


@dataclass(frozen=True)
class Output:
    """The network's output for one piece of sound."""

    tags: npt.NDArray[np.float32]
    """(4, vocabulary): logits of the four answers."""
    frames: npt.NDArray[np.int64]
    """(T,): the likeliest token of each 60 ms."""
    probabilities: npt.NDArray[np.float32]
    """(T,): of that token; 0 where it is blank."""


class Network(Protocol):
    """The weights, loaded."""

    device: str
    batches: bool
    """Whether several pieces in one call are faster."""

    def run(self, pieces: Sequence[Features], queries: Sequence[int]) -> list[Output]:
        """`pieces`: (T, 560) each; `queries`: four rows of the embedding. Raises OutOfMemory."""
        ...


class OnnxNetwork:
    """The exported graph in onnxruntime. Safe from several threads at once: each call uses `threads` of its own."""

    device = "cpu"
    batches = False  # padding makes a mixed batch slower than its parts

    def __init__(self, graph: Path, threads: int) -> None:
        import onnxruntime

        options = session_options(threads)
        # Without an arena memory goes back after each call: 330 MB instead of 490 after 15 s pieces, no slower.
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(
            str(graph),
            options,
            providers=["CPUExecutionProvider"],
            # The fused node is scalar code: 0.44 ms where sum and norm take 0.08 ms.
            disabled_optimizers=["SkipLayerNormFusion"],
        )

    def run(self, pieces: Sequence[Features], queries: Sequence[int]) -> list[Output]:
        """See Network."""
        outputs = []
        for features in pieces:
            inputs = {"features": features[None], "queries": np.array([queries], np.int64)}
            tokens, probabilities, tags = self._session.run(["tokens", "probabilities", "tags"], inputs)
            outputs.append(Output(tags, tokens[QUERIES:], probabilities[QUERIES:]))
        return outputs


class TorchNetwork:
    """The stock modules, loaded by FunASR. One thread at a time."""

    def __init__(self, folder: Path, device: str, precision: str, threads: int) -> None:
        """`precision`: fp32, or fp16 and bf16 by autocast: the weights stay in 32 bits.

        Raises ModelFolderError or SettingsError.
        """
        read_checkpoint(folder / "model.pt")  # refuses code, which FunASR would run
        stock = load_stock(folder, device, threads)
        import torch

        self.device = device
        self.batches = device != "cpu"
        self._torch: Any = torch
        self._model = stock.model
        self._dtype = {"fp32": None, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]

    def run(self, pieces: Sequence[Features], queries: Sequence[int]) -> list[Output]:
        """See Network."""
        torch, model = self._torch, self._model
        lengths = torch.tensor([len(features) + QUERIES for features in pieces], device=self.device)
        longest = max(len(features) for features in pieces)
        padded = np.stack([np.pad(features, ((0, longest - len(features)), (0, 0))) for features in pieces])
        kind = self.device.partition(":")[0]
        try:
            with torch.inference_mode(), torch.autocast(kind, self._dtype, enabled=self._dtype is not None):
                embedded = model.embed(torch.tensor([list(queries)], device=self.device)).expand(len(pieces), -1, -1)
                speech = torch.cat((embedded, torch.from_numpy(padded).to(self.device)), dim=1)
                encoded, _ = model.encoder(speech, lengths)
                logits = model.ctc.ctc_lo(encoded).float()
                best, tokens = logits.max(dim=-1)
                shares = (best - logits.logsumexp(dim=-1)).exp().masked_fill(tokens == 0, 0.0)
        except torch.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise OutOfMemory(str(error)) from error
        tags = logits[:, :QUERIES].cpu().numpy()
        ends = lengths.tolist()
        return [
            Output(tags[i], tokens[i, QUERIES:end].cpu().numpy(), shares[i, QUERIES:end].cpu().numpy())
            for i, end in enumerate(ends)
        ]
