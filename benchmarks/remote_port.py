"""What the jitter buffer of a remote microphone costs: ``python -m benchmarks.remote_port``.

Ten minutes of packets of 20 ms, each delayed by itself by up to the jitter, some lost. Added: from a packet's arrival
until it is given out. Replaced: packets that came, but too late, so that silence stood in their place.
"""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.command import as_command
from benchmarks.output import percent, show
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.jitter import JitterBuffer

JITTERS_S = (0.0, 0.05, 0.1, 0.2, 0.4)
LOSSES = (0.0, 0.02, 0.1)
PACKETS = 30_000
SEED = 1


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    rows = (_row(jitter_s, loss) for jitter_s in JITTERS_S for loss in LOSSES)
    show(("jitter, up to", "lost", "added, median", "p95", "replaced"), rows)
    return 0


def _row(jitter_s: float, loss: float) -> list[str]:
    random = np.random.default_rng(SEED)
    spoken_s = np.arange(1, PACKETS + 1) * BLOCK / SAMPLE_RATE
    arrived_s = spoken_s + random.random(PACKETS) * jitter_s
    came = random.random(PACKETS) >= loss
    buffer, added_ms = JitterBuffer(0.0), []

    def note(sound: np.ndarray, now_s: float) -> None:
        """Each sample of a packet is its number, from 1 on."""
        added_ms.extend(1000 * (now_s - arrived_s[number - 1]) for number in np.unique(sound) if number)

    for number in np.argsort(arrived_s):
        while buffer.wake_s < arrived_s[number]:
            wake_s = buffer.wake_s
            note(buffer.pull(wake_s), wake_s)
        if came[number]:
            packet = np.full(BLOCK, number + 1, np.int16)
            note(buffer.push(packet, int(number) * BLOCK, arrived_s[number]), arrived_s[number])
    median, p95 = np.percentile(added_ms, (50, 95))
    replaced = 1 - len(added_ms) / came.sum()
    return [f"{1000 * jitter_s:.0f} ms", percent(loss), f"{median:.0f} ms", f"{p95:.0f} ms", percent(replaced)]


if __name__ == "__main__":
    as_command(main)
