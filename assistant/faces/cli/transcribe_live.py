"""``huiyin transcribe --live``: speech as text, while it is spoken."""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.transcription_stream import LiveTranscription
from huiyin.assistant.faces.cli.shared import STDIN, CommandError, UsageError, read_hotwords
from huiyin.assistant.faces.cli.terminal import columns
from huiyin.assistant.ports.capture import FileSource, MicrophoneSource, SoundSource
from huiyin.assistant.ports.devices import list_devices
from huiyin.assistant.ports.port import DriverError, PortError
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings

FORMATS = ("text", "json")
_TICK_S = 0.2
_NARROWEST = 20  # columns; a terminal that reports fewer reports nonsense
_MORE = "… "  # in front of a partial whose beginning does not fit


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Transcribe the microphone, or one recording at its own speed, until its end or Ctrl-C. Returns 0.

    Raises UsageError for options that make no sense here, PortError, LaunchError or ServiceError.
    """
    if args.format not in FORMATS:
        raise UsageError("cli.live_format", formats=FORMATS, format=args.format)
    whole = (
        args.tags, args.clean, args.speakers, args.speaker_names, args.phrases, args.report, args.clips, args.summary,
    )  # fmt: skip
    if any(whole) or args.embed_audio is not None:
        raise UsageError("cli.live_whole_recording")
    if args.ray is not None:
        raise UsageError("cli.live_ray")
    if args.out is not None:
        raise UsageError("cli.live_out")
    if len(args.file) > 1 or STDIN in args.file:
        raise UsageError("cli.live_several")
    if args.file and args.device:
        raise UsageError("cli.live_device_and_file")
    hotwords = read_hotwords(args.hotwords)
    screen = Lines(sys.stdout) if args.format == "text" else JsonLines(sys.stdout)
    source = _source(args, settings)
    with Launcher(settings, args.service_arguments) as launcher:
        launcher.start(["asr"])
        parameters = {"language": args.language, "hotwords": hotwords}
        options = {"rate": source.rate, **{name: value for name, value in parameters.items() if value}}
        stream = LiveTranscription(launcher.services, options)
        if sys.stderr.isatty():
            print(said("shown.playing" if args.file else "shown.listening"), file=sys.stderr)
        try:
            _listen(source, stream, screen)
        finally:
            source.stop()
            stream.close()
            screen.close()
    return 0


def _source(args: argparse.Namespace, settings: Settings) -> SoundSource:
    if args.file:
        return FileSource(Path(args.file[0]).expanduser())
    if not any(device.inputs for device in list_devices()):
        raise CommandError("cli.no_microphone_to_transcribe")
    try:
        return MicrophoneSource(args.device or settings.audio.input_device, settings.audio.latency_s)
    except DriverError as error:
        raise CommandError("cli.choose_another_microphone", error=error) from error


def _listen(source: SoundSource, stream: LiveTranscription, show: Callable[[dict[str, Any]], None]) -> None:
    """Until `source` ends. After Ctrl-C the rest of the text is still shown; a second one ends at once.

    Ctrl-C strikes in the main thread, which therefore only waits.
    """
    errors: list[Exception] = []

    def send() -> None:
        try:
            for block in source.blocks():
                stream.send(block)
        except PortError as error:
            errors.append(error)
        except ServiceError:
            return  # the thread that reads the events gets the service's reason
        with contextlib.suppress(ServiceError):
            stream.end()

    def read() -> None:
        try:
            for event in stream.events():
                show(event)
        except (ServiceError, OSError) as error:
            errors.append(error)
        finally:
            done.set()

    done = threading.Event()  # not join(): interrupted, it takes the thread for ended (Python 3.11)
    threading.Thread(target=read, name="text", daemon=True).start()
    threading.Thread(target=send, name="sound", daemon=True).start()
    try:
        _wait(done)
    except KeyboardInterrupt:
        source.stop()
        _wait(done)
    if errors:
        raise errors[0]


def _wait(done: threading.Event) -> None:
    while not done.wait(_TICK_S):  # without a limit Windows would not let Ctrl-C through
        pass


class Lines:
    """Finals as lines. On a terminal the sentence being spoken stands below them, rewritten in place."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._shown = 0  # columns of the line that will be rewritten

    def __call__(self, event: dict[str, Any]) -> None:
        if event["type"] == "final":
            self._write(event["segment"]["text"])
            self._out.write("\n")
            self._shown = 0
        elif event["type"] == "partial" and self._out.isatty():
            self._write(_end_of(event["text"], max(shutil.get_terminal_size().columns, _NARROWEST) - 1))
        self._out.flush()

    def close(self) -> None:
        """Leave nothing unfinished on the screen."""
        self._write("")
        self._out.flush()

    def _write(self, text: str) -> None:
        """Show `text` in place of the line that is shown, which blanks erase: they work in every terminal."""
        start = "\r" if self._shown else ""
        blanks = " " * (self._shown - columns(text))
        back = "\r" if blanks and not text else ""
        self._out.write(start + text + blanks + back)
        self._shown = columns(text)


class JsonLines:
    """Everything that the service says, an object a line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, event: dict[str, Any]) -> None:
        print(json.dumps(event, ensure_ascii=False), file=self._out, flush=True)

    def close(self) -> None:
        """Nothing is unfinished."""


def _end_of(text: str, width: int) -> str:
    """`text`, or its end where all of it is wider than `width` columns: what is new stands there."""
    if columns(text) <= width:
        return text
    while columns(_MORE + text) > width:
        text = text[1:]
    return _MORE + text
