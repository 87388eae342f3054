"""What the time of a run consists of, by when its services recognised which piece."""

from __future__ import annotations

import itertools
import statistics
from dataclasses import dataclass

from benchmarks.ray_archive.runs import Run

_WORKERS = 2


@dataclass(frozen=True)
class Parts:
    """Seconds of a run, one after the other, up to `end_s`; and what is in them."""

    ray_s: float | None
    """From the command to Ray's being there."""
    place_s: float
    """Then, or from the command, until both speech services are started: processes of Ray's, our programs in them."""
    model_s: float
    """Until both recognise: the services start, and load their models."""
    work_s: float
    """Both workers have work."""
    tail_s: float
    """From the last piece of one worker to the last of the other."""
    end_s: float
    """From the last piece to the end of the command."""
    recognising_s: float
    """Of both workers together, since both have work."""
    between_ms: float | None
    """From a piece to the next of the same worker, median: the result, the journal, the next recording."""

    @property
    def busy(self) -> float:
        """Share of the time of both workers, start and end apart, in which they recognise."""
        return self.recognising_s / (_WORKERS * (self.work_s + self.tail_s))


def parts_of(run: Run) -> Parts:
    """Of a run in which no worker was killed."""
    calls: dict[int, list[tuple[float, float]]] = {}
    for piece in run.pieces:
        calls.setdefault(piece.service, []).append((piece.begin_s, piece.end_s))
    turns = [sorted(set(each)) for each in calls.values()]  # pieces of a batch have the same times
    first_s = max(each[0][0] for each in turns)
    lasts_s = sorted(each[-1][1] for each in turns)
    between_s = [after[0] - before[1] for each in turns for before, after in itertools.pairwise(each)]
    return Parts(
        ray_s=run.connected_s - run.began_s if run.connected_s else None,
        place_s=run.started_s - (run.connected_s or run.began_s),
        model_s=first_s - run.started_s,
        work_s=lasts_s[0] - first_s,
        tail_s=lasts_s[-1] - lasts_s[0],
        end_s=run.ended_s - lasts_s[-1],
        recognising_s=sum(max(0.0, end_s - max(begin_s, first_s)) for each in turns for begin_s, end_s in each),
        between_ms=1000 * statistics.median(between_s) if between_s else None,
    )
