"""How long a user waits for a voice when edge-tts is out of reach: ``python -m benchmarks.tts_fallback``.

A stand-in for its server fails in each way; the real client and the real local voices take it from there. Shown are
the seconds to the first sound: at first, and of the next request, when edge-tts is left alone; then the part of the
latter that was spent on edge-tts, the local engine's own time taken off (the median of what it needs without edge-tts).
"""

from __future__ import annotations

import argparse
import logging
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import edge_tts

from huiyin.configs import settings as config
from huiyin.services.tts.engines import edge, hibari, kokoro
from huiyin.services.tts.speaker import Speaker
from huiyin.services.tts.voice_engine import Engine, WordTiming
from huiyin.services.tts.voice_selector import Choice
from tests.support.fake_edge import FakeEdge, running
from tests.support.service_process import free_port

FAILURES = ("no DNS", "DNS that hangs", "refused", "403", "silent", "no answer")
_TEXTS = {"zh-CN-XiaoxiaoNeural": "今天天气很好。", "en-US-AriaNeural": "Of course I can."}
_REPEATS = 5
_DNS_S = 20.0


def main() -> int:
    """Prints the table. Returns 1 when a figure that must be reached is not."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    logging.disable(logging.WARNING)  # every failure is told there
    settings = config.load(environ={})
    local: list[Engine] = [hibari.load(settings), kokoro.load(settings)]
    for engine in local:
        engine.warm_up()
    missed = False
    print(f"{'failure':<16}{'voice':<22}{'first s':>9}{'next s':>9}{'of edge ms':>12}   (≤ 1.5 s, ≤ 10 ms wanted)")
    for voice, text in _TEXTS.items():
        alone = Speaker(local)
        own_s = statistics.median(_first_s(alone, text, alone.choose(text)) for _ in range(_REPEATS))
        print(f"{'(no edge-tts)':<16}{alone.choose(text).voice.name:<22}{own_s:>9.3f}")
        for failure in FAILURES:
            with failing(failure):
                both = Speaker([edge.load(settings), *local])
                choice = both.choose(text, voice)
                first_s = _first_s(both, text, choice)
                spent_s = statistics.median(_until_local_s(both, text, choice) for _ in range(_REPEATS))
                next_s = _first_s(both, text, choice)
            missed = missed or first_s > 1.5 or spent_s > 0.010
            print(f"{failure:<16}{voice:<22}{first_s:>9.3f}{next_s:>9.3f}{spent_s * 1000:>12.2f}", flush=True)
    return int(missed)


def _first_s(speaker: Speaker, text: str, choice: Choice) -> float:
    """Seconds to the first sound."""
    started = time.perf_counter()
    next(each for each in speaker.speak(text, choice) if not isinstance(each, WordTiming))
    return time.perf_counter() - started


def _until_local_s(speaker: Speaker, text: str, choice: Choice) -> float:
    """Seconds until a local engine is asked."""
    started = time.perf_counter()
    asked: list[float] = []

    def note(*_: object) -> Iterator[WordTiming]:
        asked.append(time.perf_counter())
        return iter(())

    with (
        mock.patch.object(hibari.HibariEngine, "synthesise", note),
        mock.patch.object(kokoro.KokoroEngine, "synthesise", note),
    ):
        list(speaker.speak(text, choice))
    return asked[0] - started


@contextmanager
def failing(failure: str) -> Iterator[None]:
    """edge-tts is out of reach in that way."""
    hung = threading.Event()

    def no_host(*_: object, **__: object) -> None:
        if failure == "DNS that hangs":
            hung.wait(_DNS_S)
        raise socket.gaierror("no such host")

    fake = FakeEdge([], silent=failure == "silent", status=403 if failure == "403" else 101)
    with (
        running(fake) as address,
        socket.create_server(("127.0.0.1", 0)) as mute,
        mock.patch.object(edge_tts.communicate, "WSS_URL", address) as _,
    ):
        if failure == "refused":
            edge_tts.communicate.WSS_URL = f"ws://127.0.0.1:{free_port()}/?"
        if failure == "no answer":
            edge_tts.communicate.WSS_URL = f"ws://127.0.0.1:{mute.getsockname()[1]}/?"
        if "DNS" in failure:
            edge_tts.communicate.WSS_URL = "ws://speech.example/?"
            with mock.patch.object(socket, "getaddrinfo", no_host):
                yield
                hung.set()
            return
        yield


if __name__ == "__main__":
    raise SystemExit(main())
