"""What replicas on a cluster of Ray's cost: ``python -m benchmarks.ray_router [overhead|replicas]``.

*overhead*: one replica of the recogniser, asked at its own address and through the router by turns; a request that
computes nothing, and a clip of 3 s. *replicas*: one service with two threads against two replicas with one thread each,
16 callers with clips of 3 s, by turns, each started anew; and what Ray itself takes of a core when idle.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import psutil
import requests

from benchmarks.command import above_zero, as_command, one_or_more
from benchmarks.output import show, tell
from huiyin.services.common.audio import SAMPLE_RATE
from tests.support.asr_over_http import clips
from tests.support.media import pcm16
from tests.support.ray_nodes import Served, served
from tests.support.service_process import start_service

CLIP_S = 3.0
CALLERS = 16
PATIENCE_S = 600.0
IDLE_S = 20.0
ADDED_MS, ADDED_SHARE = 8.0, 0.10  # of a request's p50, whichever is larger
LEAST_RATE, MOST_P95 = 0.85, 1.2  # of the service alone
ALIKE = ("asr.cache_entries=0", f"asr.queue_wait_s={PATIENCE_S:g}")
HEADERS = {"Content-Type": f"audio/pcm;rate={SAMPLE_RATE}"}


def main() -> int:
    """Print the tables. Returns the exit status: 1 where a target is missed or a request failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("all", "overhead", "replicas"), default="all")
    parser.add_argument("--requests", type=one_or_more, default=60, help="of each kind, each way (default 60)")
    parser.add_argument("--seconds", type=above_zero, default=45.0, help="of each round with 16 callers (default 45)")
    parser.add_argument("--rounds", type=one_or_more, default=2, help="each way (default 2)")
    args = parser.parse_args()
    good = [
        *(_overhead(args.requests) if args.what != "replicas" else ()),
        *(_replicas(args.rounds, args.seconds) if args.what != "overhead" else ()),
    ]
    return 0 if all(good) else 1


def _overhead(count: int) -> Iterator[bool]:
    tell("starting one replica …")
    good = []
    with served("asr", *ALIKE, "ray.asr_max_replicas=1") as there, requests.Session() as session:
        ways = {"the replica itself": _own_address(there), "through the router": there.urls["asr"]}
        sounds = itertools.cycle(_clips())
        asks: dict[str, Callable[[str], requests.Response]] = {
            "nothing to compute": lambda url: session.get(f"{url}/v1/models", timeout=PATIENCE_S),
            f"a clip of {CLIP_S:g} s": lambda url: _transcribe(session, url, next(sounds)),
        }
        rows = []
        for kind, ask in asks.items():
            times_ms: dict[str, list[float]] = {way: [] for way in ways}
            for number in range(-5, count):  # the first are not counted: connections
                for way, url in ways.items():
                    began_s = time.perf_counter()
                    assert ask(url).status_code == 200
                    if number >= 0:
                        times_ms[way].append(1000 * (time.perf_counter() - began_s))
            alone_ms, routed_ms = (statistics.median(times) for times in times_ms.values())
            most_ms = max(ADDED_MS, ADDED_SHARE * alone_ms)
            good.append(routed_ms - alone_ms <= most_ms)
            rows.append([kind, *(f"{ms:.1f} ms" for ms in (alone_ms, routed_ms, routed_ms - alone_ms, most_ms))])
        show(("p50 of a request", *ways, "added", "at most"), rows)
    yield from good


def _own_address(there: Served) -> str:
    (replica,) = there.replicas("asr")
    (address,) = [word.partition("=")[2] for word in replica.cmdline() if word.startswith("service.listen=")]
    return f"http://{address}"


@dataclass
class _Round:
    times_s: list[float] = field(default_factory=list)
    seconds: float = 0.0
    failed: int = 0


def _replicas(rounds: int, seconds: float) -> Iterator[bool]:
    alone, replicas, idle = _Round(), _Round(), list[float]()
    for number in range(rounds):
        tell(f"round {number + 1} of {rounds}: one service with two threads …")
        with start_service("asr", threads=2, **dict(_own(setting) for setting in ALIKE)) as url:
            _play(url, seconds, alone)
        tell(f"round {number + 1} of {rounds}: two replicas with one thread …")
        two = ("asr.threads=1", "ray.asr_min_replicas=2", "ray.asr_max_replicas=2", "ray.asr_cpus=1")
        with served("asr", *ALIKE, *two) as there:
            idle.append(_idle_share(there))
            _play(there.urls["asr"], seconds, replicas)
    rates = [len(each.times_s) / each.seconds for each in (alone, replicas)]
    p95s = [float(np.percentile(each.times_s, 95)) for each in (alone, replicas)]
    rows = [
        [name, f"{rate:.2f}", f"{statistics.median(each.times_s):.2f} s", f"{p95:.2f} s", str(each.failed)]
        for name, each, rate, p95 in zip(
            ("one service, two threads", "two replicas, one thread each"), (alone, replicas), rates, p95s, strict=True
        )
    ]
    rate, p95 = rates[1] / rates[0], p95s[1] / p95s[0]
    rows.append([f"ratio (≥ {LEAST_RATE}; p95 ≤ {MOST_P95})", f"{rate:.2f}", "", f"{p95:.2f}", ""])
    show((f"{CALLERS} callers, clips of {CLIP_S:g} s", "clips a second", "p50", "p95", "failed"), rows)
    show(("Ray and router while nobody asks", "of one core"), [["all their processes", f"{statistics.mean(idle):.1%}"]])
    yield rate >= LEAST_RATE
    yield p95 <= MOST_P95
    yield not alone.failed + replicas.failed


def _own(setting: str) -> tuple[str, str]:
    name, _, value = setting.removeprefix("asr.").partition("=")
    return name, value


def _play(url: str, seconds: float, into: _Round) -> None:
    """16 callers, each with one clip after the other."""
    sounds = _clips()
    with requests.Session() as session:  # unmeasured: the model's first calls
        for sound in sounds[:4]:
            _transcribe(session, url, sound)
    began_s = time.perf_counter()

    def call(caller: int) -> tuple[list[float], int]:
        times_s, failed = [], 0
        with requests.Session() as session:
            for sound in itertools.islice(itertools.cycle(sounds), caller, None):
                before_s = time.perf_counter()
                if before_s - began_s > seconds:
                    return times_s, failed
                if _transcribe(session, url, sound).status_code == 200:
                    times_s.append(time.perf_counter() - before_s)
                else:
                    failed += 1
        return times_s, failed

    with ThreadPoolExecutor(CALLERS) as pool:
        for times_s, failed in pool.map(call, range(CALLERS)):
            into.times_s += times_s
            into.failed += failed
    into.seconds += time.perf_counter() - began_s


def _transcribe(session: requests.Session, url: str, sound: bytes) -> requests.Response:
    return session.post(f"{url}/asr", data=sound, headers=HEADERS, timeout=PATIENCE_S)


def _clips() -> list[bytes]:
    """Recorded speech, 3 s each."""
    length = round(CLIP_S * SAMPLE_RATE)
    recorded = [clip.samples for language in ("en", "zh") for clip in clips(language)]
    sound = np.concatenate(recorded)
    return [pcm16(sound[begin : begin + length]) for begin in range(0, len(sound) - length, length)]


def _idle_share(there: Served) -> float:
    """Of one core, what all processes take but the replicas'."""
    replicas = {each.pid for each in there.replicas("asr")}
    program = psutil.Process(there.process.pid)
    others = [each for each in (program, *program.children(recursive=True)) if each.pid not in replicas]
    before = _cpu_s(others)
    time.sleep(IDLE_S)
    return (_cpu_s(others) - before) / IDLE_S


def _cpu_s(processes: Sequence[psutil.Process]) -> float:
    return sum(each.cpu_times().user + each.cpu_times().system for each in processes if each.is_running())


if __name__ == "__main__":
    as_command(main)
