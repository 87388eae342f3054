"""``huiyin transcribe``: recordings to text, JSON, subtitles, tables or reports."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from tqdm import tqdm

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.readiness import look
from huiyin.assistant.clients.services import Services
from huiyin.assistant.faces.cli.shared import (
    FAILED,
    STDIN,
    USAGE,
    CommandError,
    check_writable,
    output_file,
    read_hotwords,
)
from huiyin.configs.settings import Settings

# A report's name is its own, so that talk.html beside talk.mp4 is never overwritten.
_SUFFIXES = {"text": ".txt", "json": ".json", "srt": ".srt", "vtt": ".vtt", "csv": ".csv", "html": ".report.html"}
_SUBTITLES = ("srt", "vtt")
_ONE_EACH = (*_SUBTITLES, "csv", "html")  # two of them in one file make a broken one
_IN_MEMORY_BYTES = 8 * 2**20  # a larger document waits on disk for its end
_TIMEOUT_S = 600.0  # between two pieces of an answer: the model may be busy with another's recording
_BAR_DELAY_S = 1.0  # a short recording is done before a bar could be read
_BAR = "{desc}: {percentage:3.0f}%|{bar:30}| {elapsed}<{remaining}"

_ABOUT = """\
Recordings of any kind (wav, mp3, m4a, flac, ogg, opus, webm, mp4 ...) to text. The speech service is started when it
does not run. A recording that cannot be read is told and skipped; the exit status is then 1.

  huiyin transcribe meeting.m4a
  huiyin transcribe film.mp4 --format srt --out film.srt
  huiyin transcribe call.mp3 --format html      writes call.report.html: text, emotions, events, waveform
  huiyin transcribe *.wav --format json --out results/
  huiyin transcribe - --language zh < call.wav
  huiyin transcribe talk.mp3 --hotwords "张伟,PyTorch"
  huiyin transcribe --live                      the microphone, while you speak; Ctrl-C ends
  huiyin transcribe --live talk.wav             a recording, at its own speed"""

_NO_FILE = "name a recording, or - for standard input; --live takes the microphone"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``transcribe``."""
    parser = subparsers.add_parser("transcribe", description=_ABOUT)
    parser.add_argument("file", nargs="*", metavar="FILE", help="a recording; - reads standard input")
    parser.add_argument("--live", action="store_true", help="text while somebody speaks")
    parser.add_argument("--device", metavar="DEVICE", help="--live: the microphone, by number, name or part of a name")
    parser.add_argument(
        "--format",
        choices=tuple(_SUFFIXES),
        default="text",
        help="text (default), json with all details, subtitles, a table, or a report on one page",
    )
    parser.add_argument("--tags", action="store_true", help="srt and vtt: with [laughter] and (sad) in the text")
    parser.add_argument(
        "--embed-audio",
        action=argparse.BooleanOptionalAction,
        help="html: with the sound in it, or without; default: with that of recordings up to ten minutes",
    )
    parser.add_argument("--language", metavar="LANG", help="zh, en, ... when it is known; default: auto, detected")
    parser.add_argument(
        "--hotwords",
        metavar="WORDS|@FILE",
        help="names and terms to expect, with commas between, or a file of them; at most 200",
    )
    parser.add_argument(
        "--out", metavar="DIR|FILE", help="write there instead of the screen; several files need a folder"
    )


@dataclass(frozen=True)
class _Recording:
    """A file to transcribe: what the user calls it, and where it lies."""

    label: str
    path: Path
    size: int


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Transcribe the files. Returns 0, or 1 when one of them could not be."""
    if args.live:
        from huiyin.assistant.faces.cli import transcribe_live

        return transcribe_live.run(args, settings)
    if not args.file or args.device:
        raise CommandError("name the recordings; a microphone goes with --live" if args.device else _NO_FILE, USAGE)
    if args.tags and args.format not in _SUBTITLES:
        raise CommandError(f"--tags is for {' and '.join(_SUBTITLES)}; the other formats have columns or fields", USAGE)
    if args.embed_audio is not None and args.format != "html":
        raise CommandError("--embed-audio is for --format html", USAGE)
    hotwords = read_hotwords(args.hotwords)
    targets = _targets(args.file, args.format, args.out)
    with tempfile.TemporaryDirectory(prefix="huiyin-") as folder:
        recordings = [recording for label in args.file if (recording := _look_at(label, Path(folder)))]
        failed = len(args.file) - len(recordings)
        if recordings:
            with Launcher(settings, args.service_arguments) as launcher:
                launcher.start(["asr"])
                options = {
                    "language": args.language,
                    "tags": args.tags or None,
                    "embed_audio": args.embed_audio,
                    "hotwords": hotwords,
                }
                work = _Work(launcher.services, args.format, options, targets, several=len(args.file) > 1)
                failed += work.do(recordings)
    return FAILED if failed else 0


def _targets(labels: Sequence[str], form: str, where: str | None) -> dict[str, Path]:
    """Which file each result goes to; empty for the screen. Raises CommandError when that cannot be."""
    several = len(labels) > 1
    if where is None and form == "html" and sys.stdout.isatty():
        where = "."
    if where is None:
        if several and form in _ONE_EACH:
            raise CommandError(f"several files as {form} would make one broken file; add --out FOLDER", USAGE)
        return {}
    out = Path(where)
    if not several and not out.is_dir() and not where.endswith(("/", "\\")):  # a Path forgets the slash
        check_writable(out)
        return {labels[0]: out}
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"{out} cannot be the folder for several files: {error.strerror}", USAGE) from error
    targets: dict[str, Path] = {}
    for label in labels:
        source = Path("stdin" if label == STDIN else label)
        # Players look for talk.srt beside talk.mp4; the whole name only where two recordings would collide.
        for name in (source.stem, source.name, *(f"{source.name}-{n}" for n in range(2, len(labels) + 2))):
            target = out / f"{name}{_SUFFIXES[form]}"
            if target not in targets.values():
                targets[label] = target
                break
    return targets


def _look_at(label: str, folder: Path) -> _Recording | None:
    """The recording, or None after telling what is wrong with it. Standard input is kept below `folder`."""
    path = Path(label).expanduser()
    try:
        if label == STDIN:
            if sys.stdin.isatty():
                raise CommandError("standard input is the keyboard; pipe a recording in", USAGE)
            path = folder / "stdin"
            with path.open("wb") as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
        if path.is_dir():
            problem = "it is a folder; name the recordings in it"
        elif not (size := path.stat().st_size):
            problem = "it is empty"
        else:
            with path.open("rb"):
                return _Recording(label, path, size)
    except OSError as error:
        problem = error.strerror or str(error)
    _tell(label, problem)
    return None


class _Work:
    """Recordings, one after the other, through the service."""

    def __init__(
        self, services: Services, form: str, options: dict[str, Any], targets: dict[str, Path], *, several: bool
    ) -> None:
        self._services, self._form, self._targets, self._several = services, form, targets, several
        self._options = {"stream": True, "format": form, **options}
        self._first = True

    def do(self, recordings: Sequence[_Recording]) -> int:
        """Transcribe them and put the results where they belong. Returns how many failed."""
        failed = 0
        with _bar(sum(recording.size for recording in recordings)) as at:
            before = 0
            for recording in recordings:
                at(recording.label, before)

                def heard(share: float, recording: _Recording = recording, before: int = before) -> None:
                    at(recording.label, before + share * recording.size)

                try:
                    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as document:
                        result = self._transcribe(recording, heard, document)
                        self._put(recording.label, result, document)
                except ServiceError as error:
                    failed += 1
                    _tell(recording.label, str(error))
                    if look(self._services, "asr").kind == "absent":
                        raise CommandError("the speech service has ended; the rest was not transcribed") from error
                before += recording.size
        return failed

    def _transcribe(self, recording: _Recording, heard: Callable[[float], None], document: IO[bytes]) -> dict[str, Any]:
        """The service's result; what it makes of that in other formats than JSON is written into `document`.

        `heard` is told the share of the recording that is done. Raises ServiceError.
        """
        options = {**self._options, "title": "" if recording.label == STDIN else Path(recording.label).name}
        fields = {key: str(value) for key, value in options.items() if value not in (None, "")}
        with recording.path.open("rb") as file:
            call = self._services.call("asr", _TIMEOUT_S)
            for event in self._services.transcribe_file(call, file, recording.size, fields):
                if event.get("type") == "document":
                    document.write(event["text"].encode())
                if event.get("type") == "done":
                    return cast("dict[str, Any]", event["result"])
                if event.get("total_s"):
                    heard(min(1.0, event["position_s"] / event["total_s"]))
        raise ServiceError("clients.broke_off")

    def _put(self, label: str, result: dict[str, Any], document: IO[bytes]) -> None:
        for warning in result.get("warnings") or ():
            _tell(label, warning)
        if not result["text"]:
            _tell(label, "no speech was heard in it")
        if self._form == "json":
            document.write(json.dumps({"file": label, **result}, ensure_ascii=False).encode() + b"\n")
        document.seek(0)
        target = self._targets.get(label)
        if target is not None:
            with output_file(target) as file:
                shutil.copyfileobj(document, file)
            _say(f"{label} -> {target}", sys.stderr)
            return
        output = document.read().decode()
        if self._several and self._form == "text":
            output = f"{'' if self._first else chr(10)}==> {label} <==\n{output}"
        self._first = False
        _say(output, sys.stdout, end="")


@contextmanager
def _bar(total: int) -> Iterator[Callable[[str, float], None]]:
    """A progress bar on standard error when that is a terminal: a function of (what, bytes of the recordings)."""
    with tqdm(total=total, disable=None, delay=_BAR_DELAY_S, bar_format=_BAR, leave=False, file=sys.stderr) as bar:

        def at(label: str, position: float) -> None:
            bar.set_description_str(Path(label).name, refresh=False)
            bar.update(position - bar.n)

        yield at


def _tell(label: str, text: str) -> None:
    _say(f"huiyin: {label}: {text}", sys.stderr)


def _say(text: str, file: Any, end: str = "\n") -> None:
    tqdm.write(text, file=file, end=end)  # a bar may stand there
