"""The picture of `huiyin bench agent`: each figure a row, each agent a mark with its interval."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from PIL import Image, ImageDraw

from huiyin.assistant.conversation.timeline import font_of
from huiyin.assistant.scenario.agents.scores import SCORES, Played, Value, value_of
from huiyin.configs.messages import said, text

# Pixels.
_LEFT, _RIGHT, _TOP, _BOTTOM = 300, 90, 44, 16
_SCALE = 420  # length of a row's axis
_LINE = 18  # height of an agent in a row
_BETWEEN = 14  # rows
_DOT = 5  # radius
_COLOURS = ("#2f6fb2", "#c0504d", "#4f9d69", "#8c6bb1", "#d08a2e")
_GREY, _DARK = "#d8d8d8", "#333333"
_FONT = 13
_STEP_MS = 1000  # the axis of a time ends at a whole second


def chart(agents: Mapping[str, Sequence[Played]]) -> bytes:
    """A PNG. Shares go from 0 to 1, times from 0 to the next whole second."""
    rows = [(score, [value_of(score, plays) for plays in agents.values()]) for score in SCORES]
    row_height = _LINE * len(agents) + _BETWEEN
    size = (_LEFT + _SCALE + _RIGHT, _TOP + row_height * len(rows) + _BOTTOM)
    image = Image.new("RGB", size, "white")
    draw, (font, knows_chinese) = ImageDraw.Draw(image), font_of(_FONT)
    x = 10
    for i, name in enumerate(agents):
        colour = _COLOURS[i % len(_COLOURS)]
        draw.ellipse([x, 14, x + 2 * _DOT, 14 + 2 * _DOT], fill=colour)
        draw.text((x + 16, 10), name, fill=_DARK, font=font)
        x += 40 + round(draw.textlength(name, font=font))
    for row, (score, values) in enumerate(rows):
        top = _TOP + row * row_height
        most = max((value.high or 0.0 for value in values), default=0.0)
        full = _STEP_MS * max(1, -(-most // _STEP_MS)) if score.is_time else 1.0
        draw.text((10, top), said(score.key) if knows_chinese else text(score.key, {}, "en"), fill=_DARK, font=font)
        draw.text((_LEFT + _SCALE + 8, top), f"{full:g}", fill=_DARK, font=font)
        draw.line([(_LEFT, top + row_height - 8), (_LEFT + _SCALE, top + row_height - 8)], fill=_GREY)
        for i, value in enumerate(values):
            _mark(draw, value, full, top + i * _LINE + _LINE // 2, _COLOURS[i % len(_COLOURS)])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _mark(draw: ImageDraw.ImageDraw, value: Value, full: float, y: int, colour: str) -> None:
    if value.value is None or value.low is None or value.high is None:
        return
    low, x, high = (_LEFT + round(_SCALE * each / full) for each in (value.low, value.value, value.high))
    draw.line([(low, y), (high, y)], fill=colour, width=2)
    draw.ellipse([x - _DOT, y - _DOT, x + _DOT, y + _DOT], fill=colour)
