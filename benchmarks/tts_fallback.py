"""How long a user waits for a voice when edge-tts is out of reach: ``python -m benchmarks.tts_fallback``.

A stand-in for its server fails in each way; the real client and the real local voices do the rest. Figures are the
seconds to the first sound of the first request, and of the next one, when the circuit of edge-tts is open; then the
part of the latter that is spent before a local engine is asked.
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

from benchmarks.command import as_command
from benchmarks.output import show
from huiyin.configs import settings as config
from huiyin.configs.settings import Settings
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
_TARGET_FIRST_S = 1.5
_TARGET_EDGE_S = 0.010


def main() -> int:
    """Print the table. Returns 1 when a target is not reached."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    logging.disable(logging.WARNING)  # every failure is logged
    settings = config.load(environ={})
    local: list[Engine] = [hibari.load(settings), kokoro.load(settings)]
    for engine in local:
        engine.warm_up()
    misses: list[str] = []
    show(
        ("failure", "voice", "first request (≤ 1.5 s)", "next request", "of it edge-tts (≤ 10 ms)"),
        (row for voice, text in _TEXTS.items() for row in _rows(settings, local, voice, text, misses)),
    )
    return 1 if misses else 0


def _rows(
    settings: Settings, local: list[Engine], voice: str, text: str, misses: list[str]
) -> Iterator[list[str | None]]:
    alone = Speaker(local)
    alone_s = statistics.median(_first_s(alone, text, alone.choose(text)) for _ in range(_REPEATS))
    yield ["(no edge-tts)", alone.choose(text).voice.name, f"{alone_s:.3f} s", None, None]
    for failure in FAILURES:
        with failing(failure):
            both = Speaker([edge.load(settings), *local])
            choice = both.choose(text, voice)
            first_s = _first_s(both, text, choice)
            edge_s = statistics.median(_until_local_s(both, text, choice) for _ in range(_REPEATS))
            next_s = _first_s(both, text, choice)
        if first_s > _TARGET_FIRST_S or edge_s > _TARGET_EDGE_S:
            misses.append(failure)
        yield [failure, voice, f"{first_s:.3f} s", f"{next_s:.3f} s", f"{edge_s * 1000:.2f} ms"]


def _first_s(speaker: Speaker, text: str, choice: Choice) -> float:
    """Seconds to the first sound."""
    started = time.perf_counter()
    next(each for each in speaker.speak(text, choice) if not isinstance(each, WordTiming))
    return time.perf_counter() - started


def _until_local_s(speaker: Speaker, text: str, choice: Choice) -> float:
    """Seconds until a local engine is asked."""
    started = time.perf_counter()
    calls: list[float] = []

    def note(*_: object) -> Iterator[WordTiming]:
        calls.append(time.perf_counter())
        return iter(())

    with (
        mock.patch.object(hibari.HibariEngine, "synthesise", note),
        mock.patch.object(kokoro.KokoroEngine, "synthesise", note),
    ):
        list(speaker.speak(text, choice))
    return calls[0] - started


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
    as_command(main)
