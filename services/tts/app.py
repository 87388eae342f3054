"""The TTS service: text to speech in Chinese and English, streamed as it is made."""

from __future__ import annotations

import base64
import itertools
import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, jsonify, request

from huiyin.configs.settings import Settings
from huiyin.services.common.app import create_app, documented, json_body
from huiyin.services.common.errors import ApiError
from huiyin.services.common.loading import EngineHost
from huiyin.services.common.watch import client_left
from huiyin.services.tts.alignment import TextAlignment
from huiyin.services.tts.encode import FORMATS, encode
from huiyin.services.tts.speaker import Speaker
from huiyin.services.tts.spoken import spoken
from huiyin.services.tts.styles import Style, style_of
from huiyin.services.tts.voice_engine import Sound, Speech, WordTiming

log = logging.getLogger(__name__)

_BODY_LIMIT_MB = 4
_SPEEDS = (0.25, 4.0)  # OpenAI's range
_RATES_HZ = (8_000, 48_000)
_MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")  # OpenAI's names: the voice or the language decides the engine
_STREAM_FORMATS = ("audio", "sse")
_SSE = "text/event-stream"


@dataclass(frozen=True)
class Wanted:
    """What a caller asks for, checked."""

    text: str  # what is said: words and marks, not empty
    source: str  # the text as it came
    voice: str
    engine: str  # '': any
    speed: float
    form: str
    rate: int
    style: Style


def make_app(settings: Settings) -> Flask:
    """The service with the engines of ``tts.engine``; they load in the background."""
    host = EngineHost(lambda: Speaker.load(settings), name="voices", wait_s=settings.service.load_wait_s)
    limit = settings.tts.max_text_chars

    def describe() -> Mapping[str, Any]:
        speaker = host.peek()
        engines = speaker.engine_names if speaker else []
        return {
            "engine": settings.tts.engine,
            "engines": engines,
            "device": "cpu",
            "threads": settings.tts.threads,
            "max_text_chars": limit,
        }

    app = create_app("tts", settings.service, host, max_upload_mb=_BODY_LIMIT_MB, describe=describe)

    @app.get("/voices")
    def voices() -> Response:
        """Every voice: name, engine, language, gender, and the languages it can be given."""
        listed = [
            {"name": v.name, "engine": v.engine, "language": v.language, "gender": v.gender, "speaks": sorted(v.speaks)}
            for v in host.get().voices
        ]
        return jsonify(voices=listed)

    @app.get("/v1/models")
    def models() -> Response:
        """Model names that /v1/audio/speech takes: OpenAI's, and the engines here."""
        names = [*_MODELS, *host.get().engine_names]
        return jsonify(object="list", data=[{"id": n, "object": "model", "owned_by": "huiyin"} for n in names])

    @app.post("/audio")
    @documented(requestBody=_example({"text": "你好", "voice": "zf_xiaoxiao", "speed": 1.0, "format": "wav"}))
    def audio() -> Response:
        """Speak `text`; answers with the sound, wav unless `format` says otherwise.

        Optional: `voice`, `speed` (0.25-4), `emotion` (neutral, gentle, cheerful, calm, serious), `format` (wav, mp3,
        opus, flac, pcm), `sample_rate` (8000-48000, wav and pcm). Headers X-Sample-Rate and X-Voice tell what came of
        it, X-Warning that another voice had to speak.
        """
        wanted = _wanted(json_body(), "text", "format", "wav", limit, voice_language)
        data, headers = speech(wanted, [])
        return Response(data, mimetype=FORMATS[wanted.form].mime, headers=headers)

    @app.post("/v1/audio/speech")
    @documented(requestBody=_example({"model": "tts-1", "input": "Hello.", "voice": "alloy", "response_format": "mp3"}))
    def openai_speech() -> Response:
        """Speak `input`, as OpenAI's speech does; streams.

        `response_format`: mp3, wav, opus, flac or pcm (16-bit, 24 kHz unless `sample_rate` says otherwise);
        `stream_format`: audio or sse; `model`: OpenAI's names, or an engine of GET /v1/models; `emotion`: as for
        /audio; `timings` (sse only): events `speech.audio.words` say which part of `input` is heard when.
        """
        body = json_body()
        as_stream = body.get("stream_format") or _STREAM_FORMATS[0]
        if as_stream not in _STREAM_FORMATS:
            raise ApiError(400, "tts.bad_stream_format", format=as_stream)
        timings = body.get("timings") or False
        if not isinstance(timings, bool) or (timings and as_stream != "sse"):
            raise ApiError(400, "tts.bad_timings")
        wanted = _wanted(
            body, "input", "response_format", "mp3", limit, voice_language, engine=model(body.get("model"))
        )
        words: list[WordTiming] = []
        data, headers = speech(wanted, words)
        if as_stream == "sse":
            alignment = TextAlignment(wanted.source, wanted.text) if timings else None
            return Response(_events(data, words, alignment, len(wanted.text)), mimetype=_SSE, headers=headers)
        return Response(data, mimetype=FORMATS[wanted.form].mime, headers=headers)

    def voice_language(voice: str) -> str:
        """The language of a voice: it reads what has no letters of its own ("3:30")."""
        return host.get().language(voice)

    def model(name: object) -> str:
        """The engine that a model's name asks for, '' for any. Raises ApiError 404."""
        engines = host.get().engine_names
        if name in engines:
            return str(name)
        if name and name not in _MODELS:
            known = ", ".join([*_MODELS, *engines])
            raise ApiError(404, "tts.model_not_found", model=name, known=known)
        return ""

    def speech(wanted: Wanted, words: list[WordTiming]) -> tuple[Iterator[bytes], dict[str, str]]:
        """Encoded sound and the headers that describe it; the first sound is made before this returns.

        `words` fills as the sound is made, each word before the sound it ends in.
        """
        speaker = host.get()
        choice = speaker.choose(wanted.text, wanted.voice, wanted.engine)
        chunks = speaker.speak(wanted.text, choice, wanted.speed, wanted.style)
        sound = _while_wanted(_sound_of(chunks, words), client_left(request.environ))
        n_samples = None
        if not choice.engine.remote and len(choice.engine.pieces(wanted.text)) == 1:
            # All of it is made at once: its length can stand in the header.
            whole = list(sound)
            n_samples, sound = sum(map(len, whole)), iter(whole)
        first = next(sound, None)
        if first is None:
            raise _nothing_to_say()
        data = encode(itertools.chain([first], sound), wanted.form, wanted.rate, n_samples)
        headers = {"X-Sample-Rate": str(wanted.rate), "X-Voice": choice.voice.name}
        if choice.warning:
            headers["X-Warning"] = choice.warning
        return _told(data), headers

    return app


def _wanted(
    body: Mapping[str, Any],
    text_field: str,
    form_field: str,
    default_form: str,
    max_chars: int,
    voice_language: Callable[[str], str],
    engine: str = "",
) -> Wanted:
    """The request's body, checked. Raises ApiError 400 or 413."""
    text = body.get(text_field)
    if not isinstance(text, str) or not text.strip():
        raise ApiError(400, "tts.no_text", field=text_field)
    if len(text) > max_chars:
        raise ApiError(413, "tts.text_too_long", length=len(text), most=max_chars)
    form = body.get(form_field) or default_form
    if not isinstance(form, str) or form not in FORMATS:
        raise ApiError(400, "tts.unknown_format", field=form_field, format=form, known=list(FORMATS))
    voice = body.get("voice") or ""
    if not isinstance(voice, str):
        raise ApiError(400, "tts.bad_voice")
    rate = FORMATS[form].rate
    if body.get("sample_rate") is not None:
        if FORMATS[form].codec is not None:
            raise ApiError(400, "tts.fixed_sample_rate", code="bad_sample_rate", format=form, rate=rate)
        rate = round(_number(body["sample_rate"], "sample_rate", *_RATES_HZ))
    speed = _number(1.0 if body.get("speed") is None else body["speed"], "speed", *_SPEEDS)
    emotion = body.get("emotion")
    if emotion is None:
        emotion = body.get("style")
    style = style_of("" if emotion is None else emotion)
    speech_text = spoken(text, voice_language(voice))
    if not speech_text:
        raise _nothing_to_say()
    return Wanted(speech_text, text, voice, engine, speed, form, rate, style)


def _number(value: object, name: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ApiError(400, "tts.not_a_number", code=f"bad_{name}", name=name)
    if not low <= value <= high:
        raise ApiError(400, "tts.out_of_range", code=f"bad_{name}", name=name, least=low, most=high)
    return float(value)


def _nothing_to_say() -> ApiError:
    return ApiError(400, "tts.nothing_to_say")


def _sound_of(speech: Iterator[Speech], words: list[WordTiming]) -> Iterator[Sound]:
    """The sound alone; the words go into `words`."""
    for each in speech:
        if isinstance(each, WordTiming):
            words.append(each)
        else:
            yield each


def _while_wanted(sound: Iterator[Sound], left: Callable[[], bool]) -> Iterator[Sound]:
    """`sound`, until nobody listens any more."""
    while not left():
        piece = next(sound, None)
        if piece is None:
            return
        yield piece


def _told(data: Iterator[bytes]) -> Iterator[bytes]:
    """`data`; an error half-way, which can no longer be the answer, is told in the log and breaks the connection."""
    try:
        yield from data
    except Exception as error:
        log.error("speech broke off: %s", error)
        raise


def _events(
    data: Iterator[bytes], words: list[WordTiming], alignment: TextAlignment | None, n_characters: int
) -> Iterator[str]:
    """The sound as OpenAI's server-sent events; with `alignment` also the caller's words and their times."""
    n_words = 0  # in events so far
    for piece in itertools.chain(data, [b""]):
        if alignment and len(words) > n_words:
            new = [alignment.source_word(word) for word in words[n_words:]]
            n_words += len(new)
            listed = [
                {"start": w.start, "end": w.end, "start_s": round(w.start_s, 3), "end_s": round(w.end_s, 3)}
                for w in new
            ]
            yield _event({"type": "speech.audio.words", "words": listed})
        if piece:
            yield _event({"type": "speech.audio.delta", "audio": base64.b64encode(piece).decode("ascii")})
    usage = {"input_tokens": n_characters, "output_tokens": 0, "total_tokens": n_characters}
    yield _event({"type": "speech.audio.done", "usage": usage})


def _event(body: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(body)}\n\n"


def _example(body: Mapping[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"example": body, "schema": {"type": "object"}}}}
