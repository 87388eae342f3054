"""How much slower a conversation is while a long recording is transcribed: ``python -m benchmarks.beside_archive``.

The three services run once; `huiyin demo` talks to them alone, then while an hour of speech is being transcribed by the
same recogniser. Stated are voice-to-voice latencies, and how fast the archive goes on meanwhile and alone. Exit status
1 where the median beside it is more than 1.3 times that of the conversation alone.
``--set asr.file_patience_s=0`` measures it without precedence.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.command import above_zero, as_command, one_or_more
from benchmarks.demo import one_demo
from benchmarks.output import show, tell
from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.services import NAMES, Services
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.configs.settings import load
from tests.support.service_process import free_port

MOST = 1.3  # times the latency alone
_ALONE_S = 40.0  # for which the archive is watched alone
_TEXTS = (
    "Last week we talked about the budget for next year, and I promised to send you the figures by Friday.",
    "今天我们先讨论一下上个月的销售情况，然后再决定要不要扩大华东地区的团队。",
    "The new building will be finished in March. Until then, everybody works from the third floor.",
    "请大家把各自的意见写下来，会后发给我，我会整理成一份文件。",
)


class Archive:
    """An hour of speech on its way through the recogniser; begins at once."""

    def __init__(self, services: Services, path: Path) -> None:
        self.position_s = 0.0
        self.has_begun, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=(services, path), daemon=True)
        self._thread.start()

    def speed_since(self, position_s: float, began_s: float) -> float:
        """Seconds of sound a second, since a place and time."""
        return (self.position_s - position_s) / (time.monotonic() - began_s)

    def check(self) -> None:
        """End the benchmark where the recording does not go on: what is measured then is no conversation beside it."""
        if not self._thread.is_alive():
            raise SystemExit(f"the recording ended at {self.position_s:.0f} s: give it more --minutes")

    def stop(self) -> None:
        """Hang up; the recogniser drops the file."""
        self._stopped.set()
        self._thread.join()

    def _run(self, services: Services, path: Path) -> None:
        try:
            with path.open("rb") as file:
                for event in services.transcribe_file(file, path.stat().st_size, {"stream": "true"}, timeout_s=600):
                    self.position_s = event.get("position_s", self.position_s)
                    self.has_begun.set()
                    if self._stopped.is_set():
                        return
        finally:
            self.has_begun.set()  # also where it never began: the benchmark must not wait for ever


def main() -> int:
    """Print the table. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=one_or_more, default=3, help="demos of each kind (default 3)")
    parser.add_argument("--minutes", type=above_zero, default=60.0, help="of the recording (default 60)")
    parser.add_argument("--set", action="append", default=[], help="as for `huiyin demo`")
    args = parser.parse_args()
    overrides = [*(f"{name}.port={free_port()}" for name in NAMES), "tts.cache_mb=0", "store.choose=false", *args.set]
    arguments = [word for item in overrides for word in ("--set", item)]
    with tempfile.TemporaryDirectory() as folder, Launcher(load(overrides=overrides), arguments) as launcher:
        launcher.start(NAMES)
        path = Path(folder) / "archive.wav"
        _record(launcher.services, path, 60 * args.minutes)
        alone = [one_demo(arguments, number) for number in range(args.runs)]
        archive = Archive(launcher.services, path)
        archive.has_begun.wait()
        archive.check()
        began_s, position_s = time.monotonic(), archive.position_s
        beside = [one_demo(arguments, number) for number in range(args.runs)]
        speed = archive.speed_since(position_s, began_s)
        archive.check()
        tell(f"the archive went on at {speed:.1f} times real time beside the conversations")
        time.sleep(_ALONE_S / 2)  # the conversation lingers
        began_s, position_s = time.monotonic(), archive.position_s
        time.sleep(_ALONE_S)
        speed_alone = archive.speed_since(position_s, began_s)
        archive.check()
        archive.stop()
    rows = [["alone", *_cells(alone), f"{speed_alone:.1f}"], ["beside it", *_cells(beside), f"{speed:.1f}"]]
    ratio = _median_s(beside) / _median_s(alone)
    rows.append(["ratio", "", "", f"{ratio:.2f}", "", f"{speed / speed_alone:.2f}"])
    show(("conversation", "turns", "first sound p50", "voice-to-voice p50", "p95", "archive, times real time"), rows)
    return 0 if ratio <= MOST else 1


def _record(services: Services, path: Path, seconds: float) -> None:
    """Speech of both languages, again and again with pauses."""
    spoken = [np.concatenate(_said(services, text)) for text in _TEXTS]
    pause = np.zeros(SAMPLE_RATE // 2, np.int16)
    once = np.concatenate([part for sound in spoken for part in (sound, pause)])
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        for _ in range(max(1, round(seconds * SAMPLE_RATE / len(once)))):
            file.writeframes(once.tobytes())


def _said(services: Services, text: str) -> list[np.ndarray[Any, np.dtype[np.int16]]]:
    return [item for item in services.speak(text, "zf_xiaoxiao", timeout_s=60) if not isinstance(item, list)]


def _latencies_s(runs: Sequence[dict[str, Any]], name: str) -> list[float]:
    return [turn[name] / 1000 for run in runs for turn in run["turns"]]


def _median_s(runs: Sequence[dict[str, Any]]) -> float:
    return float(np.median(_latencies_s(runs, "latency_ms")))


def _cells(runs: Sequence[dict[str, Any]]) -> list[str]:
    whole, first = _latencies_s(runs, "latency_ms"), _latencies_s(runs, "first_sound_ms")
    shown = ((first, 50), (whole, 50), (whole, 95))
    return [str(len(whole)), *(f"{np.percentile(lot, share):.2f} s" for lot, share in shown)]


if __name__ == "__main__":
    as_command(main)
