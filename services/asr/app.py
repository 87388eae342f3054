"""The speech-to-text service: its addresses."""

from __future__ import annotations

import importlib.metadata
import itertools
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask, Response, jsonify, request, stream_with_context

from huiyin.configs.settings import Settings
from huiyin.services.asr.http import responses
from huiyin.services.asr.http.request import OPENAI_ALIAS, Ask, openai_ask, own_ask, unknown_model
from huiyin.services.asr.http.stream import add_live
from huiyin.services.asr.queue import Caller
from huiyin.services.asr.recogniser import RecordingTranscript, join_texts
from huiyin.services.asr.report.media import MOST_PEAKS
from huiyin.services.asr.serving import Serving, Step, Steps
from huiyin.services.asr.text.formats import DOCUMENTS, SUBTITLES, as_verbose, usage
from huiyin.services.common.app import create_app, documented
from huiyin.services.common.errors import ApiError
from huiyin.services.common.watch import ClientLeft, client_left

log = logging.getLogger(__name__)

_CLIENT_LEFT = 499  # nginx's status for it; nobody reads it but the metrics
_LIBRARIES = ("faster-whisper", "ctranslate2", "av")

T = TypeVar("T")


def make_app(settings: Settings) -> Flask:
    """The service; its model loads in the background."""
    asr = settings.asr
    model = Path(asr.model).name
    serving = Serving(settings)
    host = serving.host

    def describe() -> Mapping[str, Any]:
        return {
            "engine": asr.engine,
            "model": model,
            **serving.facts(),
            "threads": asr.threads,
            "languages": list(asr.languages),
            "max_duration_s": asr.max_duration_s,
            "versions": _versions(),
        }

    app = create_app(
        "asr", settings.service, host, max_upload_mb=asr.max_upload_mb, describe=describe, metrics=serving.registry
    )

    @app.errorhandler(ClientLeft)
    def left(_: ClientLeft) -> tuple[str, int]:
        return "", _CLIENT_LEFT

    @app.post("/asr")
    @documented(requestBody=_OWN_BODY, parameters=_OWN_QUERY)
    def asr_route() -> Response:
        """Transcribe a recording; answers with the full result.

        Send JSON {"filename": "a.wav"} for a file below the service's allowed folder, a form with the field `file`, or
        the recording as the body (audio/pcm;rate=16000 for bare 16-bit samples). Options: language, prompt,
        temperature, itn (false: numbers as spoken), deadline_s (then 504 rather than a late answer), stream
        (server-sent events, one for each piece of a long recording), subtitles (srt or vtt: the result has them too),
        peaks (the result has a waveform of at most so many points, too), format (text, srt, vtt, csv, or html: a report
        on one page) with tags (subtitles name emotions and sounds), title and embed_audio (of the report; its sound is
        in it up to ten minutes, unless told otherwise).
        """
        caller = Caller(left=client_left(request.environ))
        ask = own_ask(request, asr, host.get().languages)
        steps = serving.steps(ask, caller)
        if ask.stream:
            return _events(responses.events(steps, ask, asr), iter)
        transcript = _finish(steps)
        if ask.response_format == "json":
            return Response(responses.result(transcript, ask, asr), content_type="application/json")
        content_type = f"{DOCUMENTS[ask.response_format]}; charset=utf-8"
        return Response(responses.document(transcript, ask, asr), content_type=content_type)

    @app.post("/v1/audio/transcriptions")
    @documented(requestBody=_OPENAI_BODY)
    def openai_route() -> Response:
        """Transcribe a recording, as OpenAI's API does it.

        response_format: json, text, srt, vtt, verbose_json; stream=true sends transcript.text.delta and .done events.
        """
        caller = Caller(left=client_left(request.environ))
        ask = openai_ask(request, model, host.get().languages)
        steps = serving.steps(ask, caller)
        if ask.stream:
            return _events(steps, _openai_events())
        return _openai_answer(_finish(steps), ask)

    add_live(app, settings, serving)

    @app.get("/v1/models")
    def models_route() -> Response:
        """The model's names."""
        return jsonify(object="list", data=[_model(name) for name in (model, OPENAI_ALIAS)])

    @app.get("/v1/models/<name>")
    def model_route(name: str) -> Response:
        """One model."""
        if name not in (model, OPENAI_ALIAS):
            raise unknown_model(name, model)
        return jsonify(_model(name))

    return app


def _finish(steps: Steps) -> RecordingTranscript:
    *_, transcript = steps
    assert isinstance(transcript, RecordingTranscript)
    return transcript


def _openai_answer(transcript: RecordingTranscript, ask: Ask) -> Response:
    if ask.response_format == "verbose_json":
        return jsonify(as_verbose(transcript, words=ask.words))
    if ask.response_format == "json":
        return jsonify(text=transcript.text, usage=usage(transcript))
    write = SUBTITLES.get(ask.response_format)
    text = write(transcript.segments) if write else f"{transcript.text}\n"
    return Response(text, content_type=f"{DOCUMENTS[ask.response_format]}; charset=utf-8")


def _openai_events() -> Callable[[Step], Iterator[str]]:
    last = ""

    def event(step: Step) -> Iterator[str]:
        nonlocal last
        if isinstance(step, RecordingTranscript):
            done = {"type": "transcript.text.done", "text": step.text, "usage": usage(step)}
            return iter([json.dumps(done, ensure_ascii=False)])
        texts = [segment.text for segment in step.segments if segment.text]
        delta = join_texts([last, *texts])[len(last) :]
        last = texts[-1] if texts else last
        return iter([json.dumps({"type": "transcript.text.delta", "delta": delta}, ensure_ascii=False)])

    return event


def _events(steps: Iterator[T], as_event: Callable[[T], Iterator[str]]) -> Response:
    """Server-sent events. The first step is done before the answer begins, so that a bad recording is still a 4xx."""
    first = next(steps)

    def lines() -> Iterator[str]:
        try:
            for step in itertools.chain([first], steps):
                yield "data: "
                yield from as_event(step)
                yield "\n\n"
        except ApiError as error:
            yield _event(error.body())
        except ClientLeft:
            return
        except Exception:
            log.exception("unexpected error in a stream")
            yield _event(ApiError(500, "services.internal_error").body())

    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return Response(stream_with_context(lines()), content_type="text/event-stream; charset=utf-8", headers=headers)


def _event(data: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "huiyin"}


def _versions() -> dict[str, str]:
    versions = {}
    for library in _LIBRARIES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[library] = importlib.metadata.version(library)
    return versions


_BINARY = {"type": "string", "format": "binary"}
_OPTIONS: dict[str, Any] = {
    "language": {"type": "string", "description": "a code such as zh; auto: detect"},
    "prompt": {"type": "string", "description": "text in the expected style, with expected names"},
    "temperature": {"type": "number", "minimum": 0, "maximum": 1},
    "hotwords": {"type": "string", "description": "names and terms to expect, with commas between; at most 200"},
    "itn": {"type": "boolean", "description": "numbers and dates as one writes them; false: as spoken"},
    "deadline_s": {"type": "number", "minimum": 0, "description": "then 504 instead of a late answer; 0: never"},
    "stream": {"type": "boolean"},
}
_OWN_OPTIONS: dict[str, Any] = {
    **_OPTIONS,
    "format": {"type": "string", "enum": list(DOCUMENTS)},
    "subtitles": {"type": "string", "enum": list(SUBTITLES)},
    "tags": {"type": "boolean"},
    "peaks": {"type": "integer", "minimum": 2, "maximum": MOST_PEAKS},
    "title": {"type": "string"},
    "embed_audio": {"type": "boolean"},
}
_OWN_QUERY = [{"name": name, "in": "query", "schema": schema} for name, schema in _OWN_OPTIONS.items()]
_OWN_BODY = {
    "content": {
        "application/json": {
            "schema": {"type": "object", "properties": {"filename": {"type": "string"}, **_OWN_OPTIONS}}
        },
        "multipart/form-data": {"schema": {"type": "object", "properties": {"file": _BINARY, **_OWN_OPTIONS}}},
        "audio/pcm;rate=16000": {"schema": _BINARY},
        "application/octet-stream": {"schema": _BINARY},
    }
}
_OPENAI_BODY = {
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": _BINARY,
                    "model": {"type": "string"},
                    "response_format": {"type": "string"},
                    "timestamp_granularities[]": {"type": "array", "items": {"type": "string"}},
                    **_OPTIONS,
                },
            }
        }
    }
}
