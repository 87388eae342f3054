"""What a Realtime server costs: ``python -m benchmarks.realtime [stop] [processor] [connections]``, by default all.

stop: from the beginning of an interruption to the last sound at a client and at the page, beside the desktop loop.
processor: what one session more takes of a core, its user speaking every eight seconds; without echo path (the client
has its own) and endpoint model. connections: 1,000 clients that connect and are killed; what is left of them.
Voice-to-voice latency is `python -m benchmarks.latency --realtime`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from benchmarks.command import as_command
from benchmarks.latency_page import PageClient
from benchmarks.latency_realtime import RealtimeClient
from benchmarks.latency_services import Delays, Recording
from benchmarks.latency_sides import Device, Huiyin, ServicesProcess
from benchmarks.output import percent, show, tell
from huiyin.assistant.scenario import voices
from huiyin.configs.settings import load
from tests.clients.at_rest import at_rest
from tests.clients.soak_user import SoakUser
from tests.clients.talk_services import SAID, TalkServices, for_client, speech
from tests.support.realtime_server import ServerProcess, server_process

STOPS = 20
SESSIONS, MINUTES, TURN_S = 10, 2.0, 8.0
CONNECTIONS, AT_ONCE = 1000, 20
_REPLY = "Once upon a time there was a lighthouse on a rock in the sea, and nobody had lived in it for many years. " * 3
_CUTS_IN_AFTER_S = 1.5  # of the reply
_SILENCE_S = 0.6  # a reply that is silent for so long has stopped
_LIMIT_S = 10.0
_WARM_UP_S = 5.0


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measures = {"stop": stop_latency, "processor": processor, "connections": connections}
    parser.add_argument("what", nargs="*", help=", ".join(measures))
    names = parser.parse_args().what or list(measures)
    if unknown := set(names) - set(measures):
        parser.error(f"not measured: {', '.join(unknown)}")
    for name in names:
        measures[name]()


def stop_latency() -> None:
    """The desktop loop, a Realtime client and the page, in turn, interrupted in the middle of the same reply."""
    question, interruption = (
        voices.say(text, "user", "formants") for text in ("Tell me a story.", "No, wait a moment.")
    )
    settings = load(environ={}, overrides=["llm.upstreams=http://127.0.0.1:9/v1", "turns.endpoint_words=never"])
    with ServicesProcess() as services, tempfile.TemporaryDirectory() as folder:
        ports: dict[str, object] = {f"{name}_port": services.port for name in ("asr", "llm", "tts")}
        desk = Huiyin(settings, services.port, Delays())
        with server_process(Path(folder) / "log", **ports) as server:
            client, page = RealtimeClient(server.url), PageClient(server.url)
            devices: dict[str, Device] = {"desktop": desk.headset, "realtime": client, "page": page}
            stops: dict[str, list[float]] = {name: [] for name in devices}
            for number in range(STOPS):
                for name, device in devices.items():
                    services.play(_heard_as(question, "Tell me a story."))
                    device.say(question)
                    _until_heard(device)
                    services.play(_heard_as(interruption, "No, wait a moment."))
                    device.say(interruption)
                    stops[name].append(_last_sound_s(device))
                    tell(f"{number + 1}/{STOPS} {name} {stops[name][-1] * 1000:.0f} ms")
                    time.sleep(_LIMIT_S / 2)  # the answer to the interruption
            tell(f"page: {page.buffers}")
            page.close()
            client.close()
        desk.close()
    rows = [[name, *(f"{value * 1000:.0f} ms" for value in _p50_p95(values))] for name, values in stops.items()]
    show(("stop latency", "p50", "p95"), rows)


def _heard_as(sound: Any, text: str) -> Recording:
    return Recording(sound, [(0.0, len(sound) / 16_000)], {"0-0": text}, "en", _REPLY)


def _until_heard(device: Device) -> None:
    until_s = time.monotonic() + _LIMIT_S
    while not ((audible := device.audible) and time.monotonic() - audible[0] > _CUTS_IN_AFTER_S):
        if time.monotonic() > until_s:
            raise RuntimeError("no reply was heard")
        time.sleep(0.01)


def _last_sound_s(device: Device) -> float:
    """From the beginning of the interruption to the last sound before the silence."""
    while True:
        time.sleep(0.05)
        last_s = max([at_s for at_s in device.audible if at_s <= time.monotonic()], default=device.began_s)
        if time.monotonic() - last_s > _SILENCE_S:
            return float(last_s - device.began_s)


def processor() -> None:
    """Processor time of the server's process, with sessions and without.

    It has a core of its own where there are two, as its users are elsewhere in life: theirs would push it out of the
    caches.
    """
    sounds = {name: for_client(speech(text)) for name, text in SAID.items()}
    with (
        TalkServices() as services,
        tempfile.TemporaryDirectory() as folder,
        server_process(
            Path(folder) / "log", turns_endpoint_model="false", realtime_sessions=SESSIONS, **services.ports
        ) as server,
    ):
        cores = psutil.Process().cpu_affinity()
        psutil.Process(server.pid).cpu_affinity(cores[:1])
        psutil.Process().cpu_affinity(cores[1:] or cores)
        users = [SoakUser(_socket(server), sounds, number) for number in range(SESSIONS)]
        idle, busy, answered = asyncio.run(_measure(server, users))
    added = (busy - idle) / SESSIONS
    rows = [[str(SESSIONS), f"{answered}", percent(idle), percent(busy), percent(added), "≤ 1.5 %"]]
    show(("sessions", "turns answered", "idle", "with all", "added by one", "target"), rows)


async def _measure(server: ServerProcess, users: list[SoakUser]) -> tuple[float, float, int]:
    process = psutil.Process(server.pid)
    idle = await _share_of_a_core(process, _WARM_UP_S)
    talking = [asyncio.create_task(user.talk(MINUTES * 60 + 2 * _WARM_UP_S, TURN_S)) for user in users]
    await asyncio.sleep(_WARM_UP_S)
    busy = await _share_of_a_core(process, MINUTES * 60)
    await asyncio.gather(*talking)
    return idle, busy, sum(user.done["answered"] for user in users)


async def _share_of_a_core(process: psutil.Process, seconds: float) -> float:
    def used_s() -> float:
        return float(process.cpu_times().user + process.cpu_times().system)

    began_s, before_s = time.monotonic(), used_s()
    await asyncio.sleep(seconds)
    return (used_s() - before_s) / (time.monotonic() - began_s)


def connections() -> None:
    """Connect, say hello, be killed."""
    with (
        TalkServices() as services,
        tempfile.TemporaryDirectory() as folder,
        server_process(Path(folder) / "log", realtime_sessions=2 * AT_ONCE, **services.ports) as server,
    ):
        asyncio.run(_connect(server, AT_ONCE * 5))  # threads and caches are there
        before = at_rest(server)
        rows = {"a hundred connections": before}
        for name in (f"{CONNECTIONS} more", "as many again"):
            asyncio.run(_connect(server, CONNECTIONS))
            rows[name] = at_rest(server, before)
    show(("after", *before), _rows(rows))


def _rows(figures: dict[str, dict[str, float]]) -> Iterator[list[str]]:
    for name, values in figures.items():
        yield [name, *(f"{value:.0f}" for value in values.values())]


async def _connect(server: ServerProcess, count: int) -> None:
    waiting = asyncio.Semaphore(AT_ONCE)

    async def one(http: aiohttp.ClientSession, number: int) -> None:
        async with waiting:
            socket = await http.ws_connect(_socket(server))
            if number % 3:  # it is killed before its session has begun, then, or while it is heard
                await socket.receive()
            if number % 3 == 2:
                await socket.send_str(json.dumps({"type": "input_audio_buffer.append", "audio": "AAAA" * 1000}))
            writer = socket._writer
            assert writer.transport is not None
            writer.transport.abort()

    async with aiohttp.ClientSession() as http:
        await asyncio.gather(*(one(http, number) for number in range(count)))


def _socket(server: ServerProcess) -> str:
    return f"{server.url.replace('http', 'ws', 1)}/v1/realtime"


def _p50_p95(values: list[float]) -> tuple[float, float]:
    return statistics.median(values), sorted(values)[round(0.95 * (len(values) - 1))]


if __name__ == "__main__":
    as_command(main)
