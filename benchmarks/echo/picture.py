"""The picture of `huiyin bench echo`: a row a canceller, a panel a figure."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

# Pixels.
_LEFT = 110
_TOP = 64
_PANEL = 150
_GAP = 26
_ROW = 24
_BAR = 16
_HEADER = 30
_GRID, _LABEL, _TITLE = "#e3e3e3", "#333333", "#111111"
_COLOURS = {"off": "#9a9a9a", "speex": "#2f6fb2", "webrtc": "#d08a2e", "both": "#4f9d69"}

_PANELS = (
    (("first_15_s_false_per_min", "barge_ins_per_min"), "false per min, first 15 s", "fewer", "{:.1f}"),
    (("after_false_per_min",), "false per min, after", "fewer", "{:.1f}"),
    (("after_recall",), "recall, after", "more", "{:.2f}"),
    (("after_median_ms",), "median, after, ms", "sooner", "{:.0f}"),
    (("erle_db",), "ERLE, dB", "more", "{:.0f}"),
    (("stoi",), "STOI, both speak", "more", "{:.2f}"),
)
"""Keys of a row in order of preference, title, what is better, format."""


def draw(rows: Sequence[dict[str, Any]]) -> bytes:
    """A PNG of the table's rows."""
    panels = [(key, *rest) for keys, *rest in _PANELS for key in keys if any(row.get(key) is not None for row in rows)]
    conditions = list(dict.fromkeys(row["condition"] for row in rows))
    height = _TOP + len(conditions) * _HEADER + len(rows) * _ROW + 20
    image = Image.new("RGB", (_LEFT + len(panels) * (_PANEL + _GAP), height), "white")
    pen, font, bold = ImageDraw.Draw(image), ImageFont.load_default(13), ImageFont.load_default(15)
    for i, (key, title, better, text) in enumerate(panels):
        x = _LEFT + i * (_PANEL + _GAP)
        pen.text((x, 14), title, fill=_TITLE, font=font)
        pen.text((x, 34), f"{better} is better", fill="#888888", font=font)
        most = max((row[key] for row in rows if row.get(key) is not None), default=1) or 1
        y = _TOP
        for condition in conditions:
            if i == 0:
                pen.text((10, y + 6), condition, fill=_TITLE, font=bold)
            y += _HEADER
            for row in (row for row in rows if row["condition"] == condition):
                if i == 0:
                    pen.text((24, y), row["canceller"], fill=_LABEL, font=font)
                _bar(pen, font, (x, y), row.get(key), most, text, _COLOURS.get(row["canceller"], "#777777"))
                y += _ROW
        pen.line([(x, _TOP + _HEADER - 4), (x, y)], fill=_GRID)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _bar(
    pen: ImageDraw.ImageDraw,
    font: Any,
    at: tuple[int, int],
    value: float | None,
    most: float,
    text: str,
    colour: str,
) -> None:
    x, y = at
    if value is None:
        pen.text((x + 6, y), "-", fill=_LABEL, font=font)
        return
    room = _PANEL - 44  # for the figure at its end
    length = max(1, round(room * max(0.0, value) / most))
    pen.rectangle([x + 1, y, x + length, y + _BAR], fill=colour)
    pen.text((x + length + 6, y), text.format(value), fill=_LABEL, font=font)
