"""A program for `command:` that speaks when the user has been silent; as bad as it is by default, on purpose.

It hears nothing while it speaks (half duplex), waits for 2 s of silence before it answers, and goes on talking whatever
the user does. With `--good` it answers after 0.6 s and stops at once. Its voice is a tone with a gap now and then, or a
recording (WAV, 16-bit, mono, 16 kHz), which it says as far as it comes.

    python simple_agent.py [--good] [--voice FILE] [--leave-after SECONDS]
"""

from __future__ import annotations

import argparse
import sys
import wave
from dataclasses import dataclass, field

import numpy as np

RATE = 16_000
BLOCK = 320
BLOCK_S = BLOCK / RATE
LOUD = 10 ** (-40 / 20) * 32767  # RMS of a block in which somebody speaks
REPLY_S = 9.0
_TONE_HZ = 180.0
_GAP_EVERY_S, _GAP_S = 2.0, 0.3  # as between sentences


@dataclass
class SimpleAgent:
    """20 ms in, 20 ms out: int16, shape (320,)."""

    endpoint_s: float = 2.0
    is_half_duplex: bool = True
    reply_s: float = REPLY_S
    voice: np.ndarray | None = None
    silent_s: float = field(default=0.0, init=False)
    has_heard: bool = field(default=False, init=False)
    left_s: float = field(default=0.0, init=False)

    def exchange(self, mic: np.ndarray) -> np.ndarray:
        """What it says while it hears `mic`."""
        if self.left_s > 0 and self.is_half_duplex:
            return self._speak()
        is_loud = float(np.sqrt(np.mean(mic.astype(np.float64) ** 2))) > LOUD
        self.silent_s = 0.0 if is_loud else self.silent_s + BLOCK_S
        if is_loud:
            self.has_heard, self.left_s = True, 0.0
        if self.has_heard and self.silent_s >= self.endpoint_s:
            self.has_heard, self.left_s = False, self.reply_s
        return self._speak() if self.left_s > 0 else np.zeros(BLOCK, np.int16)

    def _speak(self) -> np.ndarray:
        said_s = self.reply_s - self.left_s
        self.left_s = max(0.0, self.left_s - BLOCK_S)
        if self.voice is not None:
            at = round(said_s * RATE)
            return np.pad(self.voice[at : at + BLOCK], (0, max(0, at + BLOCK - len(self.voice))))
        if said_s % _GAP_EVERY_S > _GAP_EVERY_S - _GAP_S:
            return np.zeros(BLOCK, np.int16)
        times = said_s + np.arange(BLOCK) / RATE
        return (6000 * np.sin(2 * np.pi * _TONE_HZ * times)).astype(np.int16)


def bad() -> SimpleAgent:
    """All its faults."""
    return SimpleAgent()


def good() -> SimpleAgent:
    """None of them; but it takes every sound for a turn."""
    return SimpleAgent(endpoint_s=0.6, is_half_duplex=False)


def main() -> None:
    """Until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--good", action="store_true")
    parser.add_argument("--voice", metavar="FILE")
    parser.add_argument("--leave-after", type=float, default=float("inf"), metavar="SECONDS")
    args = parser.parse_args()
    agent = good() if args.good else bad()
    if args.voice:
        with wave.open(args.voice) as file:
            agent.voice = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)
        agent.reply_s = len(agent.voice) / RATE
    print("listening", file=sys.stderr, flush=True)
    sys.stdout.buffer.write(bytes(2 * BLOCK))
    sys.stdout.buffer.flush()
    heard_s = 0.0
    while data := sys.stdin.buffer.read(2 * BLOCK):
        out = agent.exchange(np.frombuffer(data, "<i2"))
        sys.stdout.buffer.write(out.astype("<i2").tobytes())
        sys.stdout.buffer.flush()
        heard_s += BLOCK_S
        if heard_s > args.leave_after:
            print("I have to go", file=sys.stderr, flush=True)
            sys.exit(3)


if __name__ == "__main__":
    main()
