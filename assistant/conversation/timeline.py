"""The picture of a conversation: who speaks when, each stage's bars, and the latency between the two."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from huiyin.configs.messages import said, text

# Pixels: twice as many as a screen of ordinary density needs.
_PX_PER_S = 112
_LEFT = 192
_RIGHT = 48
_TOP = 92
_LANE = 80  # height
_BAR = 44  # height
_FONT = 26
_TITLE = 44  # height of a line above the picture
_BETWEEN = 3  # two bars
_CROSS = 9  # half its width

_ROW_S = 24.0  # in one row of lanes, about
_SHORTEST_S = 4.0
_LANES = {
    "user": "shown.lane_user",
    "asr": "shown.lane_asr",
    "llm": "shown.lane_llm",
    "tts": "shown.lane_tts",
    "assistant": "shown.lane_assistant",
}
_COLOURS = {
    "user": "#2f6fb2",
    "asr": "#8c6bb1",
    "llm": "#d08a2e",
    "tts": "#4f9d69",
    "assistant": "#c0504d",
    "latency": "#222222",
    "stop": "#111111",
    "failure": "#d00000",
    "grid": "#e3e3e3",
    "label": "#555555",
}
_CJK_FONTS = (
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "/System/Library/Fonts/STHeiti Light.ttc",
    "C:/Windows/Fonts/msyh.ttc",
)


def font_of(size: int) -> tuple[ImageFont.FreeTypeFont | ImageFont.ImageFont, bool]:
    """(a font, whether it knows Chinese)."""
    for path in _CJK_FONTS:
        if Path(path).is_file():
            return ImageFont.truetype(path, size), True
    return ImageFont.load_default(size), False


class Picture:
    """Spans of time on lanes that continue row by row, like lines of text."""

    def __init__(self, length_s: float, title: str = "", failures: Sequence[str] = ()) -> None:
        """`failures`: lines in red below the title."""
        self._rows = max(1, round(length_s / _ROW_S))
        self._row_s = max(_SHORTEST_S, float(math.ceil(length_s / self._rows)))
        self._row_height = _TOP + _LANE * len(_LANES) + 20
        lines = [(title, "latency"), *((line, "failure") for line in failures)] if title else []
        self._head = _TITLE * len(lines)
        width = _LEFT + round(self._row_s * _PX_PER_S) + _RIGHT
        self._image = Image.new("RGB", (width, self._head + self._rows * self._row_height), "white")
        self._draw = ImageDraw.Draw(self._image)
        self._font, self.knows_chinese = font_of(_FONT)
        self._grid(length_s)
        for number, (line, colour) in enumerate(lines):
            shown = self._fitting(line, width - 2 * _RIGHT)
            self._draw.text((20, number * _TITLE + 20), shown, fill=_COLOURS[colour], font=self._font)

    def _grid(self, length_s: float) -> None:
        for row in range(self._rows):
            top = self._head + row * self._row_height + _TOP
            for i, key in enumerate(_LANES.values()):
                name = said(key) if self.knows_chinese else text(key, {}, "en")
                self._draw.text((20, top + i * _LANE + 6), name, fill=_COLOURS["label"], font=self._font)
            for second in range(int(self._row_s) + 1):
                at = row * self._row_s + second
                if at > length_s + 1:
                    break
                x = _LEFT + second * _PX_PER_S
                self._draw.line([(x, top - 12), (x, top + _LANE * len(_LANES) - 24)], fill=_COLOURS["grid"], width=2)
                self._draw.text((x - 12, top - 52), f"{at:.0f} s", fill=_COLOURS["label"], font=self._font)

    def bar(self, lane: str, start_s: float, end_s: float, text: str = "") -> None:
        """A span; broken where a row ends."""
        index = list(_LANES).index(lane)
        first_row = int(start_s // self._row_s)
        last_row = min(self._rows - 1, int(end_s // self._row_s))
        for row in range(first_row, last_row + 1):
            left_s = max(start_s, row * self._row_s)
            right_s = min(end_s, (row + 1) * self._row_s)
            x, y = self._place(left_s, row, index)
            x_end = max(x + 2 * _BETWEEN, self._place(right_s, row, index)[0])
            self._draw.rectangle([x, y, x_end - _BETWEEN, y + _BAR], fill=_COLOURS[lane])
            if text:
                self._draw.text((x + 8, y + 6), self._fitting(text, x_end - x - 16), fill="white", font=self._font)

    def mark(self, lane: str, at_s: float, text: str, *, failed: bool = False) -> None:
        """A cross on a lane and a word above it: something has ended there; red where that is a failure."""
        row = min(self._rows - 1, int(at_s // self._row_s))
        x, y = self._place(at_s, row, list(_LANES).index(lane))
        middle, colour = y + _BAR // 2, _COLOURS["failure" if failed else "stop"]
        for rise in (-_CROSS, _CROSS):
            self._draw.line([(x - _CROSS, middle - rise), (x + _CROSS, middle + rise)], fill=colour, width=5)
        shown = self._fitting(text, self._image.width - x - _RIGHT)
        self._draw.text((x - _CROSS, y - 34), shown, fill=colour, font=self._font)

    def latency(self, start_s: float, end_s: float) -> None:
        """An arrow from the end of the user's speech to the first sound of the reply."""
        row = int(start_s // self._row_s)
        x, y = self._place(start_s, row, 0)
        x_end = self._place(min(end_s, (row + 1) * self._row_s), row, 0)[0]
        middle = y + _BAR // 2
        self._draw.line([(x, middle), (x_end, middle)], fill=_COLOURS["latency"], width=4)
        self._draw.polygon(
            [(x_end, middle), (x_end - 14, middle - 8), (x_end - 14, middle + 8)], fill=_COLOURS["latency"]
        )
        text = f"{(end_s - start_s) * 1000:.0f} ms"
        self._draw.text((x + 8, y - 16), text, fill=_COLOURS["latency"], font=self._font)

    def png(self) -> bytes:
        """The picture as a file."""
        buffer = io.BytesIO()
        self._image.save(buffer, "PNG", optimize=True)
        return buffer.getvalue()

    def _place(self, at_s: float, row: int, lane: int) -> tuple[int, int]:
        x = _LEFT + round((at_s - row * self._row_s) * _PX_PER_S)
        return x, self._head + row * self._row_height + _TOP + lane * _LANE

    def _fitting(self, text: str, width: float) -> str:
        text = " ".join(text.split())  # a clause may span two paragraphs, and Pillow measures single lines alone
        if not self.knows_chinese and not text.isascii():
            return ""
        if self._draw.textlength(text, font=self._font) <= width:
            return text
        while text and self._draw.textlength(f"{text}…", font=self._font) > width:
            text = text[:-1]
        return f"{text.rstrip()}…" if text else ""
