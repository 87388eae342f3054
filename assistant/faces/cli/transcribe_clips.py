"""``huiyin transcribe --clips DIR``: highlights as sound: laughter, applause, anger, and what ``--phrases`` marks."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from huiyin.assistant.faces.cli.shared import output_file
from huiyin.assistant.faces.cli.transcribe_files import Named, Recording, result_on_disk
from huiyin.assistant.faces.cli.transcribe_summary import print_line, print_problem
from huiyin.configs.messages import said
from huiyin.services.common.highlights import EMOTIONS, SOUNDS

SUFFIX = ".mp3"
_AROUND_S = 0.5  # before and after: a laugh does not begin at its first loud moment
_ONE_S = 1.0  # the same again within so many seconds is one clip
_LONGEST_NAME = 40  # characters of a group of phrases in a file's name
_NOT_OF_NAMES = re.compile(r"[^\w]+")


@dataclass(frozen=True)
class Highlight:
    """What is worth hearing again. Times in seconds."""

    start_s: float
    end_s: float
    kind: str
    """A label of an event or emotion, or a group of key phrases."""
    speaker: str
    """'' if unknown, and for sounds."""
    text: str
    """What is said there."""


def highlights(result: Mapping[str, Any]) -> list[Highlight]:
    """Those of a result of ``/asr`` as JSON, in the order of time. What repeats or overlaps is one."""
    length_s = float(result["duration_s"])
    merged: dict[tuple[str, str], list[Highlight]] = {}
    for one in sorted(_all(result), key=lambda one: one.start_s):
        wide = replace(one, start_s=max(0.0, one.start_s - _AROUND_S), end_s=min(length_s, one.end_s + _AROUND_S))
        same = merged.setdefault((one.kind, one.speaker), [])
        if same and wide.start_s - same[-1].end_s <= _ONE_S:
            text = " ".join(filter(None, (same[-1].text, wide.text)))
            same[-1] = replace(same[-1], end_s=max(same[-1].end_s, wide.end_s), text=text)
        else:
            same.append(wide)
    return sorted((one for same in merged.values() for one in same), key=lambda one: (one.start_s, one.kind))


def _all(result: Mapping[str, Any]) -> Iterator[Highlight]:
    segments: Sequence[Mapping[str, Any]] = result["segments"]
    for event in result.get("events") or ():
        if event["label"] in SOUNDS:
            yield Highlight(event["start_s"], event["end_s"], event["label"], "", "")
    for segment in segments:
        if segment.get("emotion") and segment["emotion"]["label"] in EMOTIONS:
            yield _said(segment, segment["emotion"]["label"])
    for phrase in result.get("phrases") or ():
        yield _said(segments[phrase["segment"]], phrase["group"])


def _said(segment: Mapping[str, Any], kind: str) -> Highlight:
    return Highlight(segment["start_s"], segment["end_s"], kind, segment.get("speaker") or "", segment["text"])


class Clips:
    """Cuts the clips of each recording that is done."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def transcribed(self, recording: Recording, result: Mapping[str, Any]) -> None:
        """Of one more recording, whose result is here. Raises CommandError where one cannot be written."""
        if recording.clips is None:
            return
        hears = result.get("emotion") or result.get("events") or result.get("phrases") is not None
        if not hears:
            self._tell(recording.label, said("cli.no_highlights", model=result["model"]))
        _cut(recording.label, recording.path, _named(recording.clips, highlights(result)))

    def done_before(self, named: Named) -> None:
        """Those that are missing of one whose result is there, where that is JSON. Raises as `transcribed`."""
        if named.clips is None:
            return
        if result := result_on_disk(named.target):
            clips = _named(named.clips, highlights(result))
            _cut(named.label, named.path, {file: one for file, one in clips.items() if not file.exists()})
        else:
            self._tell(named.label, said("cli.clips_need_json"))

    def _tell(self, label: str, what: str) -> None:
        """Once is enough: the next recording has the same recogniser and format."""
        if what not in self._told:
            self._told.add(what)
            print_problem(label, what)


def _cut(label: str, path: Path, clips: Mapping[Path, Highlight]) -> None:
    from huiyin.services.common.audio import AudioReader  # slow to load
    from huiyin.services.common.clips import Stretch, cut
    from huiyin.services.common.errors import ApiError

    if not clips:
        return
    files = list(clips)
    stretches = [Stretch(one.start_s, one.end_s, one.text or one.kind) for one in clips.values()]
    try:
        files[0].parent.mkdir(parents=True, exist_ok=True)
        for number, sound in cut(AudioReader(path, float("inf")), stretches):
            with output_file(files[number]) as file:
                file.write(sound)
    except (ApiError, OSError) as error:
        print_problem(label, error)
    else:
        print_line(said("cli.clips", label=label, count=len(files), folder=files[0].parent), sys.stderr)


def _named(clips: Path, found: Sequence[Highlight]) -> dict[Path, Highlight]:
    """Files such as ``talk.00-12-05.laughter.mp3``, in the order of time."""
    named: dict[Path, Highlight] = {}
    for one in found:
        minutes, second = divmod(int(one.start_s), 60)
        hours, minutes = divmod(minutes, 60)
        parts = [clips.name, f"{hours:02}-{minutes:02}-{second:02}", _plain(one.kind), _plain(one.speaker)]
        stem = ".".join(filter(None, parts))
        file, number = clips.with_name(stem + SUFFIX), 1
        while file in named:
            number += 1
            file = clips.with_name(f"{stem}-{number}{SUFFIX}")
        named[file] = one
    return named


def _plain(name: str) -> str:
    return _NOT_OF_NAMES.sub("-", name).strip("-")[:_LONGEST_NAME]
