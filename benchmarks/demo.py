"""How soon the demo answers on a machine of a stated speed: ``python -m benchmarks.demo [--tokens-s 7] [--runs 5]``.

A faster machine is slowed down by rivals, busy processes pinned to its cores, until the 1.5B model writes about so many
tokens a second; how many it then writes and reads, and the voice's real-time factor, are printed beside the figures. A
slower machine is not measured. The language model is the best rung of the ladder at that speed whose files are
here, unless ``--set llm.model=...`` names one. Each run is a whole `huiyin demo` without the voice's cache.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.command import above_zero, as_command, one_or_more
from benchmarks.output import show, tell
from huiyin.assistant.clients.trials import measure
from huiyin.configs.choice.choose import choose
from huiyin.configs.choice.facts import gather
from huiyin.configs.choice.ladder import load_ladders
from huiyin.configs.choice.speed import Speed
from huiyin.configs.settings import load
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.common.child import module_command

MODEL = "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
_NEAR = 0.1  # of the speed that is wanted: near enough
_TRIES = 9
_BEAT_S = 0.02  # a rival that is busy for a share of the time alternates so often
_DEMO_S = 900.0
_PARTS = {
    "hear": "to the start of recognition, median",
    "asr": "words recognised",
    "llm": "first clause written",
    "tts": "its first sound made",
    "hold": "pause over",
    "play": "opener over, heard",
}
"""Those of a transcript, in order: what the time to a reply's first clause was spent on."""


def main() -> int:
    """Print the speed and the figures (gap: silence between two clauses). 1 where this machine is slower than that."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--tokens-s", type=above_zero, help="that the 1.5B model writes; default: as many as it does here"
    )
    parser.add_argument("--runs", type=one_or_more, default=5)
    parser.add_argument("--set", action="append", default=[], help="as for `huiyin demo`")
    args = parser.parse_args()
    load("embedded", args.set)  # refuses a wrong one before anything is measured
    with ExitStack() as rivals:
        found = slowed_down(args.tokens_s, rivals)
        if found is None:
            return 1
        arguments = [item for value in (*_chosen(found), *args.set) for item in ("--set", value)]
        speed = found.write_tokens_s, found.read_tokens_s, found.voice_rtf
        rows = [[f"{speed[0]:.1f}", f"{speed[1]:.0f}", f"{speed[2]:.2f}", " ".join(arguments)]]
        show(("1.5B model writes, tokens/s", "reads", "voice's real-time factor", "settings"), rows)
        runs = [one_demo(arguments, number) for number in range(args.runs)]
    show(("run", *_Figures.HEADS), [[name, *_Figures(part).cells] for name, part in _lots(runs)])
    show(("run", *_PARTS.values()), [[name, *_Figures(part).parts] for name, part in _lots(runs)])
    return 0


def slowed_down(tokens_s: float | None, rivals: ExitStack) -> Speed | None:
    """The speed of this machine beside as many rivals as bring it near `tokens_s`; None where it is slower.

    `rivals` ends them.
    """
    amount, used, wanted = 0.0, ExitStack(), tokens_s
    fewer, more = None, None  # (rivals, tokens a second) that are too few, too many
    for _ in range(_TRIES):
        speed = measure(MODEL, [])
        if speed is None:
            raise SystemExit(f"{MODEL} cannot be measured here: huiyin models fetch embedded")
        tell(f"{amount:.2f} rivals a core: {speed.write_tokens_s} tokens a second")
        if wanted is None or abs(speed.write_tokens_s - wanted) <= _NEAR * wanted:
            rivals.push(used.pop_all())
            return speed
        if speed.write_tokens_s < wanted and not amount:
            tell(f"not measured: this machine writes {speed.write_tokens_s} tokens a second, {wanted} are wanted")
            return None
        if speed.write_tokens_s < wanted:
            more = amount, speed.write_tokens_s
        else:
            fewer = amount, speed.write_tokens_s
        if fewer and more:
            share = math.log(fewer[1] / wanted) / math.log(fewer[1] / more[1])
            amount = fewer[0] + (more[0] - fewer[0]) * share
        else:
            # A model beside r rivals of its own priority has 1 / (1 + r) of a core, or less where its threads wait for
            # each other.
            amount = (1 + amount) * speed.write_tokens_s / wanted - 1
        used.close()
        used.enter_context(_rivals(amount))
    used.close()
    raise SystemExit("this machine's speed does not hold still: try again when nothing else runs")


@contextmanager
def _rivals(amount: float) -> Iterator[None]:
    """So many busy processes on each core, the last of them busy for a share of the time."""
    shares = [1.0] * int(amount) + [amount % 1]
    spawn = multiprocessing.get_context("spawn")
    processes = [
        spawn.Process(target=_be_busy, args=(core, share), daemon=True)
        for core in psutil.Process().cpu_affinity() or []
        for share in shares
    ]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def _be_busy(core: int, share: float) -> None:
    psutil.Process().cpu_affinity([core])
    while True:
        until_s = time.monotonic() + share * _BEAT_S
        while time.monotonic() < until_s:
            pass
        if share < 1:
            time.sleep((1 - share) * _BEAT_S)


def _chosen(speed: Speed) -> Sequence[str]:
    """The settings of the ladder's language model at that speed, among the models on this machine."""
    settings = load(environ={}, overrides=["store.offline=true", "store.choose=false"])
    store, rungs = ModelStore(settings.store), {"llm": load_ladders()["llm"]}
    facts = gather(settings, store, rungs, None).facts
    plan = choose(rungs, store.catalog, replace(facts, speed=speed))
    return [f"llm.model={plan['llm'].now.settings['llm.model']}"]


def one_demo(arguments: Sequence[str], number: int) -> dict[str, Any]:
    """The transcript of a demo."""
    with tempfile.TemporaryDirectory() as folder:
        command = module_command("huiyin.assistant.faces.cli.main", "demo", "--profile", "embedded")
        command += ["--out", folder, "--set", "tts.cache_mb=0", *arguments]
        done = subprocess.run(command, stdout=sys.stderr, timeout=_DEMO_S, check=False)
        if done.returncode:
            raise SystemExit(f"demo {number + 1} ended with status {done.returncode}")
        return dict(json.loads((Path(folder) / "transcript.json").read_text(encoding="utf-8")))


def _lots(runs: Sequence[dict[str, Any]]) -> Iterator[tuple[str, Sequence[dict[str, Any]]]]:
    yield from ((str(number), [run]) for number, run in enumerate(runs, 1))
    yield "all", runs


@dataclass(frozen=True)
class _Figures:
    """The row of one or more demos."""

    runs: Sequence[dict[str, Any]]
    HEADS = ("turns", "openers", "first sound p50", "p95", "voice-to-voice p50", "p95", "gap p50", "p95", "memory")

    @property
    def cells(self) -> list[str]:
        """Times in seconds, memory in GB."""
        turns = [turn for run in self.runs for turn in run["turns"]]
        cells = [str(len(turns)), str(sum(bool(turn["opener"]) for turn in turns))]
        lots = (
            [turn["first_sound_ms"] for turn in turns],
            [turn["latency_ms"] for turn in turns],
            [gap_ms for run in self.runs for gap_ms in run["gaps_ms"]],
        )
        for lot in lots:
            cells += [f"{value / 1000:.2f} s" for value in np.percentile(lot or [float("nan")], (50, 95))]
        return [*cells, f"{max(run['peak_memory_mb'] for run in self.runs) / 1000:.1f} GB"]

    @property
    def parts(self) -> list[str]:
        """Seconds of each of `_PARTS`."""
        turns = [turn["parts_ms"] for run in self.runs for turn in run["turns"]]
        medians = (np.median([parts[name] for parts in turns] or [float("nan")]) for name in _PARTS)
        return [f"{median / 1000:.2f} s" for median in medians]


if __name__ == "__main__":
    as_command(main)
