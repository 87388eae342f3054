"""The report over many recordings: one HTML file that makes no request. Its figures are in it as JSON, too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huiyin.assistant.faces.cli.team_report.figures import Figures
from huiyin.configs.messages import colon, language
from huiyin.configs.tables import read_table
from huiyin.services.common.one_file_page import page_template

_HERE = Path(__file__).parent
_PAGE = page_template(_HERE)
_WORDS = read_table(_HERE / "words.toml")
_DATA = re.compile(r'<script type="application/json" id="figures">(.*?)</script>', re.DOTALL)

_MOST_SPEAKERS = 4  # columns; more people have too little in common between recordings
_MOST_MENTIONS = 2000  # rows: a browser sorts them at once
_DULL = ("neutral", "unknown")  # emotions without a column of their own


@dataclass(frozen=True)
class _Cell:
    text: str
    sort: float | str
    """What the column is sorted by."""
    note: str = ""
    """Why there is no figure."""
    bar: float = 0.0
    """Share of the cell's width that is coloured, 0 to 1."""


@dataclass(frozen=True)
class _Column:
    name: str
    cell: Callable[[Figures], _Cell]
    total: Callable[[Sequence[Figures]], str]


def page(title: str, rows: Sequence[Figures], without: Sequence[str], failed: Sequence[tuple[str, str]]) -> str:
    """The page. `without`: recordings without figures; `failed`: (recording, why)."""
    columns = list(_columns(rows))
    mentions = [(row.file, one) for row in rows for one in row.phrases or ()]
    return _PAGE.render(
        title=title,
        language=language(),
        data=json.dumps([row.as_dict() for row in rows], ensure_ascii=False).replace("<", "\\u003c"),
        columns=columns,
        rows=rows,
        without=without,
        failed=failed,
        hears=any(row.emotions or row.events for row in rows),
        mentions=mentions[:_MOST_MENTIONS],
        more=_word("page", "more").format(count=len(mentions) - _MOST_MENTIONS)
        if len(mentions) > _MOST_MENTIONS
        else "",
        word=lambda name: _word("page", name),
        phrase=lambda group: _word("phrase", group),
        clock=_clock,
    )


def read_figures(text: str) -> list[Figures]:
    """The figures in a report that was written before; none in any other text."""
    match = _DATA.search(text)
    try:
        return [Figures.of_dict(fields) for fields in json.loads(match[1])] if match else []
    except (ValueError, TypeError):
        return []


def _columns(rows: Sequence[Figures]) -> Iterable[_Column]:
    yield _Column(_word("page", "file"), lambda row: _Cell(row.file, row.file), lambda rows: _word("page", "all"))
    yield _Column(
        _word("page", "length"),
        lambda row: _Cell(_clock(row.length_s), row.length_s),
        lambda rows: _clock(sum(row.length_s for row in rows)),
    )
    for speaker in _speakers(rows):
        yield _talk(speaker)
    yield _Column(
        _word("page", "silence"),
        lambda row: _Cell(_percent(row.silence), row.silence, bar=row.silence),
        lambda rows: _percent(_mean([(row.silence, row.length_s) for row in rows])),
    )
    yield _Column(_word("page", "interruptions"), _interruptions, _all_interruptions)
    emotions = _labels(row.emotions for row in rows)
    for label in (label for label in emotions if label not in _DULL):
        yield _emotion(label)
    if not emotions:
        yield _unknown("emotion", "not_heard")
    events = _labels(row.events for row in rows)
    for label in events:
        yield _count("event", label, lambda row: row.events, "not_heard")
    if not events and any(row.events is None for row in rows):
        yield _unknown("events", "not_heard")
    for group in _labels(_groups(row) for row in rows):
        yield _count("phrase", group, _groups, "not_asked")
    yield _Column(_word("page", "recogniser"), lambda row: _Cell(row.model, row.model), lambda rows: "")


def _speakers(rows: Sequence[Figures]) -> list[str]:
    """Who has a column: who speaks most, of all recordings together."""
    seconds: dict[str, float] = {}
    for row in rows:
        for speaker, talk_s in row.talk_s.items():
            seconds[speaker] = seconds.get(speaker, 0.0) + talk_s
    most = sorted(seconds, key=lambda speaker: -seconds[speaker])[:_MOST_SPEAKERS]
    return sorted(most)


def _talk(speaker: str) -> _Column:
    def cell(row: Figures) -> _Cell:
        share = row.talk_s.get(speaker, 0.0) / (sum(row.talk_s.values()) or 1.0) if speaker else 1 - row.silence
        return _Cell(_percent(share), share, bar=share) if speaker in row.talk_s else _Cell("", -1.0)

    def total(rows: Sequence[Figures]) -> str:
        all_s = sum(sum(row.talk_s.values()) if speaker else row.length_s for row in rows if speaker in row.talk_s)
        return _percent(sum(row.talk_s.get(speaker, 0.0) for row in rows) / (all_s or 1.0))

    return _Column(f"{_word('page', 'talk')}{colon()}{speaker}" if speaker else _word("page", "speech"), cell, total)


def _interruptions(row: Figures) -> _Cell:
    if row.interruptions is None:
        return _Cell("–", -1.0, _word("page", "not_told"))
    by_whom = ", ".join(f"{speaker} {count}" for speaker, count in row.interruptions.items() if count)
    return _Cell(by_whom or "0", float(sum(row.interruptions.values())))


def _all_interruptions(rows: Sequence[Figures]) -> str:
    known = [sum(row.interruptions.values()) for row in rows if row.interruptions is not None]
    return str(sum(known)) if known else ""


def _emotion(label: str) -> _Column:
    def cell(row: Figures) -> _Cell:
        if row.emotions is None:
            return _Cell("–", -1.0, _word("page", "not_heard"))
        share = row.emotions.get(label, 0.0)
        return _Cell(_percent(share), share, bar=share)

    def total(rows: Sequence[Figures]) -> str:
        heard = [(row.emotions.get(label, 0.0), sum(row.talk_s.values())) for row in rows if row.emotions is not None]
        return _percent(_mean(heard))

    return _Column(_word("emotion", label), cell, total)


def _count(kind: str, label: str, of: Callable[[Figures], Mapping[str, int] | None], why_not: str) -> _Column:
    def cell(row: Figures) -> _Cell:
        counts = of(row)
        if counts is None:
            return _Cell("–", -1.0, _word("page", why_not))
        return _Cell(str(counts.get(label, 0)), float(counts.get(label, 0)))

    def total(rows: Sequence[Figures]) -> str:
        return str(sum((of(row) or {}).get(label, 0) for row in rows))

    return _Column(_word(kind, label), cell, total)


def _unknown(name: str, why: str) -> _Column:
    return _Column(_word("page", name), lambda row: _Cell(_word("page", why), 0.0), lambda rows: "")


def _groups(row: Figures) -> dict[str, int] | None:
    """Group of key phrases -> how often one is said."""
    if row.phrases is None:
        return None
    counts: dict[str, int] = {}
    for one in row.phrases:
        counts[one["group"]] = counts.get(one["group"], 0) + 1
    return counts


def _labels(mappings: Iterable[Mapping[str, Any] | None]) -> list[str]:
    return list(dict.fromkeys(label for mapping in mappings for label in mapping or ()))


def _mean(parts: Sequence[tuple[float, float]]) -> float:
    """Of (value, weight)."""
    weight = sum(weight for _, weight in parts)
    return sum(value * weight for value, weight in parts) / weight if weight else 0.0


def _word(kind: str, name: str) -> str:
    english, chinese = _WORDS[kind].get(name, (name, name))
    return str(chinese if language() == "zh" else english)


def _percent(share: float) -> str:
    return f"{share:.0%}" if language() == "zh" else f"{100 * share:.0f} %"


def _clock(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"
