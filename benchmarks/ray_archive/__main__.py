"""An archive by ``huiyin transcribe --ray``, and by two workers run by hand: ``python -m benchmarks.ray_archive``.

The rival (*hand*) is two ``huiyin transcribe`` at once, of one core each, each with half of the sound. Then the same
with Ray on this machine, with as many workers of one core (*ray*); then once more, while a worker is killed (SIGKILL)
every 20 s (*killed*). Compared are the times from start to end, Ray's own start and end included, the results, and
which pieces were recognised how often; a second table says what the times consist of. *data* is a small archive on two
machines of which one ends, by our pool of workers and by Ray Data's.

500 short recordings and five of half an hour take some 8 minutes for each of *hand* and *ray* on two quiet cores, and
half as long again for *killed*, which may run beside other work. What has been measured is kept in --folder: the same
command goes on with the next run. Exit status 1 where it is slower than 0.9 times the rival, or anything is lost, done
twice or different.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.command import above_zero, as_command, zero_or_more
from benchmarks.output import percent, show, tell
from benchmarks.ray_archive.archive import Archive, make
from benchmarks.ray_archive.data import LIMIT_S, OURS, RAY_DATA, with_a_machine_less
from benchmarks.ray_archive.parts import Parts, parts_of
from benchmarks.ray_archive.runs import COMMANDS, RAY, RECOGNISERS, WORKERS, Run, by_hand, kept, with_ray

LEAST = 0.9  # times the throughput of the rival
_FEW_SHORT, _FEW_LONG = 18, 2  # recordings for *data*
HAND, BY_RAY, KILLED, DATA = RUNS = ("hand", "ray", "killed", "data")
_NAMES = {
    HAND: "two workers by hand",
    BY_RAY: "`--ray`",
    KILLED: "`--ray`, a worker killed every so often",
}


def main() -> int:
    """Measure, print the tables. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", type=zero_or_more, default=500, help="recordings of 2 to 8 s (default 500)")
    parser.add_argument("--long", type=zero_or_more, default=5, help="long recordings (default 5)")
    parser.add_argument("--long-minutes", type=above_zero, default=30.0, help="minutes of each of them (default 30)")
    parser.add_argument("--kill-every-s", type=above_zero, default=20.0, help="seconds between two kills (default 20)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", nargs="+", choices=RUNS, default=list(RUNS), help="(default: all)")
    parser.add_argument("--folder", type=Path, help="keep here what has been measured (default: nothing is kept)")
    args = parser.parse_args()
    with _folder(args) as folder:
        tell("making the archive …")
        archive = make(folder / "calls", args.short, args.long, args.long_minutes, args.seed)
        tell(f"{archive.sound_s / 60:.0f} min of sound")
        runs = _measured(folder, archive, args)
        good = [*_show(runs, archive, f"{args.short} + {args.long}")]
        if DATA in args.runs:
            good += _show_pools(folder, args.seed)
    return 0 if all(good) else 1


@contextmanager
def _folder(args: argparse.Namespace) -> Iterator[Path]:
    """Where the runs of such an archive are kept; what they have written goes."""
    with tempfile.TemporaryDirectory(prefix="huiyin-bench-") as scratch:
        name = f"{args.short}-{args.long}-{args.long_minutes:g}-{args.kill_every_s:g}-{args.seed}"
        folder = (args.folder or Path(scratch)).resolve() / name
        folder.mkdir(parents=True, exist_ok=True)
        try:
            yield folder
        finally:
            for each in folder.iterdir():
                if each.is_dir():
                    shutil.rmtree(each, ignore_errors=True)


def _measured(folder: Path, archive: Archive, args: argparse.Namespace) -> dict[str, Run]:
    makers = {
        HAND: lambda: by_hand(folder / HAND, archive),
        BY_RAY: lambda: with_ray(folder / BY_RAY, archive),
        KILLED: lambda: with_ray(folder / KILLED, archive, args.kill_every_s, args.seed),
    }
    there = [name for name in makers if name in args.runs or (folder / f"{name}.json").exists()]
    return {name: kept(folder / f"{name}.json", _NAMES[name], makers[name]) for name in there}


def _show(runs: Mapping[str, Run], archive: Archive, count: str) -> Iterator[bool]:
    """Print what came of them. Gives whether each is as it should be."""
    if not runs:
        return
    rival = runs.get(HAND)
    heads = (f"{count} recordings, {archive.sound_s / 3600:.2f} h", "time", "× real time", "of by hand", "kills",
             "same results", "pieces", "recognised again")  # fmt: skip
    show(heads, [_row(_NAMES[name], run, rival, archive.sound_s) for name, run in runs.items()])
    whole = {name: run for name, run in runs.items() if not run.kills}
    if whole:
        show(("what the time consists of", *(_NAMES[name] for name in whole)), _consists_of(whole))
    if rival is None:
        return
    for name in (BY_RAY, KILLED):
        if name in runs:
            yield runs[name].is_right(rival)
    if BY_RAY in runs:
        ratio = rival.took_s / runs[BY_RAY].took_s
        tell(f"by hand / Ray: {ratio:.2f} (≥ {LEAST}); {'reached' if ratio >= LEAST else 'NOT reached'}")
        yield ratio >= LEAST


def _row(name: str, run: Run, rival: Run | None, sound_s: float) -> list[str | None]:
    ratio, same, again = None, None, None
    if rival:
        again = str(len(run.pieces) - len(rival.pieces))
        ratio = f"{rival.took_s / run.took_s:.2f}"
        same = f"{sum(run.results.get(key) == one for key, one in rival.results.items())} of {len(rival.results)}"
    speed = f"{sound_s / run.took_s:.1f}"
    return [name, f"{run.took_s:.0f} s", speed, ratio, str(run.kills), same, str(len(run.pieces)), again]


def _consists_of(runs: Mapping[str, Run]) -> Iterator[list[str | None]]:
    parts = [parts_of(run) for run in runs.values()]

    def row(what: str, *cells: str | None) -> list[str | None]:
        return [what, *cells]

    def seconds(what: str, name: str) -> list[str | None]:
        values = [getattr(each, name) for each in parts]
        return row(what, *(None if value is None else f"{value:.1f} s" for value in values))

    yield seconds("start: Ray", "ray_s")
    yield seconds("start: programs", "place_s")
    yield seconds("start: models, until both recognise", "model_s")
    yield seconds("both have work", "work_s")
    yield seconds("one has none left", "tail_s")
    yield seconds("end of the command", "end_s")
    yield row("recognising, of start and end apart", *(percent(each.busy) for each in parts))
    yield seconds("… seconds of both", "recognising_s")
    yield row("from piece to piece, p50", *(_milliseconds(each) for each in parts))
    for kind in (RECOGNISERS, WORKERS, COMMANDS, RAY):
        yield row(f"processor: {kind}", *(f"{run.cpu_s.get(kind, 0.0):.1f} s" for run in runs.values()))


def _milliseconds(parts: Parts) -> str | None:
    return None if parts.between_ms is None else f"{parts.between_ms:.0f} ms"


def _show_pools(folder: Path, seed: int) -> Iterator[bool]:
    """Print how our pool of workers and Ray Data's fare when a machine ends. Gives whether ours is right."""
    archive = make(folder / "few", _FEW_SHORT, _FEW_LONG, 1.0, seed)
    rows: list[list[str | None]] = []
    for name in (OURS, RAY_DATA):
        tell(f"{name}: a machine ends …")
        ended = with_a_machine_less(folder / "pool", archive, name)
        took = f"not within {LIMIT_S:.0f} s" if ended.took_s is None else f"{ended.took_s:.0f} s"
        rows.append([name, took, f"{ended.done} of {_FEW_SHORT + _FEW_LONG}", str(ended.again)])
        if name == OURS:
            yield ended.took_s is not None
    show(("two machines, of which one ends", "over after it", "done", "recognised again"), rows)


if __name__ == "__main__":
    as_command(main)
