"""One recording's way through the speech service, as ``huiyin transcribe`` goes it, on one machine or on several."""

from __future__ import annotations

import argparse
import contextlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, BinaryIO

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Services
from huiyin.assistant.faces.cli.transcribe_files import printable, title_of
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings

_CHAPTERS = ("chapters", "ffmetadata")
_IN_MEMORY_BYTES = 8 * 2**20  # a larger document waits on disk for its end
_TIMEOUT_S = 600.0  # between two pieces of an answer: the model may be busy with another's recording
_DELETE_S = 10.0


@dataclass(frozen=True)
class Position:
    """How far a recording is."""

    position_s: float
    share: float
    """Of all of it, 0 to 1."""


@dataclass(frozen=True)
class Transcribed:
    """A recording is done, and its document whole."""

    job: str
    """What the service keeps of it, until `Transcriber.forget`."""
    duration_s: float
    remarks: tuple[str, ...]
    """What its owner should know."""
    result: Mapping[str, Any]
    """As the service gave it."""


class Transcriber:
    """Recordings as documents of one format, by a service that runs."""

    def __init__(self, services: Services, form: str, options: Mapping[str, Any]) -> None:
        """`options` as `options_of` gives them."""
        self._services, self._form = services, form
        self._options = {"stream": True, "format": form, **options}

    def transcribe(
        self, label: str, file: BinaryIO, size: int, document: IO[bytes]
    ) -> Iterator[Position | Transcribed]:
        """How it goes, at last `Transcribed`; `document` then holds what the user wants. It goes on where it broke off.

        `file` has `size` bytes, and is read once. Raises ServiceError, and what reading raises.
        """
        options = {**self._options, "title": title_of(label)}
        fields = {key: str(value) for key, value in options.items() if value not in (None, "")}
        for event in self._services.transcribe_file(file, size, fields, timeout_s=_TIMEOUT_S):
            if event.get("type") == "document":
                document.write(event["text"].encode())
            if event.get("type") == "done":
                break
            if event.get("total_s"):
                yield Position(event["position_s"], min(1.0, event["position_s"] / event["total_s"]))
        else:
            raise ServiceError("clients.broke_off")
        yield self._done(label, event.get("job", ""), event["result"], document)

    def _done(self, label: str, job: str, result: Mapping[str, Any], document: IO[bytes]) -> Transcribed:
        remarks = list(result.get("warnings") or ())
        if not result["text"]:
            remarks.append(said("shown.no_speech"))
        if self._form in _CHAPTERS and not (result["emotion"] or result["events"] or self._options["phrases"]):
            remarks.append(said("cli.no_highlights", model=result["model"]))
        if self._form == "json":
            speakers = self._options["speakers"]
            fields = {"file": printable(label), **({"speakers": speakers} if speakers else {}), **result}
            document.write(json.dumps(fields, ensure_ascii=False).encode() + b"\n")
        document.seek(0)
        return Transcribed(job, result["duration_s"], tuple(remarks), result)

    def forget(self, job: str) -> None:
        """What the service keeps of a recording whose result is in its place; else it would be kept for days."""
        if job:
            with contextlib.suppress(ServiceError):
                self._services.delete_job(job, timeout_s=_DELETE_S).one()


def options_of(
    args: argparse.Namespace, settings: Settings, hotwords: str | None, phrases: str | None
) -> dict[str, Any]:
    """What the service is asked for, by the options of the command."""
    return {
        "language": args.language,
        "tags": args.tags or None,
        "clean": args.clean or None,
        "embed_audio": args.embed_audio,
        "hotwords": hotwords,
        "speakers": args.speakers,
        "speaker_names": args.speaker_names,
        "phrases": phrases,
        "words": args.format == "json" or None,
        "careful": settings.asr.careful != "never" or None,
    }


def empty_document() -> tempfile.SpooledTemporaryFile[bytes]:
    """Room for a document: in memory, or on disk where it is large. A context."""
    return tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES)
