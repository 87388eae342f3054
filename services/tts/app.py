"""The TTS service: text to speech in Chinese and English, streamed while it is synthesised."""

from __future__ import annotations

import base64
import itertools
import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, request

from huiyin.configs.messages import Message
from huiyin.configs.settings import Settings
from huiyin.services.common.app import create_app, json_body
from huiyin.services.common.errors import ApiError
from huiyin.services.common.live_work import LiveWork
from huiyin.services.common.loading import EngineHost
from huiyin.services.common.model_names import ModelNames, model_header
from huiyin.services.common.no_store import forbids_storing
from huiyin.services.common.openapi import Operations, operations
from huiyin.services.common.pronunciations import LONGEST, MOST, PronunciationError, Pronunciations, read_pronunciations
from huiyin.services.common.upstreams.chain import Chain
from huiyin.services.common.watch import client_left
from huiyin.services.tts import g2p_zh
from huiyin.services.tts.alignment import TextAlignment
from huiyin.services.tts.encode import FORMATS, PCM_FORMATS, encode
from huiyin.services.tts.measures import SpeechMeter
from huiyin.services.tts.speaker import Speaker
from huiyin.services.tts.spoken import spoken
from huiyin.services.tts.styles import EMOTIONS, Style, style_of
from huiyin.services.tts.voice_engine import Sound, Speech, WordTiming
from huiyin.services.tts.voice_selector import ALIASES

log = logging.getLogger(__name__)

_BODY_LIMIT_MB = 4
_SPEEDS = (0.25, 4.0)  # OpenAI's range
_RATES_HZ = (8_000, 48_000)
_MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")  # OpenAI's names: voice and language choose the engine
_STREAM_FORMATS = ("audio", "sse")
_BAD_PRONUNCIATIONS = "bad_pronunciations"  # code of these errors
_SSE = "text/event-stream"


@dataclass(frozen=True)
class SpeechRequest:
    """A checked request."""

    text: str  # the speech text: words and marks, not empty
    source: str  # the caller's text
    voice: str
    speed: float
    form: str
    rate: int
    style: Style
    sounds: Mapping[str, str]  # word -> phonemes


def make_app(settings: Settings) -> Flask:
    """The service with the engines of ``tts.engine``; they load in the background."""
    meter, live = SpeechMeter(), LiveWork(settings.asr.port)

    def load() -> Speaker:
        speaker = Speaker.load(settings)
        meter.watch(lambda: speaker.waiting, lambda: speaker.cache_uses)
        return speaker

    host = EngineHost(load, name=Message("services.voices"), wait_s=settings.service.load_wait_s)
    limit = settings.tts.max_text_chars
    own_words = read_pronunciations(settings.tts.pronunciations)
    names = ModelNames(settings.service.strict_models)

    def upstreams(tell: Callable[[Chain[Any]], list[Mapping[str, Any]]]) -> Mapping[str, Any]:
        speaker = host.peek()
        chain = speaker.upstreams if speaker else None
        return {"upstreams": tell(chain)} if chain else {}

    def describe() -> Mapping[str, Any]:
        speaker = host.peek()
        return {
            "engine": settings.tts.engine,
            "engines": speaker.engine_names if speaker else [],
            **upstreams(Chain.facts),
            "device": "cpu",
            "threads": settings.tts.threads,
            "max_text_chars": limit,
        }

    def described() -> Operations:
        speaker = host.peek()
        known = speaker.voice_names if speaker else None
        voice = (
            {"type": ["string", "null"], "format": "voice"} if known is None else {"enum": [None, "", *ALIASES, *known]}
        )
        return operations(
            Path(__file__).with_name("openapi.yaml"),
            text={"type": "string", "minLength": 1, "maxLength": limit, "format": "words"},
            voice=voice,
            emotions=[None, *EMOTIONS],
            formats=[None, "", *FORMATS],
            pcm_formats=PCM_FORMATS,
            coded_formats=[name for name in FORMATS if name not in PCM_FORMATS],
            most_pronunciations=MOST,
            longest_pronunciation=LONGEST,
            stream_formats=[None, "", *_STREAM_FORMATS],
            least_speed=_SPEEDS[0], most_speed=_SPEEDS[1], least_hz=_RATES_HZ[0], most_hz=_RATES_HZ[1],
        )  # fmt: skip

    app = create_app(
        "tts",
        settings.service,
        host,
        max_upload_mb=_BODY_LIMIT_MB,
        operations=described,
        describe=describe,
        ready_facts=lambda: upstreams(Chain.reachable),
        metrics=meter.registry,
    )

    @app.get("/voices")
    def voices() -> Response:
        """Every voice: name, engine, language, gender, and the languages it speaks.

        With `?name=` the one that a request by that name gets, listed or not; none where there is no such voice.
        """
        speaker, name = host.get(), request.args.get("name")
        listed = [
            {"name": v.name, "engine": v.engine, "language": v.language, "gender": v.gender, "speaks": sorted(v.speaks)}
            for v in (speaker.voices if name is None else speaker.named(name))
        ]
        return jsonify(voices=listed)

    @app.get("/v1/audio/voices")
    def voices_for_clients() -> Response:
        """Names for `voice` of /v1/audio/speech, each with what to show, as Open WebUI and others ask for them."""
        own = [
            {"id": v.name, "name": f"{v.name} ({v.language}, {v.gender})", "language": v.language}
            for v in host.get().voices
        ]
        return jsonify(voices=[*own, *({"id": name, "name": name, "language": "auto"} for name in ALIASES)])

    @app.get("/v1/audio/models")
    def models_for_clients() -> Response:
        """Names for `model` of /v1/audio/speech, as Open WebUI asks for them."""
        return jsonify(models=[{"id": name, "name": name} for name in model_names()])

    @app.get("/v1/models")
    def models() -> Response:
        """Model names for /v1/audio/speech: OpenAI's, and the engines here."""
        return jsonify(object="list", data=[{"id": n, "object": "model", "owned_by": "huiyin"} for n in model_names()])

    def model_names() -> list[str]:
        return [*_MODELS, *host.get().engine_names]

    @app.post("/audio")
    def audio() -> Response:
        """Speak `text`. The answer is the sound, as wav unless `format` says otherwise.

        Optional: `voice`, `speed` (0.25-4), `emotion` (neutral, gentle, cheerful, calm, serious), `format` (wav, mp3,
        opus, aac, flac, pcm), `sample_rate` (8000-48000, wav and pcm), `pronunciations` (word -> how it is said: a
        spelling, "shan4" or "/phonemes/"). The headers X-Sample-Rate and X-Voice describe the sound; X-Warning says
        that another voice speaks.
        """
        wish = checked(json_body(), "text", "format", "wav")
        data, headers = speech(wish, [])
        return Response(data, mimetype=FORMATS[wish.form].mime, headers=headers)

    @app.post("/v1/audio/speech")
    def openai_speech() -> Response:
        """Speak `input`, as OpenAI's speech does; streamed.

        `response_format`: mp3, wav, opus, aac, flac or pcm (16-bit, 24 kHz unless `sample_rate` says otherwise);
        `stream_format`: audio or sse; `model`: an engine of GET /v1/models, any other name leaves the choice to voice
        and language (the header X-Huiyin-Model names the engine); `emotion` and `pronunciations`: as for /audio;
        `timings` (sse only): events `speech.audio.words` with the times of each part of `input`.
        """
        body = json_body()
        as_stream = _given(body, "stream_format", _STREAM_FORMATS[0])
        if as_stream not in _STREAM_FORMATS:
            raise ApiError(400, "tts.bad_stream_format", format=as_stream)
        timings = False if body.get("timings") is None else body["timings"]
        if not isinstance(timings, bool) or (timings and as_stream != "sse"):
            raise ApiError(400, "tts.bad_timings")
        engine = engine_of(body.get("model"))
        wish = checked(body, "input", "response_format", "mp3")
        words: list[WordTiming] = []
        data, headers = speech(wish, words, engine)
        if as_stream == "audio":
            return Response(data, mimetype=FORMATS[wish.form].mime, headers=headers)
        alignment = TextAlignment(wish.source, wish.text) if timings else None
        return Response(_events(data, words, alignment, len(wish.text)), mimetype=_SSE, headers=headers)

    def checked(body: Mapping[str, Any], text_field: str, form_field: str, default_form: str) -> SpeechRequest:
        """The request's body, checked. Raises ApiError 400 or 413."""
        text = body.get(text_field)
        if not isinstance(text, str) or not text.strip():
            raise ApiError(400, "tts.no_text", field=text_field)
        if len(text) > limit:
            raise ApiError(413, "tts.text_too_long", length=len(text), most=limit)
        form = _given(body, form_field, default_form)
        if not isinstance(form, str) or form not in FORMATS:
            raise ApiError(400, "tts.unknown_format", field=form_field, format=form, known=list(FORMATS))
        voice = _given(body, "voice", "")
        if not isinstance(voice, str):
            raise ApiError(400, "tts.bad_voice")
        rate = FORMATS[form].rate
        if body.get("sample_rate") is not None:
            if FORMATS[form].codec is not None:
                raise ApiError(400, "tts.fixed_sample_rate", code="bad_sample_rate", format=form, rate=rate)
            rate = round(_number(body["sample_rate"], "sample_rate", *_RATES_HZ))
        speed = _number(1.0 if body.get("speed") is None else body["speed"], "speed", *_SPEEDS)
        emotions = [body[name] for name in ("emotion", "style") if body.get(name) is not None]
        style = style_of(emotions[0] if emotions else "")
        words, sounds = pronunciations_of(body.get("pronunciations"))
        # The language of the voice is that in which text without letters ("3:30") is read.
        speech_text = spoken(words.respelt(text), host.get().language(voice))
        if not speech_text:
            raise ApiError(400, "tts.nothing_to_say")
        return SpeechRequest(speech_text, text, voice, speed, form, rate, style, sounds)

    def pronunciations_of(forms: object) -> tuple[Pronunciations, Mapping[str, str]]:
        """Those of the service and of a request, and the phonemes of their words. Raises ApiError 400."""
        if forms is not None and not isinstance(forms, Mapping):
            raise ApiError(400, "tts.pronunciations_no_table", code=_BAD_PRONUNCIATIONS)
        try:
            words = own_words | Pronunciations.of(forms or {})
            return words, g2p_zh.sounds(words)
        except PronunciationError as error:
            raise ApiError(400, "tts.bad_pronunciation", code=_BAD_PRONUNCIATIONS, error=error) from error

    def engine_of(model: object) -> str:
        """The engine of a model's name, '' for any. Raises ApiError 404."""
        engines = host.get().engine_names
        if model in engines:
            return str(model)
        if model in (None, "", *_MODELS) or (isinstance(model, str) and names.accepts(model, "any engine")):
            return ""
        raise ApiError(404, "tts.model_not_found", model=model, known=[*_MODELS, *engines])

    def speech(
        wish: SpeechRequest, words: list[WordTiming], engine: str = ""
    ) -> tuple[Iterator[bytes], dict[str, str]]:
        """Encoded sound and the headers that describe it; the first sound is synthesised before this returns.

        `engine`: '' for any. `words` grows with the sound, each word before the sound in which it ends.
        """
        speaker = host.get()
        choice = speaker.choose(wish.text, wish.voice, engine)
        may_store = not forbids_storing(request.headers.get("Cache-Control"))
        chunks = speaker.speak(wish.text, choice, wish.speed, wish.style, wish.sounds, may_store=may_store)
        sound = live.during(meter.metered(_sound_of(chunks, words), choice.engine.name))
        sound = _until_left(sound, client_left(request.environ))
        n_samples = None
        if not choice.engine.remote and len(choice.engine.pieces(wish.text)) == 1:
            # One piece is synthesised as a whole: the header can have its length.
            whole = list(sound)
            n_samples, sound = sum(map(len, whole)), iter(whole)
        first = next(sound, None)
        if first is None:
            raise ApiError(400, "tts.nothing_to_say")
        data = encode(itertools.chain([first], sound), wish.form, wish.rate, n_samples)
        headers = {"X-Sample-Rate": str(wish.rate), "X-Voice": choice.voice.name, **model_header(choice.engine.name)}
        if choice.warning:
            headers["X-Warning"] = choice.warning
        return _logged(data), headers

    return app


def _given(body: Mapping[str, Any], name: str, default: str) -> Any:
    """A field; `default` where it is missing, null or empty."""
    return default if body.get(name) in (None, "") else body[name]


def _number(value: object, name: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ApiError(400, "tts.not_a_number", code=f"bad_{name}", name=name)
    if not low <= value <= high:
        raise ApiError(400, "tts.out_of_range", code=f"bad_{name}", name=name, least=low, most=high)
    return float(value)


def _sound_of(speech: Iterator[Speech], words: list[WordTiming]) -> Iterator[Sound]:
    """The sound alone; `words` gets the words."""
    for each in speech:
        if isinstance(each, WordTiming):
            words.append(each)
        else:
            yield each


def _until_left(sound: Iterator[Sound], left: Callable[[], bool]) -> Iterator[Sound]:
    """`sound`, until the client has left."""
    while not left() and (piece := next(sound, None)) is not None:
        yield piece


def _logged(data: Iterator[bytes]) -> Iterator[bytes]:
    """`data`; an error in the middle, too late for an answer, is logged and breaks the connection."""
    try:
        yield from data
    except Exception as error:
        log.error("speech broke off: %s", error)
        raise


def _events(
    data: Iterator[bytes], words: list[WordTiming], alignment: TextAlignment | None, n_characters: int
) -> Iterator[str]:
    """The sound as OpenAI's server-sent events; with `alignment`, also the caller's words and their times."""
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
