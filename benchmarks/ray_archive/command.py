"""``huiyin`` whose speech services note each piece that they have recognised, and when.

``python -m benchmarks.ray_archive.command transcribe …`` is the command, ``… SERVICE asr …`` one of its services. The
notes are lines of the file that ARCHIVE_NOTES names; when Ray was there, and a service was started, stands in another
beside it. Everything else is as usual.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask

from huiyin.assistant.clients import launcher, ray_cluster
from huiyin.configs.settings import ServiceSettings

NOTES = "ARCHIVE_NOTES"
SERVICE = "SERVICE"
CONNECTED, STARTED = "connected", "started"
MARKS = ".marks"
"""Behind the name of the notes."""


def _mark(what: str) -> None:
    with Path(os.environ[NOTES] + MARKS).open("a") as file:
        file.write(f"{what} {time.monotonic():.4f}\n")


def command_of(name: str, arguments: Sequence[str]) -> list[str]:
    """As `launcher.service_command`."""
    _mark(STARTED)
    return [sys.executable, "-m", "benchmarks.ray_archive.command", SERVICE, name, *arguments]


def note_pieces() -> None:
    """The services of this process and of the workers that it has Ray start note what they do."""
    launcher.service_command = command_of
    ray_cluster.OPTIONS["runtime_env"] = {
        "worker_process_setup_hook": "benchmarks.ray_archive.command.note_pieces",
        "env_vars": {NOTES: os.environ.get(NOTES, "")},
    }


def load(settings: Any, find_model: Any) -> Any:
    """Whisper, with notes. See `huiyin.services.asr.recogniser.ENGINES`."""
    from huiyin.services.asr.engines import whisper

    engine, notes = whisper.load(settings, find_model), Path(os.environ[NOTES])
    recognise = engine.recognise

    def noting(pieces: Any, hints: Any) -> Any:
        began_s = time.monotonic()  # of the machine, the same in all of its processes
        recognitions = recognise(pieces, hints)
        when = f"{began_s:.4f} {time.monotonic():.4f} {os.getpid()}"
        with notes.open("a") as file:
            file.write("".join(f"{hashlib.sha256(piece.tobytes()).hexdigest()} {when}\n" for piece in pieces))
        return recognitions

    engine.recognise = noting  # type: ignore[method-assign]
    return engine


def _serve() -> int:
    import huiyin.services.__main__ as program

    serve = program.serve

    def serve_noting(make_app: Callable[[], Flask], settings: ServiceSettings, port: int, **options: Any) -> None:
        def make() -> Flask:
            from huiyin.services.asr import recogniser

            recogniser.ENGINES["whisper"] = "benchmarks.ray_archive.command:load"
            return make_app()

        serve(make, settings, port, **options)

    program.serve = serve_noting  # type: ignore[assignment]
    return program.main(sys.argv[2:])


def _main() -> int:
    if sys.argv[1] == SERVICE:
        return _serve()
    from benchmarks.ray_archive import command  # by its own name, under which workers find it
    from huiyin.assistant.faces.cli import main
    from huiyin.assistant.faces.cli.archive import command as archive

    command.note_pieces()
    connected = archive.connected

    @contextmanager
    def noting(address: str) -> Iterator[None]:
        with connected(address):
            _mark(CONNECTED)
            yield

    archive.connected = noting
    return main.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(_main())
