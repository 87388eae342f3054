"""The figures of `benchmarks.latency`: latency and cut-offs, neither without the other, as text and as a picture."""

from __future__ import annotations

import io
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw, ImageFont

TARGET_OF_LIMIT, TARGET_OF_PEER, TARGET_CUT_OFFS = 1.10, 0.65, 0.05
_PARTS = ("hear", "asr", "llm", "tts", "hold", "play")
_EDGE_S = 0.010  # what is heard is known in steps of this length


@dataclass(frozen=True)
class Measurement:
    """What one side made of one utterance; times in seconds.

    `is_cut_off`: a reply was audible before the user was done. `latency_s`: from the last sample of the user's speech
    to the first audible one of the reply; None where the user was cut off, or nothing was answered.
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


def judged(audible: Sequence[float], end_s: float) -> tuple[bool, float | None]:
    """(is cut off, latency) of a reply that was audible at these times, to somebody who spoke until `end_s`."""
    if not audible:
        return False, None
    if audible[0] < end_s - _EDGE_S:
        return True, None
    return False, audible[0] - end_s


def percentile(values: Sequence[float], share: float) -> float:
    """Linear between the two nearest ranks; nan of nothing."""
    if not values:
        return math.nan
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


@dataclass(frozen=True)
class Row:
    """One line of the table: medians over the runs."""

    side: str
    language: str
    utterances: int
    p50_s: float
    p95_s: float
    cut_offs: float  # share of the utterances
    unanswered: int


def row(heard: Sequence[Measurement], side: str, language: str) -> Row:
    """`side`'s figures on the utterances of `language` ('all': both)."""
    mine = [h for h in heard if h.side == side and language in ("all", h.language)]

    def over_runs(figure: Callable[[list[Measurement]], float]) -> float:
        return statistics.median(figure([h for h in mine if h.run == run]) for run in {h.run for h in mine})

    def latency(share: float) -> Callable[[list[Measurement]], float]:
        return lambda some: percentile([h.latency_s for h in some if h.latency_s is not None], share)

    return Row(
        side,
        language,
        len({h.utterance for h in mine}),
        over_runs(latency(0.5)),
        over_runs(latency(0.95)),
        over_runs(lambda some: sum(h.is_cut_off for h in some) / len(some)),
        sum(h.latency_s is None and not h.is_cut_off for h in mine),
    )


def table(heard: Sequence[Measurement]) -> str:
    """All figures, for the screen."""
    sides = list(dict.fromkeys(h.side for h in heard))
    lines = [f"{'':<10}{'language':<10}{'utterances':>11}{'p50':>10}{'p95':>10}{'cut-offs':>10}{'unanswered':>12}"]
    for side in sides:
        for language in ("all", *sorted({h.language for h in heard}, reverse=True)):
            r = row(heard, side, language)
            lines.append(
                f"{side:<10}{language:<10}{r.utterances:>11}{r.p50_s * 1000:>7.0f} ms{r.p95_s * 1000:>7.0f} ms"
                f"{r.cut_offs:>9.1%}{r.unanswered:>12}"
            )
    lines += ["", *_against_the_limit(heard)]
    if len(sides) > 1:
        lines += _against_the_peer(heard, *sides[:2])
    lines += [*_where_it_went(heard), *_cut_offs(heard)]
    return "\n".join(lines)


def _verdict(is_reached: bool) -> str:
    return "reached" if is_reached else "NOT reached"


def _against_the_limit(heard: Sequence[Measurement]) -> list[str]:
    known = [h for h in heard if h.limit_s is not None and h.latency_s is not None]
    if not known:
        return []
    limit, mine = (statistics.median(v) for v in zip(*((h.limit_s, h.latency_s) for h in known), strict=True))
    waits = [h for h in known if h.wait_s == h.limit_s]
    cut_offs = row(heard, known[0].side, "all").cut_offs
    return [
        f"limit p50 {limit * 1000:.0f} ms = max(endpoint wait, 96 ms + services to the first clause's sound); the wait "
        f"is the larger in {len(waits) / len(known):.0%}",
        f"p50 / limit   {mine / limit:.2f}   (target <= {TARGET_OF_LIMIT:.2f}: "
        f"{_verdict(mine / limit <= TARGET_OF_LIMIT)})",
        f"cut-offs      {cut_offs:.1%}   (target <= {TARGET_CUT_OFFS:.0%}: {_verdict(cut_offs <= TARGET_CUT_OFFS)})",
    ]


def _against_the_peer(heard: Sequence[Measurement], mine: str, theirs: str) -> list[str]:
    a, b = row(heard, mine, "all"), row(heard, theirs, "all")
    ratio = a.p50_s / b.p50_s
    is_reached = ratio <= TARGET_OF_PEER and a.cut_offs <= b.cut_offs
    return [
        f"p50 / {theirs} {ratio:.2f}   (target <= {TARGET_OF_PEER:.2f}, and no more cut-offs: {a.cut_offs:.1%} against "
        f"{b.cut_offs:.1%}: {_verdict(is_reached)})"
    ]


def _where_it_went(heard: Sequence[Measurement]) -> list[str]:
    known = [h for h in heard if h.parts and h.latency_s is not None]
    if not known:
        return []
    spent, least = (
        "".join(f"{statistics.median(parts(h).get(name, 0.0) for h in known) * 1000:8.0f}" for name in _PARTS)
        for parts in (lambda h: h.parts, lambda h: h.least)
    )
    return [
        "",
        f"{'median ms':<12}" + "".join(f"{name:>8}" for name in _PARTS),
        f"{known[0].side:<12}{spent}",
        f"{'at least':<12}{least}",
        "hear: end of speech to the start of recognition; llm: to the first clause; tts: to its first sound;",
        "hold: sound ready, waiting for the pause to last; play: to the first audible sample",
        *_over_the_limit(known),
    ]


def _over_the_limit(known: Sequence[Measurement]) -> list[str]:
    """How much later than the limit, apart for those that waited for the services and those for the pause."""
    lines = []
    for reason, some in (
        ("the services take longer", [h for h in known if h.limit_s != h.wait_s]),
        ("the pause takes longer", [h for h in known if h.limit_s == h.wait_s]),
    ):
        over = [h.latency_s - h.limit_s for h in some if h.latency_s is not None and h.limit_s is not None]
        if over:
            parts = ", ".join(
                f"{name} {statistics.median(h.parts[name] - h.least.get(name, 0.0) for h in some) * 1000:+.0f}"
                for name in ("hear", "asr", "llm", "tts", "play")
            )
            detail = f" ({parts})" if reason.startswith("the services") else ""
            lines.append(
                f"where {reason} ({len(over)} of {len(known)}), over the limit by "
                f"{statistics.median(over) * 1000:.0f} ms{detail}"
            )
    return lines


def _cut_offs(heard: Sequence[Measurement]) -> list[str]:
    lines = []
    for side in dict.fromkeys(h.side for h in heard):
        names = sorted({h.utterance for h in heard if h.side == side and h.is_cut_off})
        if names:
            lines += ["", f"{side} cut off:", *(f"  {name}" for name in names)]
    return lines


_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 860, 430, 60, 60, 30, 46
_COLOURS = {"huiyin": "#2f6fb2", "pipecat": "#d08a2e", "limit": "#9a9a9a"}
_TICK_S = 0.25


def draw(heard: Sequence[Measurement], title: str) -> bytes:
    """A PNG: the share of replies that have begun, over the time since the user's last sample."""
    curves = {side: [h.latency_s for h in heard if h.side == side] for side in dict.fromkeys(h.side for h in heard)}
    curves["limit"] = [h.limit_s for h in heard if h.latency_s is not None]
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
            label += f", {row(heard, name, 'all').cut_offs:.1%} cut off"
        x, y = place(longest_s, 0.4 - 0.1 * number)
        pen.text((x - 250, y), label, fill=colour, font=large)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
