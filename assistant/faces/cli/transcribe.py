"""``huiyin transcribe``: recordings to text, JSON, subtitles, tables or reports."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TextIO, cast

from tqdm import tqdm

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.readiness import look
from huiyin.assistant.clients.services import Services
from huiyin.assistant.faces.cli.shared import (
    STDIN,
    CommandError,
    UsageError,
    check_writable,
    output_file,
    read_hotwords,
)
from huiyin.configs.settings import Settings

# A report's name is its own, so that talk.html beside talk.mp4 is never overwritten.
SUFFIXES = {"text": ".txt", "json": ".json", "srt": ".srt", "vtt": ".vtt", "csv": ".csv", "html": ".report.html"}
_SUBTITLES = ("srt", "vtt")
_ONE_EACH = (*_SUBTITLES, "csv", "html")  # two of them in one file make a broken one
_IN_MEMORY_BYTES = 8 * 2**20  # a larger document waits on disk for its end
_TIMEOUT_S = 600.0  # between two pieces of an answer: the model may be busy with another's recording
_BAR_DELAY_S = 1.0  # a short recording is done before a bar could be read
_BAR = "{desc}: {percentage:3.0f}%|{bar:30}| {elapsed}<{remaining}"


@dataclass(frozen=True)
class _Recording:
    """A file to transcribe: what the user calls it, and where it is."""

    label: str
    path: Path
    size: int

    @property
    def name(self) -> str:
        """Of the file alone, as text; '' for standard input."""
        return "" if self.label == STDIN else _printable(Path(self.label).name)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Transcribe the files. Returns 0, or 1 when one of them could not be."""
    if args.live:
        from huiyin.assistant.faces.cli import transcribe_live

        return transcribe_live.run(args, settings)
    if args.device:
        raise UsageError("cli.device_without_live")
    if not args.file:
        raise UsageError("cli.no_recording")
    if args.tags and args.format not in _SUBTITLES:
        raise UsageError("cli.tags_without_subtitles", formats=_SUBTITLES)
    if args.embed_audio is not None and args.format != "html":
        raise UsageError("cli.embed_audio_without_html")
    if STDIN in args.file and sys.stdin.isatty():
        raise UsageError("cli.stdin_is_keyboard")
    hotwords = read_hotwords(args.hotwords)
    targets = _targets(args.file, args.format, args.out)
    with tempfile.TemporaryDirectory(prefix="huiyin-") as folder:
        recordings = []
        for label in args.file:
            try:
                recordings.append(_recording(label, Path(folder)))
            except (CommandError, OSError) as error:
                _print_problem(label, getattr(error, "strerror", None) or error)
        failed = len(args.file) - len(recordings)
        if recordings:
            with Launcher(settings, args.service_arguments) as launcher:
                launcher.start(["asr"])
                options = {
                    "language": args.language,
                    "tags": args.tags or None,
                    "embed_audio": args.embed_audio,
                    "hotwords": hotwords,
                    "words": args.format == "json" or None,
                    "careful": settings.asr.careful != "never" or None,
                }
                work = _Work(launcher.services, args.format, options, targets, several=len(args.file) > 1)
                failed += work.do(recordings)
    return 1 if failed else 0


def _targets(labels: Sequence[str], form: str, where: str | None) -> dict[str, Path]:
    """Which file each result goes to; empty for the screen. Raises CommandError when that cannot be."""
    several = len(labels) > 1
    if where is None and form == "html" and sys.stdout.isatty():
        where = "."
    if where is None:
        if several and form in _ONE_EACH:
            raise UsageError("cli.several_in_one_file", format=form)
        return {}
    out = Path(where)
    if not several and not out.is_dir() and not where.endswith(("/", "\\")):  # a Path forgets the slash
        check_writable(out)
        return {labels[0]: out}
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError("cli.not_a_folder", path=out, why=error.strerror) from error
    targets: dict[str, Path] = {}
    for label in labels:
        source = Path("stdin" if label == STDIN else label)
        # Players look for talk.srt beside talk.mp4; the whole name only where two recordings would collide.
        for name in (source.stem, source.name, *(f"{source.name}-{n}" for n in range(2, len(labels) + 2))):
            target = out / f"{name}{SUFFIXES[form]}"
            if target not in targets.values():
                targets[label] = target
                break
    return targets


def _recording(label: str, folder: Path) -> _Recording:
    """What `label` names; standard input and other pipes are copied into `folder`. Raises CommandError or OSError."""
    path = _path(label)
    if label == STDIN:
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
    return _Recording(label, path, size)


def _path(label: str) -> Path:
    try:
        return Path(label).expanduser()
    except RuntimeError:  # "~draft.wav" is a file, not the home of a user called draft.wav
        return Path(label)


def _copied(source: IO[bytes], folder: Path) -> Path:
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as copy:
        shutil.copyfileobj(source, copy)
    return Path(copy.name)


def _printable(name: str) -> str:
    """A file's name as text: a name of the file system may hold bytes that are not UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


class _Work:
    """Recordings, one after the other, through the service."""

    def __init__(
        self, services: Services, form: str, options: dict[str, Any], targets: dict[str, Path], *, several: bool
    ) -> None:
        self._services, self._form, self._targets, self._several = services, form, targets, several
        self._options = {"stream": True, "format": form, **options}
        self._separator = ""  # between two texts on the screen

    def do(self, recordings: Sequence[_Recording]) -> int:
        """Transcribe them and put the results where they belong. Returns how many failed."""
        failed = 0
        total = sum(recording.size for recording in recordings)
        with tqdm(total=total, disable=None, delay=_BAR_DELAY_S, bar_format=_BAR, leave=False, file=sys.stderr) as bar:
            before = 0
            for recording in recordings:
                bar.set_description_str(recording.name or STDIN, refresh=False)
                try:
                    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as document:
                        result = self._transcribe(recording, document, bar, before)
                        self._put(recording.label, result, document)
                except ServiceError as error:
                    failed += 1
                    _print_problem(recording.label, error)
                    if look(self._services, "asr").kind == "absent":
                        raise CommandError("cli.asr_has_ended") from error
                before += recording.size
                bar.update(before - bar.n)
        return failed

    def _transcribe(self, recording: _Recording, document: IO[bytes], bar: tqdm[Any], before: int) -> dict[str, Any]:
        """The service's result; what it makes of that in other formats than JSON is written into `document`.

        `bar` counts bytes of all recordings, `before` of them before this one. Raises ServiceError.
        """
        options = {**self._options, "title": recording.name}
        fields = {key: str(value) for key, value in options.items() if value not in (None, "")}
        with recording.path.open("rb") as file:
            for event in self._services.transcribe_file(file, recording.size, fields, timeout_s=_TIMEOUT_S):
                if event.get("type") == "document":
                    document.write(event["text"].encode())
                if event.get("type") == "done":
                    return cast("dict[str, Any]", event["result"])
                if event.get("total_s"):
                    share = min(1.0, event["position_s"] / event["total_s"])
                    bar.update(before + share * recording.size - bar.n)
        raise ServiceError("clients.broke_off")

    def _put(self, label: str, result: dict[str, Any], document: IO[bytes]) -> None:
        for warning in result.get("warnings") or ():
            _print_problem(label, warning)
        if not result["text"]:
            _print_problem(label, "no speech was recognised in it")
        if self._form == "json":
            document.write(json.dumps({"file": _printable(label), **result}, ensure_ascii=False).encode() + b"\n")
        document.seek(0)
        target = self._targets.get(label)
        if target is not None:
            with output_file(target) as file:
                shutil.copyfileobj(document, file)
            _print(f"{label} -> {target}\n", sys.stderr)
            return
        if self._several and self._form == "text":
            _print(f"{self._separator}==> {label} <==\n", sys.stdout)
            self._separator = "\n"
        _print(document.read().decode(), sys.stdout)


def _print_problem(label: str, problem: object) -> None:
    _print(f"huiyin: {label}: {problem}\n", sys.stderr)


def _print(text: str, file: TextIO) -> None:
    tqdm.write(text, file=file, end="")  # a bar may stand there
