"""One recogniser in a process of its own, driven through a pipe: its memory can be measured, and programs take turns.

``python -m benchmarks.recogniser.worker KIND FOLDER THREADS [PRECISION] [DEVICE] [BATCH_S] [CARD_GB]`` prints one JSON
line when it is loaded, then one for each line it reads: that has the seconds of sound, the answer the seconds it took.

KIND: huiyin (this project's engine), stock (``funasr.AutoModel.generate``), sherpa (sherpa-onnx).
BATCH_S: asr.batch_size_s. CARD_GB: as if the GPU had no more memory; 0: what it has.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.recogniser.status import memory_mb

_RATE_HZ = 16_000
Recognise = Callable[[Any], Any]


def sound(seconds: float) -> Any:
    """Faint noise with the ups and downs of speech: float32 (n,)."""
    rng = np.random.default_rng(1)
    count = round(seconds * _RATE_HZ)
    envelope = 0.5 + 0.5 * np.sin(2 * np.pi * 4.0 * np.arange(count) / _RATE_HZ)  # four syllables a second
    return (rng.standard_normal(count) * 0.1 * envelope).astype(np.float32)


def _huiyin(folder: Path, threads: int, precision: str, device: str, batch_s: float) -> Recognise:
    from huiyin.configs.settings import AsrSettings
    from huiyin.services.asr.planner import gpu_free_bytes, make_plan, recognise_all
    from huiyin.services.asr.recogniser import Hints, load_engine

    settings = AsrSettings(
        engine="sensevoice", model=str(folder), threads=threads, workers=1, precision=precision, device=device,
        batch_size_s=batch_s,
    )  # fmt: skip
    engine = load_engine(settings, Path)
    plan = make_plan(engine, settings, gpu_free_bytes)
    most = round(plan.piece_s * _RATE_HZ)  # the service's own pieces

    def recognise(x: Any) -> Any:
        pieces = [x[i : i + most] for i in range(0, len(x), most)]
        return recognise_all(lambda call: engine.recognise(call, Hints(("zh",))), pieces, plan)

    return recognise


def _stock(folder: Path, threads: int, precision: str, device: str, batch_s: float) -> Recognise:
    from funasr import AutoModel

    model: Any = AutoModel(
        model=str(folder),
        device="cuda" if device == "auto" else device,
        disable_update=True,
        disable_pbar=True,
        log_level="ERROR",
        ncpu=threads,
        fp16=precision == "fp16",
    )
    return lambda x: model.generate(x, language="zh", use_itn=True, ncpu=threads)


def _sherpa(folder: Path, threads: int, precision: str, device: str, batch_s: float) -> Recognise:
    import sherpa_onnx

    recogniser: Any = sherpa_onnx.OfflineRecognizer.from_sense_voice(
        model=str(folder / "model.int8.onnx"),
        tokens=str(folder / "tokens.txt"),
        num_threads=threads,
        language="zh",
        use_itn=True,
    )

    def recognise(x: Any) -> Any:
        stream = recogniser.create_stream()
        stream.accept_waveform(_RATE_HZ, x)
        recogniser.decode_stream(stream)
        return stream.result.text

    return recognise


_KINDS = {"huiyin": _huiyin, "stock": _stock, "sherpa": _sherpa}


def _memory_mb() -> dict[str, float]:
    """Of this process, now and at most. On a GPU: what PyTorch has reserved, which is more than it has allocated."""
    torch: Any = sys.modules.get("torch")
    if torch and torch.cuda.is_initialized():
        now, most = torch.cuda.memory_reserved(), torch.cuda.max_memory_reserved()
        return {"rss_mb": now / 2**20, "peak_mb": most / 2**20}
    now_mb, most_mb = memory_mb()
    return {"rss_mb": now_mb, "peak_mb": most_mb}


def _make_small(card_gb: float) -> None:
    """As if the GPU had no more memory than that."""
    import torch

    _, total = torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction(min(1.0, card_gb * 2**30 / total))


def main() -> None:
    """See the module."""
    kind, folder, threads, *rest = sys.argv[1:]
    precision, device, batch_s, card_gb = (*rest, *("auto", "cpu", "0", "0")[len(rest) :])
    # Without it waiting threads spin, and the programs of one run slow each other down.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print to standard output
    started = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        if float(card_gb):
            _make_small(float(card_gb))
        recognise = _KINDS[kind](Path(folder), int(threads), precision, device, float(batch_s))
        recognise(sound(1.0))
    load_s = time.perf_counter() - started
    print(json.dumps({"load_s": load_s, **_memory_mb()}), file=out, flush=True)
    for line in sys.stdin:
        x = sound(float(line))
        started = time.perf_counter()
        recognise(x)
        took_s = time.perf_counter() - started
        print(json.dumps({"s": took_s, **_memory_mb()}), file=out, flush=True)


if __name__ == "__main__":
    main()
