"""``huiyin transcribe``: recordings to text, JSON, subtitles, tables or reports.

The result of each is written when it is done, whole or not at all: a run that was interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.ray_cluster import LOCAL, is_address
from huiyin.assistant.clients.readiness import look
from huiyin.assistant.clients.services import Services
from huiyin.assistant.faces.cli.shared import (
    STDIN,
    CommandError,
    UsageError,
    check_writable,
    output_file,
    read_hotwords,
    read_phrases,
)
from huiyin.assistant.faces.cli.signals import ended_like_ctrl_c
from huiyin.assistant.faces.cli.team_report.report import TeamReport
from huiyin.assistant.faces.cli.transcribe_clips import Clips
from huiyin.assistant.faces.cli.transcribe_files import (
    SCREEN,
    SUFFIXES,
    Recording,
    find,
    form_of,
    opened,
    with_clips,
    with_targets,
)
from huiyin.assistant.faces.cli.transcribe_minutes import Minutes
from huiyin.assistant.faces.cli.transcribe_one import Position, Transcribed, Transcriber, empty_document, options_of
from huiyin.assistant.faces.cli.transcribe_summary import Summary, print_line, print_problem
from huiyin.configs.messages import of_the_system, said
from huiyin.configs.settings import Settings

__all__ = ["SUFFIXES", "run"]

_SUBTITLES = ("srt", "vtt")
_AUTO, _CHANNELS = "auto", "channels"
_LOOKED_AT_S = 120.0  # of a recording, for whether it is a call
_BAR_DELAY_S = 1.0  # a short recording is done before a bar could be read
_BAR = "{desc}: {percentage:3.0f}%|{bar:30}| {elapsed}<{remaining}"


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Transcribe the files. Returns 0, or 1 when one of them could not be."""
    if args.ray is not None and not is_address(args.ray):  # `--ray calls/`: a recording, and a Ray of our own
        args.file, args.ray = [args.ray, *args.file], LOCAL
    args.format = args.format or form_of(args.out)
    if args.live:
        from huiyin.assistant.faces.cli import transcribe_live

        return transcribe_live.run(args, settings)
    _check(args)
    if args.ray is not None:
        from huiyin.assistant.faces.cli.archive import command

        return command.run(args, settings)
    hotwords, phrases = read_hotwords(args.hotwords), read_phrases(args.phrases)
    found = find(args.file, recursive=args.recursive)
    several = args.recursive or len(found) > 1 or [named.label for named in found] != args.file
    found = with_clips(with_targets(found, args.format, args.out, several=several), args.clips)
    clips = Clips()
    minutes = Minutes(args.format, wanted=args.summary)
    with (
        ended_like_ctrl_c(),
        tempfile.TemporaryDirectory(prefix="huiyin-") as folder,
        Summary(len(found), shown=several) as summary,
        TeamReport(args.report, summary) as report,
    ):
        recordings = []
        for named in found:
            if several and not args.force and named.is_done:
                summary.done_before()
                report.done_before(named)
                minutes.done_before(named)
                clips.done_before(named)
                continue
            try:
                recordings.append(opened(named, Path(folder)))
            except (CommandError, OSError) as error:
                summary.failed(named.label, of_the_system(error) if isinstance(error, OSError) else error)
        if recordings:
            with Launcher(settings, args.service_arguments) as launcher:
                launcher.start(["asr"])
                transcriber = Transcriber(launcher.services, args.format, options_of(args, settings, hotwords, phrases))
                work = _Work(launcher.services, transcriber, args, summary, report, minutes, clips, several=several)
                work.do(recordings)
    written = minutes.write(settings, args.service_arguments)
    return 1 if summary.failures or not written else 0


def _check(args: argparse.Namespace) -> None:
    """Raises UsageError for options that do not go together."""
    if args.device:
        raise UsageError("cli.device_without_live")
    if not args.file:
        raise UsageError("cli.no_recording")
    if args.tags and args.format not in _SUBTITLES:
        raise UsageError("cli.tags_without_subtitles", formats=_SUBTITLES)
    if args.embed_audio is not None and args.format != "html":
        raise UsageError("cli.embed_audio_without_html")
    if args.speakers not in (None, _AUTO, _CHANNELS) and not args.speakers.isdecimal():
        raise UsageError("cli.speakers_unclear", speakers=args.speakers)
    if args.speaker_names and not args.speakers:
        raise UsageError("cli.speaker_names_without_speakers")
    if args.phrases and args.format in _SUBTITLES and not args.report:
        raise UsageError("cli.phrases_in_subtitles", formats=_SUBTITLES)
    if args.summary and args.format != "text" and (args.out == SCREEN or (args.out is None and args.format != "html")):
        raise UsageError("cli.summary_beside_what", format=args.format)
    if args.report:
        check_writable(args.report)
    if STDIN in args.file and sys.stdin.isatty():
        raise UsageError("cli.stdin_is_keyboard")


def _is_call(path: Path) -> bool:
    """Whether the two channels of a recording have a person each, which the transcript does not tell."""
    from huiyin.services.common.audio import AudioReader  # slow to load
    from huiyin.services.common.errors import ApiError
    from huiyin.services.common.two_channels import looks_like_a_call

    with contextlib.suppress(ApiError, OSError):
        return looks_like_a_call(AudioReader(path, float("inf")), _LOOKED_AT_S)
    return False


class _Work:
    """Recordings, one after the other, through the service."""

    def __init__(
        self,
        services: Services,
        transcriber: Transcriber,
        args: argparse.Namespace,
        summary: Summary,
        report: TeamReport,
        minutes: Minutes,
        clips: Clips,
        *,
        several: bool,
    ) -> None:
        self._services, self._transcriber = services, transcriber
        self._form, self._speakers, self._several = args.format, args.speakers, several
        self._summary, self._report, self._minutes, self._clips = summary, report, minutes, clips
        self._separator = ""  # between two texts on the screen
        self._looks_for_calls = not args.speakers

    def do(self, recordings: Sequence[Recording]) -> None:
        """Transcribe them and put the results where they belong. Raises CommandError when the service has ended."""
        total = sum(recording.size for recording in recordings)
        with tqdm(total=total, disable=None, delay=_BAR_DELAY_S, bar_format=_BAR, leave=False, file=sys.stderr) as bar:
            before = 0
            for recording in recordings:
                bar.set_description_str(recording.name or STDIN, refresh=False)
                try:
                    self._transcribe(recording, bar, before)
                except ServiceError as error:
                    self._summary.failed(recording.label, error)
                    if look(self._services, "asr").kind == "absent":
                        raise CommandError("cli.asr_has_ended") from error
                before += recording.size
                bar.update(before - bar.n)

    def _transcribe(self, recording: Recording, bar: tqdm[Any], before: int) -> None:
        """`bar` counts bytes of all recordings, `before` of them before this one. Raises ServiceError."""
        with recording.path.open("rb") as file, empty_document() as document:
            for step in self._transcriber.transcribe(recording.label, file, recording.size, document):
                if isinstance(step, Position):
                    bar.update(before + step.share * recording.size - bar.n)
                else:
                    for remark in step.remarks:
                        print_problem(recording.label, remark)
                    self._clips.transcribed(recording, step.result)
                    self._put(recording, document)
                    self._has_been_put(recording, step)

    def _has_been_put(self, recording: Recording, done: Transcribed) -> None:
        """Its result is where it belongs."""
        self._transcriber.forget(done.job)
        self._summary.transcribed(done.duration_s)
        self._minutes.transcribed(recording.label, recording.target, done.result)
        self._report.transcribed(recording.label, recording.path, done.result, self._speakers)
        if self._looks_for_calls and _is_call(recording.path):
            self._looks_for_calls = False  # one hint is enough
            print_problem(recording.label, said("cli.looks_like_call"))

    def _put(self, recording: Recording, document: IO[bytes]) -> None:
        if recording.target is not None:
            with output_file(recording.target) as file:
                shutil.copyfileobj(document, file)
            print_line(f"{recording.label} -> {recording.target}", sys.stderr)
            return
        if self._several and self._form == "text":
            print_line(f"{self._separator}==> {recording.label} <==", sys.stdout)
            self._separator = "\n"
        tqdm.write(document.read().decode(), file=sys.stdout, end="")
