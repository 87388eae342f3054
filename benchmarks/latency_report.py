"""The figures of `benchmarks.latency`: latency and cut-offs, neither without the other, as text and as a picture."""

from __future__ import annotations

import io
import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.latency_intervals import Interval, of_percentile, of_share
from benchmarks.latency_sides import Answer
from benchmarks.latency_speech import BenchmarkUtterance
from benchmarks.output import percent, source, table

TARGET_OF_LIMIT = 1.10
TARGET_BEYOND_S = {"realtime": 0.060, "page": 0.160}  # on loopback, beyond the desktop loop's latency
TARGET_OF_PEERS_SERVER = 0.70
PEERS = ("pipecat", "livekit", "pipecat-ws")
_PARTS = ("hear", "asr", "llm", "tts", "hold", "play")
_EDGE_S = 0.010  # it is known which steps of this length are audible


@dataclass(frozen=True)
class Targets:
    """`of_peer`: p50 as a share of pipecat's. `cut_offs`: of the utterances."""

    of_peer: float = 0.65
    cut_offs: float = 0.05


USUAL = Targets()
HELD_OUT = Targets(of_peer=0.62, cut_offs=0.025)


@dataclass(frozen=True)
class Measurement:
    """One side's answer to one utterance; times in seconds.

    `is_cut_off`: a reply was audible before the user was done. `latency_s`: from the last sample of the user's speech
    to the first audible one of the reply; None where the user was cut off, or nothing was answered. `is_lost`: the
    connection broke meanwhile; that is counted as unanswered, never as a cut-off.
    """

    run: int
    side: str
    utterance: str
    language: str
    is_cut_off: bool
    latency_s: float | None
    limit_s: float | None = None
    wait_s: float | None = None
    parts: dict[str, float] = field(default_factory=dict)
    least: dict[str, float] = field(default_factory=dict)
    is_lost: bool = False


def outcome(audible: Sequence[float], end_s: float) -> tuple[bool, float | None]:
    """(is cut off, latency) of a reply that was audible at these times, to a user who spoke until `end_s`."""
    if not audible:
        return False, None
    if audible[0] < end_s - _EDGE_S:
        return True, None
    return False, audible[0] - end_s


def measurement(run: int, side: str, utterance: BenchmarkUtterance, answer: Answer) -> Measurement:
    """What is counted of an answer."""
    is_lost = answer.is_lost
    is_cut_off, latency_s = outcome([] if is_lost else answer.audible, utterance.duration_s)
    limit_s, wait_s, parts, least = answer.limit_s, answer.wait_s, answer.parts, answer.least
    name, language = utterance.name, utterance.language
    return Measurement(run, side, name, language, is_cut_off, latency_s, limit_s, wait_s, parts, least, is_lost)


def percentile(values: Sequence[float], share: float) -> float:
    """Linear between the two nearest ranks; nan of nothing."""
    return float(np.quantile(values, share)) if values else math.nan


@dataclass(frozen=True)
class Row:
    """One line of the table: medians over the runs, and their 95 % intervals."""

    side: str
    language: str
    utterances: int
    p50_s: float
    p50_between_s: Interval
    p95_s: float
    p95_between_s: Interval
    cut_offs: float  # share of the utterances
    cut_offs_between: Interval
    unanswered: int


def row(measured: Sequence[Measurement], side: str, language: str) -> Row:
    """`side`'s figures on the utterances of `language` ('all': both)."""
    mine = [m for m in measured if m.side == side and language in ("all", m.language)]

    def over_runs(figure: Callable[[list[Measurement]], float]) -> float:
        return statistics.median(figure([m for m in mine if m.run == run]) for run in {m.run for m in mine})

    def latency(share: float) -> Callable[[list[Measurement]], float]:
        return lambda some: percentile([m.latency_s for m in some if m.latency_s is not None], share)

    utterances = sorted({m.utterance for m in mine})
    latencies_s = [[m.latency_s for m in mine if m.utterance == u and m.latency_s is not None] for u in utterances]
    cut_offs = over_runs(lambda some: sum(m.is_cut_off for m in some) / len(some))
    return Row(
        side,
        language,
        len(utterances),
        over_runs(latency(0.5)),
        of_percentile(latencies_s, 0.5),
        over_runs(latency(0.95)),
        of_percentile(latencies_s, 0.95),
        cut_offs,
        of_share(cut_offs, len(utterances)),
        sum(m.latency_s is None and not m.is_cut_off for m in mine),
    )


def report(measured: Sequence[Measurement], about: Mapping[str, str] | None = None, *, targets: Targets = USUAL) -> str:
    """All figures. `about`: for each side what one must know beside them."""
    return "\n".join(_lines(measured, about or {}, targets))


def _lines(measured: Sequence[Measurement], about: Mapping[str, str], targets: Targets) -> Iterator[str]:
    sides = list(dict.fromkeys(m.side for m in measured))
    languages = ("all", *sorted({m.language for m in measured}, reverse=True))
    yield from ("", source())
    heads = ("side", "language", "utterances", "p50 (95 %)", "p95 (95 %)", "cut-offs (95 %)", "unanswered")
    yield from table(heads, (_cells(row(measured, side, language)) for side in sides for language in languages))
    yield from ("", *(f"{side}: {words}" for side, words in about.items()))
    if peers := [side for side in sides if side in PEERS]:
        yield from ("", source())
        yield from table(("p50, as a share of", *peers), _shares(measured, sides, peers))
    answered = [m for m in measured if m.limit_s is not None and m.latency_s is not None]
    if reached := [*_targets(measured, answered, sides, targets), *_beside_peers_servers(measured, sides)]:
        yield from ("", source())
        yield from table(("target", "", "reached?"), reached)
    with_parts = [m for m in measured if m.parts and m.latency_s is not None]
    if with_parts:
        yield from ("", source())
        yield from table(("median, ms", *_PARTS), _where_it_went(with_parts))
        yield "hear: end of speech to the start of recognition; llm: to the first clause; tts: to its first sound;"
        yield "hold: sound ready, waiting for the pause to last; play: to the first audible sample"
        yield from _over_the_limit(with_parts)
    for side in sides:
        names = sorted({m.utterance for m in measured if m.side == side and m.is_cut_off})
        yield from ("", f"{side} cut off {len(names)}:", *(f"  {name}" for name in names))


def _cells(r: Row) -> list[str]:
    latencies = (
        f"{value_s * 1000:.0f} ms ({low_s * 1000:.0f}–{high_s * 1000:.0f})"
        for value_s, (low_s, high_s) in ((r.p50_s, r.p50_between_s), (r.p95_s, r.p95_between_s))
    )
    low, high = r.cut_offs_between
    cut_offs = f"{percent(r.cut_offs)} ({100 * low:.1f}–{100 * high:.1f})"
    return [r.side, r.language, str(r.utterances), *latencies, cut_offs, str(r.unanswered)]


def _targets(
    measured: Sequence[Measurement], answered: Sequence[Measurement], sides: Sequence[str], targets: Targets
) -> Iterator[list[str]]:
    """Of the desktop loop. `answered`: the measurements with a limit and a latency, which are its own."""
    if not answered:
        return
    limit_s, latency_s = (statistics.median(v) for v in zip(*((m.limit_s, m.latency_s) for m in answered), strict=True))
    mine = row(measured, answered[0].side, "all")
    ratio = latency_s / limit_s
    least = f"p50 ≤ {TARGET_OF_LIMIT:.2f} × the limit ({limit_s * 1000:.0f} ms)"
    yield [least, f"{ratio:.2f}", _verdict(ratio <= TARGET_OF_LIMIT)]
    cut_offs = f"cut-offs ≤ {percent(targets.cut_offs)}"
    yield [cut_offs, percent(mine.cut_offs), _verdict(mine.cut_offs <= targets.cut_offs)]
    if "pipecat" in sides:
        yield _beside(mine, row(measured, "pipecat", "all"), targets.of_peer)
    for side, target_s in TARGET_BEYOND_S.items():
        if side in sides:
            more_s = row(measured, side, "all").p50_s - mine.p50_s
            wanted = f"{side} p50 ≤ {mine.side}'s + {target_s * 1000:.0f} ms"
            yield [wanted, f"{more_s * 1000:+.0f} ms", _verdict(more_s <= target_s)]


def _beside_peers_servers(measured: Sequence[Measurement], sides: Sequence[str]) -> Iterator[list[str]]:
    for peer in ("pipecat-ws", "livekit"):
        if "realtime" in sides and peer in sides:
            remote = row(measured, "realtime", "all")
            yield _beside(remote, row(measured, peer, "all"), TARGET_OF_PEERS_SERVER)


def _shares(measured: Sequence[Measurement], sides: Sequence[str], peers: Sequence[str]) -> Iterator[list[str]]:
    """Each of ours beside each peer."""
    theirs = [row(measured, peer, "all").p50_s for peer in peers]
    for side in sides:
        if side not in peers:
            mine_s = row(measured, side, "all").p50_s
            yield [side, *(f"{mine_s / their_s:.2f}" for their_s in theirs)]


def _beside(mine: Row, theirs: Row, target: float) -> list[str]:
    ratio = mine.p50_s / theirs.p50_s
    verdict = _verdict(ratio <= target and mine.cut_offs <= theirs.cut_offs)
    values = f"{ratio:.2f}; {percent(mine.cut_offs)} against {percent(theirs.cut_offs)}"
    return [f"{mine.side} p50 ≤ {target:.2f} × {theirs.side}'s, with no more cut-offs", values, verdict]


def _verdict(is_reached: bool) -> str:
    return "reached" if is_reached else "NOT reached"


def _where_it_went(some: Sequence[Measurement]) -> Iterator[list[str]]:
    for name, parts in ((some[0].side, [m.parts for m in some]), ("at least", [m.least for m in some])):
        yield [name, *(f"{statistics.median(one.get(part, 0.0) for one in parts) * 1000:.0f}" for part in _PARTS)]


def _over_the_limit(measured: Sequence[Measurement]) -> Iterator[str]:
    """How much later than the limit, apart for those that waited for the services and those for the pause."""
    for reason, some in (
        ("the services", [m for m in measured if m.limit_s != m.wait_s]),
        ("the pause", [m for m in measured if m.limit_s == m.wait_s]),
    ):
        over_s = [m.latency_s - m.limit_s for m in some if m.latency_s is not None and m.limit_s is not None]
        if over_s:
            late = f"{statistics.median(over_s) * 1000:.0f} ms over the limit"
            yield f"where {reason} took longer ({len(over_s)} of {len(measured)}): {late}"


# Pixels.
_WIDTH = 860
_HEIGHT = 430
_LEFT = 60
_TOP = 60
_RIGHT = 30
_BOTTOM = 46
_COLOURS = {
    "huiyin": "#2f6fb2",
    "pipecat": "#d08a2e",
    "realtime": "#3f9a6b",
    "page": "#7d5fb2",
    "pipecat-ws": "#b0553f",
    "livekit": "#c25a8f",
    "limit": "#9a9a9a",
}
_TICK_S = 0.25


def draw(measured: Sequence[Measurement], title: str) -> bytes:
    """A PNG: the share of replies that have begun, over the time since the user's last sample."""
    curves = {
        side: [m.latency_s for m in measured if m.side == side] for side in dict.fromkeys(m.side for m in measured)
    }
    curves["limit"] = [m.limit_s for m in measured if m.latency_s is not None]
    known = {name: sorted(v for v in values if v is not None) for name, values in curves.items()}
    longest_s = max((percentile(values, 0.97) for values in known.values() if values), default=1.0)
    longest_s = max(1.0, math.ceil(longest_s / _TICK_S) * _TICK_S)
    image = Image.new("RGB", (_WIDTH, _HEIGHT), "white")
    pen, small, large = ImageDraw.Draw(image), ImageFont.load_default(13), ImageFont.load_default(16)

    def place(at_s: float, share: float) -> tuple[float, float]:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(at_s, longest_s) / longest_s
        return x, _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share

    pen.text((_LEFT, 12), title, fill="#111111", font=large)
    pen.text((_LEFT, 36), "share of replies begun, over the time since the user's last sample", "#666666", font=small)
    for tick in range(round(longest_s / _TICK_S) + 1):
        x, y = place(tick * _TICK_S, 0)
        pen.line([(x, y), place(tick * _TICK_S, 1)], fill="#e3e3e3")
        pen.text((x - 14, y + 8), f"{tick * _TICK_S:.2f} s", fill="#555555", font=small)
    for share in (0, 0.25, 0.5, 0.75, 1):
        pen.line([place(0, share), place(longest_s, share)], fill="#e3e3e3")
        pen.text((14, place(0, share)[1] - 7), f"{share:.0%}", fill="#555555", font=small)
    for number, (name, values) in enumerate((n, v) for n, v in known.items() if v):
        colour, points = _COLOURS.get(name, "#555555"), [place(values[0], 0)]
        for i, value in enumerate(values):
            points += [place(value, i / len(values)), place(value, (i + 1) / len(values))]
        pen.line(points, fill=colour, width=2 if name == "limit" else 3)
        label = f"{name}: p50 {percentile(values, 0.5) * 1000:.0f} ms"
        if name != "limit":
            label += f", {percent(row(measured, name, 'all').cut_offs)} cut off"
        x, y = place(longest_s, 0.4 - 0.1 * number)
        pen.text((x - 250, y), label, fill=colour, font=large)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
