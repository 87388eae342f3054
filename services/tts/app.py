"""The TTS service: text to speech in Chinese and English, streamed as it is made."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Flask, Response, jsonify, request

from configs.settings import Settings
from services.common.app import create_app, documented, json_body
from services.common.engine import EngineHost
from services.common.errors import ApiError
from services.common.watch import client_left
from services.tts.encode import FORMATS, encode
from services.tts.engine import Sound
from services.tts.speaker import RATE, Speaker
from services.tts.text import clean

_BODY_LIMIT_MB = 4
_SPEEDS = (0.25, 4.0)  # OpenAI's range
_RATES = (8_000, 48_000)
_MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")  # OpenAI's names; the voice decides the engine


def make_app(settings: Settings) -> Flask:
    """The service with the engines of ``tts.engine``; they load in the background."""
    host = EngineHost(lambda: Speaker.load(settings), name="voices", wait_s=settings.service.load_wait_s)

    def describe() -> Mapping[str, Any]:
        speaker = host.peek()
        return {"engines": speaker.engine_names if speaker else [], "engine": settings.tts.engine, "device": "cpu",
                "threads": settings.tts.threads}  # fmt: skip

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
        """Model names that /v1/audio/speech takes."""
        names = [*_MODELS, *host.get().engine_names]
        return jsonify(object="list", data=[{"id": n, "object": "model", "owned_by": "huiyin"} for n in names])

    @app.post("/audio")
    @documented(requestBody=_body({"text": "你好", "voice": "zf_xiaoxiao", "speed": 1.0, "format": "wav"}))
    def audio() -> Response:
        """Speak `text`; answers with the sound, wav unless `format` says otherwise."""
        body = json_body()
        return speech(body, body.get("text"), "text", body.get("format", "wav"), "format")

    @app.post("/v1/audio/speech")
    @documented(requestBody=_body({"model": "tts-1", "input": "Hello.", "voice": "alloy", "response_format": "mp3"}))
    def openai_speech() -> Response:
        """Speak `input`, as OpenAI's.

        `response_format`: mp3, wav, opus, flac or pcm (16-bit, 24 kHz unless `sample_rate` says otherwise). Streams.
        """
        body = json_body()
        model = body.get("model") or _MODELS[0]
        known = {*_MODELS, *host.get().engine_names}
        if model not in known:
            raise ApiError(
                404, "model_not_found", f"there is no model {model!r}", f"models: {', '.join(sorted(known))}"
            )
        return speech(body, body.get("input"), "input", body.get("response_format", "mp3"), "response_format")

    def speech(body: Mapping[str, Any], text: object, text_field: str, form: object, form_field: str) -> Response:
        if not isinstance(text, str) or not text.strip():
            raise ApiError(400, "no_text", f"{text_field!r} must be a text that is not empty")
        limit = settings.tts.max_text_chars
        if len(text) > limit:
            raise ApiError(413, "text_too_long", f"{len(text)} characters; {limit} are allowed", "send it in parts")
        if not isinstance(form, str) or form not in FORMATS:
            raise ApiError(
                400, "unknown_format", f"{form_field} {form!r} is not known", f"formats: {', '.join(FORMATS)}"
            )
        voice = body.get("voice") or ""
        if not isinstance(voice, str):
            raise ApiError(400, "bad_voice", "'voice' must be a name", "GET /voices lists them")
        speed = _number(body.get("speed", 1.0), "speed", *_SPEEDS)
        rate = int(_number(body.get("sample_rate", RATE), "sample_rate", *_RATES))
        spoken = clean(text)
        if not spoken:
            raise ApiError(400, "nothing_to_say", "there is nothing in this text that can be spoken", "send words")
        speaker = host.get()
        choice = speaker.choose(spoken, voice)
        left = client_left(request.environ)
        sound = _while_wanted(speaker.speak(spoken, choice, speed), left)
        data = encode(sound, RATE, form, rate)
        first = next(data, b"")
        if form in ("wav",):
            # The header alone is no sign that the engine works: an error must still be told as one.
            first += next(data, b"")
        headers = {"X-Sample-Rate": str(FORMATS[form].rate or rate), "X-Voice": choice.voice.name}
        return Response(itertools.chain([first], data), mimetype=FORMATS[form].mime, headers=headers)

    return app


def _while_wanted(sound: Iterator[Sound], left: Any) -> Iterator[Sound]:
    """`sound`, until nobody listens any more."""
    for piece in sound:
        if left():
            return
        yield piece


def _number(value: object, name: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ApiError(400, f"bad_{name}", f"{name!r} must be a number")
    if not low <= value <= high:
        raise ApiError(400, f"bad_{name}", f"{name!r} must be between {low:g} and {high:g}")
    return float(value)


def _body(example: Mapping[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"example": example, "schema": {"type": "object"}}}}
