"""Which recordings ``huiyin transcribe`` was given, and where the result of each goes."""

from __future__ import annotations

import glob
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import IO, Any

from huiyin.assistant.faces.cli.shared import STDIN, CommandError, UsageError, check_writable

# A report's name is its own, so that talk.html beside talk.mp4 is never overwritten.
SUFFIXES = {
    "text": ".txt",
    "json": ".json",
    "srt": ".srt",
    "vtt": ".vtt",
    "csv": ".csv",
    "html": ".report.html",
    "chapters": ".chapters.vtt",
    "ffmetadata": ".ffmetadata",
}
SCREEN = "-"  # of --out: standard output
_ONE_EACH = ("srt", "vtt", "csv", "html", "chapters", "ffmetadata")  # two of them in one file make a broken one
_ENDINGS = {**{suffix: form for form, suffix in SUFFIXES.items()}, ".html": "html"}
_RESULTS = {f".{suffix.rpartition('.')[2]}" for suffix in SUFFIXES.values()}
# What -r takes for a recording. Any other file can be named.
_SOUND = (
    "wav",
    "mp3",
    "m4a",
    "m4b",
    "aac",
    "flac",
    "ogg",
    "oga",
    "opus",
    "wma",
    "amr",
    "aif",
    "aiff",
    "caf",
    "mka",
    "au",
)
_FILMS = ("mp4", "mov", "m4v", "mkv", "webm", "avi", "3gp", "mpg", "mpeg", "ts", "mts", "wmv", "flv")
_RECORDINGS = frozenset(f".{ending}" for ending in (*_SOUND, *_FILMS))


@dataclass(frozen=True)
class Named:
    """A recording as it was named: nothing of it has been read."""

    label: str
    """What the user calls it."""
    path: Path
    folder: Path = Path()
    """Of it, below the folder that was named: its result lies in the same one below the folder of results."""
    target: Path | None = None
    """The file of its result; None: the screen."""
    clips: Path | None = None
    """The beginning of the names of its clips; None: none are made."""

    @property
    def is_done(self) -> bool:
        """Whether its result is there, and not older than the recording."""
        if self.target is None or not self.path.is_file() or not self.target.is_file():
            return False
        return self.target.stat().st_mtime >= self.path.stat().st_mtime


@dataclass(frozen=True)
class Recording:
    """A recording to transcribe, which can be read."""

    label: str
    path: Path
    size: int
    target: Path | None
    clips: Path | None = None

    @property
    def name(self) -> str:
        """Of the file alone, as text; '' for standard input."""
        return title_of(self.label)


def form_of(where: str | None) -> str:
    """The format that the name of a result asks for: that of its longest known ending, else text."""
    name = (where or "").lower()
    fitting = [ending for ending in _ENDINGS if name.endswith(ending)]
    return _ENDINGS[max(fitting, key=len)] if fitting else "text"


def find(names: Sequence[str], *, recursive: bool) -> list[Named]:
    """The recordings that `names` stand for: files, patterns, and with `recursive` all in a folder.

    Raises UsageError for a pattern or folder without any. What is no file is left to `opened`.
    """
    found: list[Named] = []
    for name in names:
        path = _path(name)
        if name != STDIN and path.is_dir() and recursive:
            inside = list(_inside(path))
            if not inside:
                raise UsageError("cli.folder_without_recordings", folder=name)
            found += inside
        elif name != STDIN and glob.has_magic(name) and not path.exists():
            matching = [Path(match) for match in sorted(glob.glob(name, recursive=True))]
            files = [match for match in matching if match.is_file()]
            if not files:
                raise UsageError("cli.pattern_without_recordings", pattern=name)
            found += [Named(str(file), file) for file in files]
        else:
            found.append(Named(name, path))
    return found


def _inside(folder: Path) -> Iterator[Named]:
    """The recordings in a folder and those below it, by name; a broken link, too, which is then told."""
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            path = Path(parent, file)
            if is_recording(path) and (path.is_file() or not path.exists()):  # a pipe would be waited for
                yield Named(str(path), path, path.parent.relative_to(folder))


def is_recording(path: PurePath) -> bool:
    """Whether -r takes a file of this name."""
    return path.suffix.lower() in _RECORDINGS and not path.name.startswith(".")


def with_targets(recordings: Sequence[Named], form: str, where: str | None, *, several: bool) -> list[Named]:
    """The same, each with the file of its result. `several`: there may be more of them the next time.

    A report goes to a file unless `where` is the screen. Raises CommandError when that cannot be.
    """
    if where is None and form == "html":
        where = os.curdir
    if where in (None, SCREEN):
        if several and form in _ONE_EACH:
            raise UsageError("cli.several_in_one_file", format=form)
        return list(recordings)
    assert where is not None
    out = Path(where)
    is_folder = out.is_dir() or where.endswith(("/", "\\"))  # a Path forgets the slash
    if not several and not is_folder:
        check_writable(out)
        if out.exists() and recordings[0].path.exists() and out.samefile(recordings[0].path):
            raise UsageError("cli.out_is_recording", path=where)
        return [replace(recordings[0], target=out)]
    if not is_folder and out.suffix.lower() in _RESULTS:
        raise UsageError("cli.several_for_one_file", path=where, format=form, folder=out.with_suffix(""))
    try:
        out.mkdir(parents=True, exist_ok=True)
        named = _placed(recordings, SUFFIXES[form], out)
        for folder in {recording.target.parent for recording in named if recording.target}:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError("cli.not_a_folder", path=out, why=error.strerror) from error
    return named


def with_clips(recordings: Sequence[Named], folder: Path | None) -> list[Named]:
    """The same, each with the beginning of the names of its clips below `folder`. Raises UsageError."""
    if folder is None:
        return list(recordings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError("cli.not_a_folder", path=folder, why=error.strerror) from error
    beginnings = (placed.target for placed in _placed(recordings, "", folder))
    return [replace(named, clips=clips) for named, clips in zip(recordings, beginnings, strict=True)]


def _placed(recordings: Sequence[Named], suffix: str, out: Path) -> list[Named]:
    """Each with a file of its own below `out`.

    Players look for talk.srt beside talk.mp4; the whole name only where two recordings would collide.
    """
    sources = [
        recording.folder / ("stdin" if recording.label == STDIN else recording.path.name) for recording in recordings
    ]
    stems = Counter(_key(source.with_suffix("")) for source in sources)
    taken: set[str] = set()
    placed = []
    for recording, source in zip(recordings, sources, strict=True):
        name = source.stem if stems[_key(source.with_suffix(""))] == 1 else source.name
        target, number = source.with_name(name + suffix), 1
        while _key(target) in taken:
            number += 1
            target = source.with_name(f"{name}-{number}{suffix}")
        taken.add(_key(target))
        placed.append(replace(recording, target=out / target))
    return placed


def _key(path: Path) -> str:
    return str(path).casefold()  # some file systems take A.txt and a.txt for one


def opened(named: Named, folder: Path) -> Recording:
    """The recording; standard input and other pipes are copied into `folder`. Raises CommandError or OSError."""
    path = named.path
    if named.label == STDIN:
        path = _copied(sys.stdin.buffer, folder)
    elif path.is_dir():
        raise CommandError("cli.recording_is_folder")
    elif path.exists() and not path.is_file():  # such as <(program) in a shell: no size, and to be read only once
        with path.open("rb") as pipe:
            path = _copied(pipe, folder)
    with path.open("rb"):  # it can be read
        size = path.stat().st_size
    if not size:
        raise CommandError("cli.recording_empty")
    return Recording(named.label, path, size, named.target, named.clips)


def result_on_disk(path: Path | None) -> dict[str, Any] | None:
    """What is in a result that is JSON."""
    if path is None or path.suffix != ".json":
        return None
    try:
        result = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return result if isinstance(result, dict) and {"segments", "duration_s"} <= result.keys() else None


def title_of(label: str) -> str:
    """The name of a recording's file alone, as text; '' for standard input."""
    return "" if label == STDIN else printable(Path(label).name)


def printable(name: str) -> str:
    """A file's name as text: a name of the file system may hold bytes that are not UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


def _path(label: str) -> Path:
    try:
        return Path(label).expanduser()
    except RuntimeError:  # "~draft.wav" is a file, not the home of a user called draft.wav
        return Path(label)


def _copied(source: IO[bytes], folder: Path) -> Path:
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as copy:
        shutil.copyfileobj(source, copy)
    return Path(copy.name)
