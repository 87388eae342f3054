"""Transcribe, ask, speak: a method for each thing a service does. Each gives a `Stream`, which raises ServiceError."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, BinaryIO, Literal, TypeVar, overload
from urllib.parse import quote

import numpy as np

from huiyin.assistant.clients.chat import ChatAnswer
from huiyin.assistant.clients.decoders import Events, Json, Raw, Samples
from huiyin.assistant.clients.form import FormUpload
from huiyin.assistant.clients.http import Decoder, ServiceError, call
from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.mood import LEAST_EVENT_CONFIDENCE
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import HeardUntil, Pcm16
from huiyin.assistant.turns.events import Transcript
from huiyin.configs.settings import Settings
from huiyin.services.common import request_id
from huiyin.services.common.access import url_of
from huiyin.services.common.model_servers import key_headers
from huiyin.services.common.no_store import NO_STORE
from huiyin.services.common.shown_url import shown_url

Name = Literal["asr", "llm", "tts"]
NAMES: tuple[Name, ...] = ("asr", "llm", "tts")
T = TypeVar("T")
_EVENTS = "text/event-stream"
_SPEECH = "/v1/audio/speech"


@dataclass(frozen=True)
class Services:
    """Where the three services are, and how to talk to them."""

    settings: Settings
    request_id: str = ""
    """The name of the requests, for logs: one for all that belongs to a reply; '': each has one of its own."""

    def for_request(self, name: str) -> Services:
        """The same, for requests of this name."""
        return replace(self, request_id=name)

    def url(self, name: Name) -> str:
        """Base URL of a service. Raises ServiceError for port 0: any free port, which a client cannot know."""
        port = getattr(self.settings, name).port
        if not port:
            raise ServiceError("clients.any_port", service=name)
        return url_of(self.settings.service.host, port)

    def get(self, name: Name, path: str, timeout_s: float = 2.0) -> Any:
        """GET a JSON document from a service, and wait for it. Raises ServiceError."""
        return get_json(name, self.url(name), path, timeout_s=timeout_s, key=self.settings.service.api_key)

    def headers(self, content_type: str) -> dict[str, str]:
        """Request headers, with the key where one is set; a private conversation forbids to keep anything."""
        private = NO_STORE if self.settings.talk.private else {}
        named = {request_id.HEADER: self.request_id} if self.request_id else {}
        return {"Content-Type": content_type, **private, **named, **key_headers(self.settings.service.api_key)}

    def transcribe(self, samples: Pcm16, *, timeout_s: float, language: str = "") -> Stream[Transcript]:
        """The user's turn (int16, 16 kHz) as text with its tags: one item. `language`: its code, where it is known."""
        broke_off = ServiceError("clients.broke_off_in_the_middle", service="asr")
        body, kind = samples.astype("<i2").tobytes(), f"audio/pcm;rate={SAMPLE_RATE}"
        path = f"/asr?language={quote(language)}" if language else "/asr"
        return self._post("asr", path, body, lambda _: Json(_transcript, broke_off), timeout_s, content_type=kind)

    def transcribe_file(
        self, file: BinaryIO, size: int, fields: Mapping[str, str], *, timeout_s: float
    ) -> Stream[dict[str, Any]]:
        """The events of a followed job of ``POST /jobs`` for a recording of `size` bytes, with its options.

        It goes on where it was when it broke off; the last event names the job, which is then to be deleted.
        """
        form = FormUpload(fields, file, size)  # two hundred hotwords would not fit into a URL
        headers = {"Content-Length": str(form.length)}
        return self._post(
            "asr", "/jobs", form, lambda _: Events("asr", lambda event: [event]), timeout_s,
            content_type=form.content_type, **headers,
        )  # fmt: skip

    def speaker(
        self, sound: bytes, content_type: str, voice_from: Callable[[Any], T], *, timeout_s: float
    ) -> Stream[T]:
        """The voice of a recording with one speaker, as `voice_from` reads the service's answer: one item."""
        strange = ServiceError("clients.not_json", service="asr", url=self.url("asr"))
        return self._post(
            "asr", "/speaker", sound, lambda _: Json(voice_from, strange), timeout_s, content_type=content_type
        )

    def phrase(
        self, samples: Pcm16, phrase: str, language: str, *, timeout_s: float
    ) -> Stream[tuple[float | None, float]]:
        """How likely sound (int16, 16 kHz) begins with `phrase`, and where that would end in it: one item, (score of
        `POST /phrase`, seconds); None: nothing is said in it. Recognisers that have no such score raise ServiceError.
        """
        strange = ServiceError("clients.not_json", service="asr", url=self.url("asr"))
        return self._post(
            "asr", f"/phrase?phrase={quote(phrase)}&language={quote(language)}", samples.astype("<i2").tobytes(),
            lambda _: Json(_phrase, strange), timeout_s, content_type=f"audio/pcm;rate={SAMPLE_RATE}",
        )  # fmt: skip

    def delete_job(self, job_id: str, *, timeout_s: float) -> Stream[None]:
        """Delete what the speech service keeps of a job. One item."""
        strange = ServiceError("clients.not_json", service="asr", url=self.url("asr"))
        return Stream(
            lambda: call(
                "asr", self.url("asr"), f"/jobs/{job_id}", lambda _: Json(lambda answer: None, strange),
                timeout_s=timeout_s, headers=self.headers("application/json"), method="DELETE",
            )
        )  # fmt: skip

    def judge_words(self, text: str, *, timeout_s: float) -> Stream[float]:
        """Probability 0..1 that a turn that says `text` is complete: one item."""
        strange = ServiceError("clients.not_a_judgement", service="llm")
        return self._post("llm", "/end_of_turn", {"text": text}, lambda _: Json(_probability, strange), timeout_s)

    @overload
    def ask(
        self, messages: Sequence[Message], *, timeout_s: float, max_tokens: int | None = None, model: str = "",
        session: str = "", background: bool = False,
    ) -> Stream[str]: ...  # fmt: skip

    @overload
    def ask(
        self, messages: Sequence[Message], *, timeout_s: float, max_tokens: int | None = None, model: str = "",
        session: str = "", background: bool = False, tools: Sequence[Tool], tool_choice: ToolChoice = "auto",
    ) -> Stream[str | CalledTool]: ...  # fmt: skip

    def ask(
        self,
        messages: Sequence[Message],
        *,
        timeout_s: float,
        max_tokens: int | None = None,
        model: str = "",
        session: str = "",
        background: bool = False,
        tools: Sequence[Tool] = (),
        tool_choice: ToolChoice = "auto",
    ) -> Stream[Any]:
        """The model's reply, piece by piece, then the `tools` that it calls; `max_tokens` long at most (default: a
        spoken reply).

        `session` names the conversation, whose prompt is kept for it; `background`: others go first. A `model` that the
        service does not have is an error.
        """
        body = {
            "messages": list(messages),
            "stream": True,
            "max_tokens": max_tokens or self.settings.talk.max_reply_tokens,
            **({"model": model} if model else {}),
            **({"tools": [tool.as_openai() for tool in tools], "tool_choice": tool_choice} if tools else {}),
        }
        headers = {"X-Huiyin-Session": session} if session else {}
        if background:
            headers["X-Huiyin-Priority"] = "background"
        if model:  # who names one is not to be answered by another
            headers["X-Huiyin-Strict-Model"] = "true"
        return self._post("llm", "/v1/chat/completions", body, _chat_decoder, timeout_s, **headers)

    def hold(self, seconds: float, *, session: str = "", timeout_s: float) -> Stream[None]:
        """Suspend an embedded model for so long, while a voice needs its cores; 0 resumes it. One item."""
        strange = ServiceError("clients.not_json", service="llm", url=self.url("llm"))
        body = {"seconds": seconds, "session": session}
        headers = {"X-Huiyin-Session": session} if session else {}  # leads to the replica that has its prompt
        return self._post("llm", "/hold", body, lambda _: Json(lambda answer: None, strange), timeout_s, **headers)

    def speak(
        self,
        text: str,
        voice: str,
        *,
        timeout_s: float,
        emotion: str = "",
        words: bool = False,
        speed: float = 1.0,
        pronunciations: Mapping[str, str] | None = None,
    ) -> Stream[Pcm16 | list[HeardUntil]]:
        """Sound of `text` (int16, 16 kHz) as it is made; `emotion`: how it is said ('gentle', ...), '' as usual;
        `speed`: times the usual pace; `pronunciations`: word -> how it is said.

        With `words` also lists of the words of `text` as their times are known, in order, before or after their sound.
        """
        body: dict[str, Any] = {
            "input": text,
            "response_format": "pcm",
            "sample_rate": SAMPLE_RATE,
            "model": "tts-1",
            "stream_format": "sse",
            "timings": words,
            **({"voice": voice} if voice else {}),
            **({"emotion": emotion} if emotion else {}),
            **({"speed": speed} if speed != 1 else {}),
            **({"pronunciations": dict(pronunciations)} if pronunciations else {}),
        }
        return self._post("tts", _SPEECH, body, partial(_speech_decoder, words), timeout_s)

    def sound(self, text: str, voice: str, *, timeout_s: float) -> Pcm16:
        """All the sound of `text` (int16, 16 kHz), waited for. Raises ServiceError."""
        pieces = [piece for piece in self.speak(text, voice, timeout_s=timeout_s) if not isinstance(piece, list)]
        return np.concatenate([np.zeros(0, np.int16), *pieces])

    def speech(self, body: dict[str, Any], *, timeout_s: float) -> Stream[bytes]:
        """What ``POST /v1/audio/speech`` answers, piece by piece."""
        return self._post("tts", _SPEECH, body, lambda content_type: Raw(), timeout_s)

    def _post(
        self,
        name: Name,
        path: str,
        body: Mapping[str, Any] | bytes | FormUpload,
        decoder_of: Callable[[str], Decoder[T]],
        timeout_s: float,
        *,
        content_type: str = "application/json",
        **headers: str,
    ) -> Stream[T]:
        data = json.dumps(body, ensure_ascii=False).encode(errors="replace") if isinstance(body, Mapping) else body
        headers = {**self.headers(content_type), **headers}
        return Stream(
            lambda: call(name, self.url(name), path, decoder_of, timeout_s=timeout_s, body=data, headers=headers)
        )


def get_json(service: str, base_url: str, path: str, *, timeout_s: float, key: str = "") -> Any:
    """GET a JSON document, and wait for it. Raises ServiceError."""
    strange = ServiceError("clients.not_json", service=service, url=shown_url(base_url))
    decoder, headers = Json(lambda body: body, strange), key_headers(key, base_url)
    return Stream(lambda: call(service, base_url, path, lambda _: decoder, timeout_s=timeout_s, headers=headers)).one()


def _transcript(result: dict[str, Any]) -> Transcript:
    emotion = result.get("emotion")
    return Transcript(
        text=str(result.get("text") or ""),
        language=str(result.get("language") or ""),
        emotion=(str(emotion["label"]), float(emotion["confidence"])) if emotion else None,
        events=tuple(event["label"] for event in result.get("events") or () if _is_likely(event)),
        facts=result,
    )


def _phrase(answer: dict[str, Any]) -> tuple[float | None, float]:
    return (None, 0.0) if answer["score"] is None else (float(answer["score"]), float(answer["end_s"]))


def _probability(answer: dict[str, Any]) -> float:
    return float(answer["probability"])


def _chat_decoder(content_type: str) -> Decoder[str | CalledTool]:
    answer = ChatAnswer()
    return Events("llm", answer.items_of, answer.last_items)


def _speech_decoder(words: bool, content_type: str) -> Decoder[Pcm16 | list[HeardUntil]]:
    """Of a speech service's events. A service without events answers with the samples themselves."""
    samples = Samples()

    def items_of(event: dict[str, Any]) -> Iterable[Pcm16 | list[HeardUntil]]:
        match event.get("type"):
            case "speech.audio.delta":
                return samples.feed(base64.b64decode(event["audio"]))
            case "speech.audio.words" if words:
                return [[(round(word["end_s"] * SAMPLE_RATE), word["end"]) for word in event["words"]]]
        return []

    return Events("tts", items_of) if content_type == _EVENTS else samples


def _is_likely(event: dict[str, Any]) -> bool:
    """Whether a sound event is sure enough to be mentioned; some engines give no confidence."""
    confidence = event.get("confidence")
    return confidence is None or float(confidence) >= LEAST_EVENT_CONFIDENCE
