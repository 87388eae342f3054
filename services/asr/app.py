"""The speech-to-text service: its addresses."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

from huiyin.configs.settings import Settings
from huiyin.services.asr.engines.upstreams import Upstreams, model_of
from huiyin.services.asr.http import responses
from huiyin.services.asr.http.fields import (
    FLAG_PATTERN,
    LONGEST_DEADLINE_S,
    MOST_CHARS,
    MOST_LANGUAGE_CHARS,
    MOST_PHRASES_CHARS,
    MOST_SPEAKERS,
    language_pattern,
    text,
)
from huiyin.services.asr.http.jobs import add_jobs
from huiyin.services.asr.http.request import GRANULARITIES, OPENAI_ALIAS, openai_job, own_job, unknown_model
from huiyin.services.asr.http.stream import PARTIALS_MS, RATES_HZ, add_live
from huiyin.services.asr.phrase import LONGEST as PHRASE_CHARS
from huiyin.services.asr.queue import Caller
from huiyin.services.asr.recogniser import RecordingTranscript
from huiyin.services.asr.report.media import MOST_PEAKS
from huiyin.services.asr.serving import Serving
from huiyin.services.asr.text.formats import DOCUMENTS, FORMATS
from huiyin.services.asr.text.hotword_list import LONGEST, MOST
from huiyin.services.asr.text.subtitles import SUBTITLES
from huiyin.services.asr.transcribe import Steps
from huiyin.services.common import forms
from huiyin.services.common.app import create_app
from huiyin.services.common.errors import ApiError
from huiyin.services.common.model_names import ModelNames, model_header
from huiyin.services.common.openapi import Operations, operations
from huiyin.services.common.upstreams.chain import Chain
from huiyin.services.common.watch import client_left

_LIBRARIES = ("faster-whisper", "ctranslate2", "av")


def make_app(settings: Settings) -> Flask:
    """The service; its model loads in the background."""
    forms.install()
    asr = settings.asr
    model = model_of(asr)
    names = ModelNames(settings.service.strict_models)
    serving = Serving(settings)
    host = serving.host

    def upstreams(tell: Callable[[Chain[Any]], list[Mapping[str, Any]]]) -> Mapping[str, Any]:
        engine = host.peek()
        return {"upstreams": tell(engine.chain)} if isinstance(engine, Upstreams) else {}

    def describe() -> Mapping[str, Any]:
        return {
            "engine": asr.engine,
            "model": model,
            **serving.facts(),
            **upstreams(Chain.facts),
            "threads": asr.threads,
            "languages": list(asr.languages),
            "max_duration_s": asr.max_duration_s,
            "versions": _versions(),
        }

    def described() -> Operations:
        engine = host.peek()
        known = engine.languages if engine else asr.languages
        return operations(
            Path(__file__).with_name("http") / "openapi.yaml",
            language=language_pattern(known, several=False),
            languages=language_pattern(known, several=True),
            flag=FLAG_PATTERN,
            granularities=list(GRANULARITIES),
            longest_hotword=LONGEST,
            most_hotwords=MOST,
            most_chars=MOST_CHARS,
            most_language_chars=MOST_LANGUAGE_CHARS,
            most_phrases_chars=MOST_PHRASES_CHARS,
            most_deadline_s=LONGEST_DEADLINE_S,
            most_peaks=MOST_PEAKS,
            most_speakers=MOST_SPEAKERS,
            longest_phrase=PHRASE_CHARS,
            documents=["", *DOCUMENTS],
            subtitle_kinds=["", *SUBTITLES],
            response_formats=["", *FORMATS],
            models=[model, OPENAI_ALIAS],
            least_hz=RATES_HZ[0], most_hz=RATES_HZ[1], least_ms=PARTIALS_MS[0], most_ms=PARTIALS_MS[1],
        )  # fmt: skip

    app = create_app(
        "asr",
        settings.service,
        host,
        max_upload_mb=asr.max_upload_mb,
        operations=described,
        describe=describe,
        ready_facts=lambda: upstreams(Chain.reachable),
        metrics=serving.registry,
    )

    @app.post("/asr")
    def asr_route() -> Response:
        """Transcribe a recording; the response is the full result.

        Send JSON {"filename": "a.wav"} for a file below the service's allowed folder, a form with the field `file`, or
        the recording as the body (audio/pcm;rate=16000 for bare 16-bit samples). Options: language, prompt,
        temperature, itn (false: numbers as spoken), deadline_s (504 instead of a late response), stream (server-sent
        events, one for each piece of a long recording), subtitles (srt or vtt: added to the result), peaks (a waveform
        of at most this many points is added to the result), words (true: with the times of single words; Whisper takes
        a little longer), speakers (auto, how many, or channels: each segment names who says it) with speaker_names,
        phrases (key phrases that are marked: apology, promise, or your own, a line each as in 'refund: money back'),
        careful (fewer errors in more time; default: asr.careful), format (text, srt, vtt, csv; html: a report on one
        page; chapters or ffmetadata: laughter, applause, anger and key phrases as chapter marks) with tags (subtitles
        name emotions and sounds), title and embed_audio (of the report; by default it holds the sound of recordings up
        to ten minutes), clean (hesitation and repetition are left out).
        """
        caller = Caller(left=client_left(request.environ))
        job = own_job(request, asr, host.get().languages)
        steps = serving.steps(job, caller)
        if job.stream:
            return responses.event_stream(responses.events(steps, job, asr))
        return responses.response(_last(steps), job, asr)

    @app.post("/speaker")
    def speaker_route() -> Response:
        """The voice of a recording with one speaker, as a vector: embedding, model, speech_s.

        The recording comes as at /asr. Vectors have length 1: the product of two tells how alike two voices are, from
        0.4 on probably one person's. 422 `no_speech` where there is too little speech; more than 30 s are not used.
        """
        caller = Caller(left=client_left(request.environ))
        job = own_job(request, asr, host.get().languages)
        return jsonify(serving.voice(job, caller))

    @app.post("/phrase")
    def phrase_route() -> Response:
        """Whether a recording begins with a phrase: score, end_s, model.

        The recording comes as at /asr; `phrase` and its `language` stand in the address. By about `score` (natural
        logarithm) the phrase is likelier with this sound than with noise: from 0 on it was probably said. null: nothing
        was. 422 `cannot_hear_phrases` where the recogniser has no such score: Whisper has.
        """
        caller = Caller(left=client_left(request.environ))
        job = own_job(request, asr, host.get().languages)
        phrase = text(request.args, "phrase", PHRASE_CHARS).strip()
        if not phrase or len(job.hints.languages) != 1:
            raise ApiError(400, "asr.no_phrase", code="bad_phrase")
        return jsonify(serving.phrase(job, phrase, job.hints.languages[0], caller))

    @app.post("/v1/audio/transcriptions")
    def openai_route() -> Response:
        """Transcribe a recording, as OpenAI's API does it.

        response_format: json, text, srt, vtt, verbose_json, diarized_json (who says what); stream=true sends
        transcript.text.delta and .done events.
        A `model` that is not here stands for the one that is: the header X-Huiyin-Model names it.
        """
        return openai(translate=False)

    @app.post("/v1/audio/translations")
    def translations_route() -> Response:
        """Translate a recording into English, as OpenAI's API does it.

        400 `cannot_translate` where the recogniser only transcribes: Whisper translates.
        """
        if not host.get().translates:
            raise ApiError(400, "asr.cannot_translate", engine=asr.engine)
        return openai(translate=True)

    def openai(*, translate: bool) -> Response:
        caller = Caller(left=client_left(request.environ))
        job = openai_job(request, model, names, host.get().languages, translate=translate)
        steps = serving.steps(job, caller)
        if job.stream:
            response = responses.event_stream(responses.openai_events(steps, job))
        else:
            response = responses.openai_response(_last(steps), job)
        response.headers.update(model_header(model))
        return response

    add_live(app, settings, serving)
    add_jobs(app, settings, serving)

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


def _last(steps: Steps) -> RecordingTranscript:
    *_, transcript = steps
    assert isinstance(transcript, RecordingTranscript)
    return transcript


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "huiyin"}


def _versions() -> dict[str, str]:
    versions = {}
    for library in _LIBRARIES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[library] = importlib.metadata.version(library)
    return versions
