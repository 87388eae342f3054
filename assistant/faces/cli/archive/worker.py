"""One worker of an archive: a process that Ray has placed, with a speech service of its own on the same machine.

It reads a recording where that lies, so that its bytes come to this machine once and are never in memory as a whole,
and writes the result where it belongs. What passes between it and the command is small.
"""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.faces.cli.archive.stores import opened
from huiyin.assistant.faces.cli.shared import CommandError, output_file
from huiyin.assistant.faces.cli.transcribe_one import Position, Transcribed, Transcriber, empty_document
from huiyin.configs.errors import HuiyinError
from huiyin.configs.messages import said, speak
from huiyin.configs.settings import as_arguments, load

_REFUSALS = (400, 413, 415, 422)  # of the recording itself: another worker would say the same
_BETWEEN_POSITIONS_S = 1.0


@dataclass(frozen=True)
class Task:
    """A recording to transcribe."""

    label: str
    """What the user calls it."""
    source: str
    """Its path or URL."""
    size: int
    """Bytes, for showing what is left; 0: not known."""
    target: str
    """The file of its result."""


@dataclass(frozen=True)
class Order:
    """What all workers of a run are told."""

    profile: str | None
    overrides: tuple[str, ...]
    """Settings, as ``--set`` takes them."""
    form: str
    options: Mapping[str, Any]
    language: str
    """Of messages."""
    mark: str
    """A file that every worker has to see, or its results would lie on another machine; and what is in it."""
    mark_text: str


@dataclass(frozen=True)
class Failed:
    """A recording could not be transcribed here."""

    why: str
    refused: bool = False
    """It cannot be transcribed anywhere."""


Step = Position | Transcribed | Failed


class Worker:
    """Becomes an actor of Ray's. `close` may be called while another method runs."""

    def __init__(self, order: Order) -> None:
        speak(order.language)
        overrides = [*order.overrides, "service.host=127.0.0.1", f"asr.port={_free_port()}"]
        self._order = order
        settings = load(order.profile, overrides)
        self._launcher = Launcher(settings, as_arguments(order.profile, overrides))
        self._transcriber = Transcriber(self._launcher.services, order.form, order.options)

    def start(self) -> str:
        """Start the service. Gives '', or why this worker is of no use."""
        try:
            if Path(self._order.mark).read_text() == self._order.mark_text:
                self._launcher.start(["asr"])
                return ""
        except OSError:
            pass
        except HuiyinError as error:
            return str(error)
        return said("cli.ray_folder_not_shared", node=socket.gethostname(), folder=Path(self._order.mark).parent.parent)

    def transcribe(self, task: Task, done_jobs: Sequence[str]) -> Iterator[Step]:
        """How it goes, at last `Transcribed`, the result then being in its place, or `Failed`. Raises nothing.

        What the services keep of `done_jobs` is deleted first: the command has learnt that their results are there. So
        nothing is recognised twice where this worker ends between a result and the news of it.
        """
        try:
            self._launcher.start(["asr"])  # anew, where it has ended
            for job in done_jobs:
                self._transcriber.forget(job)
            yield from self._steps(task)
        except ServiceError as error:
            yield Failed(str(error), error.status in _REFUSALS)
        except OSError as error:
            yield Failed(error.strerror or str(error))
        except HuiyinError as error:
            yield Failed(str(error))
        except Exception as error:  # every library of every store has its own
            yield Failed(f"{type(error).__name__}: {error}")

    def _steps(self, task: Task) -> Iterator[Step]:
        told_s = 0.0
        with opened(task.source) as (file, size), empty_document() as document:
            if not size:
                raise CommandError("cli.recording_empty")
            for step in self._transcriber.transcribe(task.label, file, size, document):
                if isinstance(step, Transcribed):
                    with output_file(Path(task.target)) as result:
                        shutil.copyfileobj(document, result)
                    step = replace(step, result={})  # the command needs none of it
                elif time.monotonic() < told_s + _BETWEEN_POSITIONS_S:
                    continue
                told_s = time.monotonic()
                yield step

    def close(self, done_jobs: Sequence[str]) -> None:
        """Delete what is kept of `done_jobs`, and stop the service."""
        for job in done_jobs:
            self._transcriber.forget(job)
        self._launcher.__exit__()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
