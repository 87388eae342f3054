"""What the peers' sides of `benchmarks.latency` share: a microphone, a loudspeaker, and the orders.

Run by the Python of a peer's own virtual environment, so it imports nothing of Huiyin's. Orders come as JSON lines on
standard input; answers go back on standard output, times in seconds from the first sample of what was said.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np

RATE = 16_000
OUT_RATE = 24_000
BLOCK = RATE // 50
AUDIBLE = 10 ** (-45 / 20) * 32767
STEP_S = 0.010  # resolution of the times
_LOAD_S = 1.0  # the models load


class Speech:
    """Noise and the user's speech, a block every 20 ms."""

    def __init__(self, noise_dbfs: float) -> None:
        self._rng = np.random.default_rng(1)
        self._noise = 10 ** (noise_dbfs / 20)
        self._waiting = np.zeros(0, np.float32)
        self.begun = asyncio.Event()
        self.began_s = 0.0  # when the first sample of the speech was in the air

    def say(self, sound: np.ndarray) -> None:
        """Put `sound` (float32) into the air with the next block."""
        self.begun.clear()
        self._waiting = sound

    async def blocks(self) -> AsyncIterator[bytes]:
        """Each when it is due."""
        due_s, is_saying = time.monotonic(), False
        while True:
            voice, self._waiting = self._waiting[:BLOCK], self._waiting[BLOCK:]
            if len(voice) and not is_saying:
                self.began_s = due_s
                self.begun.set()
            is_saying = len(self._waiting) > 0
            block = self._rng.standard_normal(BLOCK).astype(np.float32) * self._noise
            block[: len(voice)] += voice
            due_s += BLOCK / RATE
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            yield (np.clip(block, -1, 1) * 32767).astype("<i2").tobytes()


class Played:
    """Sound that is played without delay, one piece after the other; when it was audible."""

    def __init__(self) -> None:
        self.free_s = 0.0  # when all of it will have been played
        self.audible: list[float] = []
        self._pieces: list[tuple[float, np.ndarray, int]] = []  # (when it begins, int16 samples, their rate)

    def add(self, audio: bytes, rate: int) -> float:
        """One piece more; when it begins."""
        begins_s = max(time.monotonic(), self.free_s)
        samples, step = np.frombuffer(audio, "<i2"), round(rate * STEP_S)
        for i in range(0, len(samples), step):
            if np.abs(samples[i : i + step].astype(np.int32)).max() > AUDIBLE:
                self.audible.append(begins_s + i / rate)
        self.free_s = begins_s + len(samples) / rate
        self._pieces = [piece for piece in self._pieces if piece[0] + len(piece[1]) / piece[2] > begins_s]
        self._pieces.append((begins_s, samples, rate))
        return begins_s

    def stop(self) -> list[tuple[bytes, int]]:
        """What was not played yet is not heard; it is returned."""
        now_s = self.free_s = time.monotonic()
        self.audible[:] = [at_s for at_s in self.audible if at_s < now_s]
        pieces, self._pieces = self._pieces, []
        rests = [(samples[max(0, round((now_s - at_s) * rate)) :], rate) for at_s, samples, rate in pieces]
        return [(rest.tobytes(), rate) for rest, rate in rests if len(rest)]


async def obey(speech: Speech, played: Played, about: str, devices: Sequence[asyncio.Task[None]] = ()) -> None:
    """Carry out the orders on standard input. `about`: version and options, in words.

    An answer is {"audible": times}, or {"lost": why} where one of `devices`, which never end by themselves, has ended:
    what was audible then says nothing about the peer's turn taking.
    """
    loop = asyncio.get_running_loop()
    await asyncio.sleep(_LOAD_S)
    print(json.dumps({"about": about}), flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        while time.monotonic() < played.free_s + order["silence_s"]:  # of a reply that was too long
            await asyncio.sleep(STEP_S)
        played.audible.clear()
        sound = np.fromfile(Path(order["say"]), "<f4")
        speech.say(sound)
        if not (lost := await _until_answered(speech, played, len(sound) / RATE, order, devices)):
            print(json.dumps({"audible": [at - speech.began_s for at in played.audible]}), flush=True)
        else:
            print(json.dumps({"lost": lost}), flush=True)


async def _until_answered(
    speech: Speech, played: Played, end_s: float, order: dict[str, float], devices: Sequence[asyncio.Task[None]]
) -> str:
    """Until the reply is over; why the connection was lost meanwhile, or ''."""
    begun = asyncio.create_task(speech.begun.wait())
    await asyncio.wait([begun, *devices], return_when=asyncio.FIRST_COMPLETED)
    began_s = speech.began_s
    while not any(device.done() for device in devices):
        await asyncio.sleep(0.02)
        now_s, last_s = time.monotonic(), played.audible[-1] - began_s if played.audible else 0.0
        is_over = last_s > end_s and now_s - began_s > last_s + order["silence_s"]
        if is_over or now_s > began_s + end_s + order["limit_s"]:
            return ""
    begun.cancel()
    ended = next(device for device in devices if device.done())
    return repr(ended.exception() or "the connection was closed")
