"""Transcribe, ask, speak: a method for each thing a service does, with a `Call` that the loop can cancel."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

import numpy as np

from huiyin.assistant.clients.form import FormUpload
from huiyin.assistant.clients.http import Call, ServiceError, get_json, in_its_words, server_sent_events
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.mood import LEAST_EVENT_CONFIDENCE
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import HeardUntil, Pcm16
from huiyin.assistant.turns.events import Transcript
from huiyin.configs.settings import Settings

Name = Literal["asr", "llm", "tts"]
NAMES: tuple[Name, ...] = ("asr", "llm", "tts")
_EVENTS = "text/event-stream"


@dataclass(frozen=True)
class Services:
    """Where the three services are, and how to talk to them."""

    settings: Settings

    def url(self, name: Name) -> str:
        """Base URL of a service."""
        host = self.settings.service.host
        # 0.0.0.0 is where a service listens, not where it can be called
        host = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
        return f"http://{f'[{host}]' if ':' in host else host}:{getattr(self.settings, name).port}"

    def call(self, name: Name, timeout_s: float) -> Call:
        """A call to `name` to be used once."""
        return Call(name, self.url(name), timeout_s=timeout_s)

    def get(self, name: Name, path: str, timeout_s: float = 2.0) -> Any:
        """GET a JSON document from a service. Raises ServiceError."""
        return get_json(name, self.url(name), path, timeout_s=timeout_s, key=self.settings.service.api_key)

    def headers(self, content_type: str) -> dict[str, str]:
        """Request headers, with the key where one is set."""
        headers = {"Content-Type": content_type}
        if self.settings.service.api_key:
            headers["Authorization"] = f"Bearer {self.settings.service.api_key}"
        return headers

    def transcribe(self, call: Call, samples: Pcm16) -> Transcript:
        """The user's turn (int16, 16 kHz) as text with its tags."""
        body = samples.astype("<i2").tobytes()
        answer = b"".join(call.request("POST", "/asr", body, self.headers(f"audio/pcm;rate={SAMPLE_RATE}")))
        try:
            result = json.loads(answer)
        except ValueError as error:
            raise ServiceError("clients.broke_off_in_the_middle", service="asr") from error
        emotion = result.get("emotion")
        return Transcript(
            text=str(result.get("text") or ""),
            language=str(result.get("language") or ""),
            emotion=(str(emotion["label"]), float(emotion["confidence"])) if emotion else None,
            events=tuple(event["label"] for event in result.get("events") or () if _is_likely(event)),
            facts=result,
        )

    def transcribe_file(
        self, call: Call, file: BinaryIO, size: int, fields: Mapping[str, str]
    ) -> Iterator[dict[str, Any]]:
        """The events of ``POST /asr`` for a recording of `size` bytes, with its options. Raises ServiceError."""
        form = FormUpload(fields, file, size)  # two hundred hotwords would not fit into a URL
        headers = {**self.headers(form.content_type), "Content-Length": str(form.length)}
        for event in server_sent_events(call.request("POST", "/asr", form, headers)):
            if event.get("error"):
                raise in_its_words("asr", event)
            yield event

    def judge_words(self, call: Call, text: str) -> float:
        """Probability 0..1 that a turn that says `text` is complete."""
        answer = b"".join(self._post(call, "/end_of_turn", {"text": text}))
        try:
            return float(json.loads(answer)["probability"])
        except (ValueError, KeyError, TypeError) as error:
            raise ServiceError("clients.not_a_judgement", service="llm") from error

    def ask(
        self, call: Call, messages: Sequence[Message], *, max_tokens: int | None = None, model: str = ""
    ) -> Iterator[str]:
        """The model's reply, piece by piece; `max_tokens` long at most (default: a spoken reply)."""
        body = {
            "messages": list(messages),
            "stream": True,
            "max_tokens": max_tokens or self.settings.talk.max_reply_tokens,
        }
        if model:
            body["model"] = model
        for event in server_sent_events(self._post(call, "/v1/chat/completions", body)):
            if "error" in event:
                error = event["error"]
                words = error.get("message", error) if isinstance(error, dict) else error
                raise ServiceError("clients.in_its_words", service="llm", words=words)
            for choice in event.get("choices") or ():
                if text := (choice.get("delta") or {}).get("content"):
                    yield text

    def suspend_model(self, call: Call, seconds: float) -> None:
        """Suspend an embedded model for so long, while a voice needs its cores; 0 resumes it."""
        list(self._post(call, "/hold", {"seconds": seconds}))

    def speak(
        self,
        call: Call,
        text: str,
        voice: str,
        emotion: str = "",
        tell: Callable[[Sequence[HeardUntil]], None] | None = None,
    ) -> Iterator[Pcm16]:
        """Sound of `text` (int16, 16 kHz) as it is made; `emotion`: how it is said ('gentle', ...), '' as usual.

        `tell` gets the words of `text` as their times are known, in order, before or after their sound.
        """
        body: dict[str, Any] = {
            "input": text,
            "response_format": "pcm",
            "sample_rate": SAMPLE_RATE,
            "model": "tts-1",
            "stream_format": "sse",
            "timings": tell is not None,
        }
        if voice:
            body["voice"] = voice
        if emotion:
            body["emotion"] = emotion
        rest = b""
        for piece in _speech(call, self.speech(call, body), tell):
            whole = rest + piece
            even = len(whole) - len(whole) % 2
            rest = whole[even:]
            if even:
                yield np.frombuffer(whole[:even], "<i2").astype(np.int16)

    def speech(self, call: Call, body: dict[str, Any]) -> Iterator[bytes]:
        """What ``POST /v1/audio/speech`` answers, piece by piece."""
        return self._post(call, "/v1/audio/speech", body)

    def _post(self, call: Call, path: str, body: dict[str, Any]) -> Iterator[bytes]:
        data = json.dumps(body, ensure_ascii=False).encode()
        return call.request("POST", path, data, self.headers("application/json"))


def _speech(
    call: Call, answer: Iterator[bytes], tell: Callable[[Sequence[HeardUntil]], None] | None
) -> Iterator[bytes]:
    """The samples in a speech service's events. A service without events answers with the samples themselves."""
    first = next(answer, b"")
    pieces = itertools.chain([first], answer)
    if call.content_type != _EVENTS:
        yield from pieces
        return
    for event in server_sent_events(pieces):
        match event.get("type"):
            case "speech.audio.delta":
                yield base64.b64decode(event["audio"])
            case "speech.audio.words" if tell:
                tell([(round(word["end_s"] * SAMPLE_RATE), word["end"]) for word in event["words"]])
            case "speech.audio.done":
                return


def _is_likely(event: dict[str, Any]) -> bool:
    """Whether a sound event is sure enough to be mentioned; some engines give no confidence."""
    confidence = event.get("confidence")
    return confidence is None or float(confidence) >= LEAST_EVENT_CONFIDENCE
