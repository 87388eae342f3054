"""How many machines: arithmetic from measured figures: ``python -m benchmarks.fleet``.

Each figure is an option, so that those of other machines, models and prices can be put in. A core's speed and a turn's
time are what `benchmarks.ray_archive` and `benchmarks.queueing` measured on two cores, busy with other work; the others
(price, memory of a worker, size of recordings and results, seconds between turns) are assumed.
"""

from __future__ import annotations

import argparse

from benchmarks.command import as_command
from benchmarks.output import show

NODES = (10, 100, 1000)
_MB, _GB = 1e6, 1e9


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--cores", type=int, default=16, help="of a machine")
    add("--price", type=float, default=0.04, help="of a core for an hour, in dollars")
    add("--speed", type=float, default=4.2, help="seconds of recordings that a core transcribes in a second")
    add("--piece-s", type=float, default=15.0, help="seconds of sound in a line of the journal")
    add("--worker-mb", type=float, default=500.0, help="memory of a worker with its service")
    add(
        "--sound-kbit",
        type=float,
        default=64.0,
        help="kbit a second of the recordings: 64 is an mp3 of speech, 256 a WAV",
    )
    add("--result-kb", type=float, default=15.0, help="kB of JSON, with times of words, for a minute of sound")
    add("--turn-s", type=float, default=0.77, help="seconds that a turn takes a core")
    add("--asks", type=float, default=2.0, help="times that a turn is transcribed: it is begun in each pause")
    add("--every-s", type=float, default=16.0, help="seconds between two turns of one conversation")
    add("--load", type=float, default=0.7, help="share of the cores' time that conversations may take (queueing)")
    args = parser.parse_args()
    columns = [_quantities(nodes, args) for nodes in NODES]
    rows = [[name, *(column[name] for column in columns)] for name in columns[0]]
    show((f"machines of {args.cores} cores", *(f"{nodes:,}" for nodes in NODES)), rows)


def _quantities(nodes: int, args: argparse.Namespace) -> dict[str, str]:
    """What there is to say of so many machines."""
    cores = nodes * args.cores
    speed = cores * args.speed  # seconds of recordings in a second, and so hours in an hour
    read_mb_s = speed * args.sound_kbit * 125 / _MB
    core_share = args.turn_s * args.asks / args.every_s / args.load  # of a core, for one conversation
    return {
        "archive: hours of recordings in an hour": f"{speed:,.0f}",
        "archive: read, MB a second": f"{read_mb_s:,.1f}",
        "archive: read by one machine, MB a second": f"{read_mb_s / nodes:,.1f}",
        "archive: results, GB an hour": f"{speed * 60 * args.result_kb * 1000 / _GB:,.2f}",
        "archive: lines of journals, a second": f"{speed / args.piece_s:,.0f}",
        "archive: dollars for an hour of recordings": f"{args.price / args.speed:.4f}",
        "conversations at once": f"{cores / core_share:,.0f}",
        "conversations: dollars for an hour of one": f"{args.price * core_share:.4f}",
        "memory of a machine's workers, GB": f"{args.cores * args.worker_mb * _MB / _GB:,.0f}",
        "all machines, dollars an hour": f"{cores * args.price:,.0f}",
    }


if __name__ == "__main__":
    as_command(main)
