"""A request to transcribe: the recording and the options, read and checked."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from flask import Request
from werkzeug.datastructures import FileStorage, MultiDict

from huiyin.configs.settings import AsrSettings
from huiyin.services.asr.http.cache import digest_of
from huiyin.services.asr.http.fields import (
    LONGEST_DEADLINE_S,
    MOST_PHRASES_CHARS,
    check_numbers,
    check_once,
    flag,
    flag_or_none,
    hints_of_recording,
    number,
    speaker_names,
    text,
    whole_number,
)
from huiyin.services.asr.recogniser import Hints
from huiyin.services.asr.report.media import MOST_PEAKS
from huiyin.services.asr.text.formats import DOCUMENTS, FORMATS
from huiyin.services.asr.text.phrases import Groups, groups_of
from huiyin.services.asr.text.subtitles import SUBTITLES
from huiyin.services.common import no_store
from huiyin.services.common.app import json_body
from huiyin.services.common.audio import AudioReader, Source
from huiyin.services.common.errors import ApiError
from huiyin.services.common.model_names import ModelNames
from huiyin.services.common.pcm import PcmFormat, pcm_format
from huiyin.services.common.text import whole_characters

OPENAI_ALIAS = "whisper-1"  # the name that programs written for OpenAI send

_IN_MEMORY_BYTES = 8 * 2**20  # a larger upload waits on disk
_DIARIZED = "diarized_json"
GRANULARITIES = ("word", "segment")
RESULT_OPTIONS = ("format", "subtitles", "tags", "clean", "peaks", "speaker_names", "phrases", "embed_audio")
"""Fields that make another result of the same transcript."""


@dataclass(frozen=True)
class Job:
    """A checked request to transcribe a recording."""

    source: Source
    pcm: PcmFormat | None
    hints: Hints
    stream: bool
    response_format: str = "json"
    words: bool = False
    """Whether the response has the times of single words."""
    subtitles: str = ""
    """'srt' or 'vtt': added to the result; '': none."""
    deadline_s: float = 0.0
    """Longest time from the request to its response; 0: unlimited."""
    tags: bool = False
    """Subtitles name emotions and sounds."""
    peaks: int = 0
    """Points of the waveform added to the result, at most; 0: none."""
    clean: bool = False
    """Hesitation and repetition are left out of the result."""
    speaker_names: tuple[str, ...] = ()
    """Of the first speaker, the second, ...; '' or missing: they keep their label."""
    phrases: Groups = field(default_factory=dict)
    """Key phrases to mark."""
    title: str = ""
    """Of the report."""
    embed_audio: bool | None = None
    """Whether the report holds the sound; None: for short recordings."""
    may_store: bool = True
    """Whether the result may be kept for the next such request."""
    wishes: Mapping[str, Any] = field(default_factory=dict)
    """Those of RESULT_OPTIONS that the caller has named, as they came."""

    def reader(self, settings: AsrSettings) -> AudioReader:
        """A reader from the recording's beginning; a second one begins there again."""
        if not isinstance(self.source, (bytes, Path)):
            self.source.seek(0)
        return AudioReader(self.source, settings.max_duration_s, self.pcm)

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """The recording's bytes, from its beginning. Raises OSError."""
        if isinstance(self.source, Path):
            with self.source.open("rb") as file:
                yield file
        elif isinstance(self.source, bytes):
            yield io.BytesIO(self.source)
        else:
            self.source.seek(0)
            yield self.source

    def key(self, check: Callable[[], object] = lambda: None) -> Hashable | None:
        """Equal for requests with the same result; None where the result is random, or must not be kept.

        Reads the recording once; calls `check` meanwhile, which may raise.
        """
        if self.hints.temperature or not self.may_store:
            return None
        return digest_of(self.source, check), self.pcm, self.hints


def own_job(request: Request, settings: AsrSettings, languages: tuple[str, ...]) -> Job:
    """A request to ``/asr``: JSON with a file name, a form with a file, or the recording itself as the body.

    Raises ApiError 400, 403, 404, 413 or 415.
    """
    source: Source
    pcm = None
    check_once(request.args)
    options = options_of(request.args, languages)  # they count for every kind of body, unless it has others
    fields: Mapping[str, Any] = request.args
    if request.mimetype == "application/json":
        body = json_body()
        check_numbers(body)
        fields = {**request.args, **body}
        options = options_of(fields, languages)
        source = allowed_file(body.get("filename"), settings.allowed_dir, settings.max_upload_mb)
    elif request.mimetype == "multipart/form-data":
        fields = _form(request)
        options = options_of(fields, languages)
        source, pcm = _uploaded(request)
    else:
        # Any other type is the sound itself, also the form type that `curl --data-binary` sends by default.
        source, pcm = _spooled(request, cast(BinaryIO, request.stream)), pcm_format(request.content_type or "")
    title = options.pop("title") or _file_name(request, fields)
    may_store = not no_store.forbids_storing(request.headers.get("Cache-Control"))
    wishes = {name: fields[name] for name in RESULT_OPTIONS if fields.get(name) is not None}
    return Job(source, pcm, title=title, may_store=may_store, wishes=wishes, **options)


def options_of(fields: Mapping[str, Any], languages: tuple[str, ...]) -> dict[str, Any]:
    """The options of a request to ``/asr``, as fields of its Job. Raises ApiError 400."""
    subtitles = text(fields, "subtitles")
    document = text(fields, "format") or "json"
    if subtitles not in ("", *SUBTITLES):
        raise ApiError(400, "asr.bad_subtitles", subtitles=subtitles, known=list(SUBTITLES))
    if document not in DOCUMENTS:
        raise ApiError(400, "asr.bad_format", format=document, known=list(DOCUMENTS))
    phrases = groups_of(text(fields, "phrases", MOST_PHRASES_CHARS))
    words = flag(fields, "words") or bool(subtitles) or document in SUBTITLES or bool(phrases)
    return {
        "hints": hints_of_recording(fields, languages, words=words),
        "stream": flag(fields, "stream"),
        "response_format": document,
        "subtitles": subtitles,
        "deadline_s": number(fields, "deadline_s", LONGEST_DEADLINE_S),
        "tags": flag(fields, "tags"),
        "clean": flag(fields, "clean"),
        "peaks": whole_number(fields, "peaks", 0, 2, MOST_PEAKS),
        "speaker_names": speaker_names(fields),
        "phrases": phrases,
        "title": text(fields, "title"),
        "embed_audio": flag_or_none(fields, "embed_audio"),
    }


def openai_job(
    request: Request, model: str, names: ModelNames, languages: tuple[str, ...], *, translate: bool = False
) -> Job:
    """A request as OpenAI's clients send it, `translate`: for a translation. Raises ApiError 400, 404, 413, 415
    or 422."""
    if request.mimetype != "multipart/form-data":
        raise ApiError(415, "asr.not_a_form")
    form = _form(request)
    name = form.get("model") or model
    if name not in (model, OPENAI_ALIAS) and not names.accepts(name, model):
        raise unknown_model(name, model)
    source, pcm = _uploaded(request)
    response_format = form.get("response_format") or "json"
    if response_format not in FORMATS:
        raise ApiError(400, "asr.bad_response_format", format=response_format, known=list(FORMATS))
    stream = flag(form, "stream")
    if stream and response_format not in ("json", "text", _DIARIZED):
        raise ApiError(422, "asr.format_not_streamed", code="bad_response_format", format=response_format)
    granularities = set(_listed(form, "timestamp_granularities"))
    unknown = granularities - set(GRANULARITIES)
    if unknown:
        raise ApiError(400, "asr.bad_granularity", unknown=str(sorted(unknown)))
    words = "word" in granularities
    hints = hints_of_recording(_in_our_words(form), languages, words=words or response_format in SUBTITLES)
    if response_format == _DIARIZED and hints.speakers is None:
        hints = replace(hints, speakers=0, words=True)
    return Job(
        source,
        pcm,
        replace(hints, translate=translate),
        stream,
        response_format,
        words,
        deadline_s=number(form, "deadline_s", LONGEST_DEADLINE_S),
        speaker_names=speaker_names(form),
        may_store=not no_store.forbids_storing(request.headers.get("Cache-Control")),
    )


def _in_our_words(form: MultiDict[str, str]) -> MultiDict[str, str]:
    """The form with `languages` and `keywords`, which OpenAI's newer models take, under the names known here."""
    languages = [language for language in _listed(form, "languages") if language]
    more = [("language", ",".join(languages))] if languages and not form.get("language") else []
    return MultiDict([*form.items(multi=True), *more, *(("hotwords", word) for word in _listed(form, "keywords"))])


def _listed(form: MultiDict[str, str], name: str) -> list[str]:
    return [*form.getlist(name), *form.getlist(f"{name}[]")]


def unknown_model(name: str, model: str) -> ApiError:
    """The 404 for a model that is not here."""
    return ApiError(404, "asr.model_not_found", model=name, known=[model, OPENAI_ALIAS])


def allowed_file(name: object, allowed_dir: str, most_mb: int) -> Path:
    """The file `name` below `allowed_dir`, relative to it or absolute, after following links.

    Raises ApiError: 400 when `name` is not a name, 403 when the file is not below the folder or no folder is set, 404
    when there is no such file, 413 when it is larger than `most_mb`.
    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise ApiError(400, "asr.missing_filename")
    if not allowed_dir:
        raise ApiError(403, "asr.files_not_allowed")
    folder = Path(allowed_dir).expanduser().resolve()
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            raise ApiError(403, "asr.outside_allowed_dir")
        if path.is_file():
            if path.stat().st_size > most_mb * 2**20:
                raise ApiError(413, "asr.file_too_large", code="too_large", most_mb=most_mb)
            return path
    except (OSError, RuntimeError, UnicodeError):  # a name too long, a loop of links, half a character
        pass
    raise ApiError(404, "asr.file_not_found")


def _form(request: Request) -> MultiDict[str, str]:
    """A form's fields, and those that stand in the address instead. Raises ApiError 400."""
    if not request.mimetype_params.get("boundary"):
        raise ApiError(400, "asr.form_without_boundary")
    check_once(request.form)
    check_once(request.args)
    return MultiDict([*request.form.items(multi=True), *request.args.items(multi=True)])


def _uploaded(request: Request) -> tuple[Source, PcmFormat | None]:
    upload = _upload(request)
    if upload is None:
        raise ApiError(400, "asr.file_is_text" if "file" in request.form else "asr.missing_file", code="missing_file")
    # A copy: Flask closes its own file before a streamed response ends, and a report reads the recording again.
    return _spooled(request, cast(BinaryIO, upload.stream)), pcm_format(upload.content_type or "")


def _upload(request: Request) -> FileStorage | None:
    """The field `file`, or the only file there is: programs also call it `audio` or `audio_file`."""
    files = list(request.files.values())
    return request.files.get("file", files[0] if len(files) == 1 else None)


def _spooled(request: Request, stream: BinaryIO) -> BinaryIO:
    """The rest of `stream`, of `request`, in a temporary file, in memory if small: decoders seek. Raises ApiError
    400 for an empty body."""
    in_memory = no_store.in_memory_bytes(request.headers.get("Cache-Control"), _IN_MEMORY_BYTES)
    spool = tempfile.SpooledTemporaryFile(max_size=in_memory)  # noqa: SIM115 - lives as long as the request
    shutil.copyfileobj(stream, spool)
    if not spool.tell():
        raise ApiError(400, "services.empty_audio")
    spool.seek(0)
    return cast(BinaryIO, spool)


def _file_name(request: Request, fields: Mapping[str, Any]) -> str:
    """The recording's file name, without its folder; '' when it came without one."""
    upload = _upload(request)
    name = (upload.filename if upload else fields.get("filename")) or ""
    return whole_characters(str(name)).replace("\\", "/").rpartition("/")[2]
