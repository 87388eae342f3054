"""Names of the protocol's beta, which many clients still send, as the ones that took their place."""

from __future__ import annotations

from typing import Any

from huiyin.assistant.faces.connections.audio import A_LAW, DEFAULT_RATE, MU_LAW, PCM
from huiyin.assistant.faces.connections.wire import Json

_FORMATS: dict[str, Json] = {
    "pcm16": {"type": PCM, "rate": DEFAULT_RATE},
    "g711_ulaw": {"type": MU_LAW},
    "g711_alaw": {"type": A_LAW},
}
_MOVED = {
    "turn_detection": ("input", "turn_detection"),
    "input_audio_format": ("input", "format"),
    "input_audio_transcription": ("input", "transcription"),
    "input_audio_noise_reduction": ("input", "noise_reduction"),
    "voice": ("output", "voice"),
    "output_audio_format": ("output", "format"),
    "speed": ("output", "speed"),
}
"""Beta's field at the top -> where it is now, below `audio`."""

_PARTS = {"text": "output_text", "audio": "output_audio"}


def as_ga(body: Json) -> Json:
    """A session, or what `response.create` names, with the names of today. What has these already stays."""
    body = dict(body)
    if "modalities" in body:
        named = body.pop("modalities")
        body.setdefault("output_modalities", ["audio"] if isinstance(named, list) and "audio" in named else named)
    if "max_response_output_tokens" in body:
        body.setdefault("max_output_tokens", body.pop("max_response_output_tokens"))
    audio = body.get("audio")
    if audio is None or isinstance(audio, dict):
        halves: dict[str, Any] = dict(audio or {})
        for half in ("input", "output"):
            if isinstance(halves.get(half), dict):
                halves[half] = dict(halves[half])
                if isinstance(halves[half].get("turn_detection"), dict):
                    halves[half]["turn_detection"] = dict(halves[half]["turn_detection"])
        for old, (half, new) in _MOVED.items():
            if old in body and isinstance(halves.setdefault(half, {}), dict):
                value = body.pop(old)
                halves[half].setdefault(new, _FORMATS.get(value, value) if isinstance(value, str) else value)
        if halves:
            body["audio"] = halves
    return body


def content_as_ga(part: Json) -> Json:
    """A part of an assistant's message."""
    kind = part.get("type")
    return {**part, "type": _PARTS.get(kind, kind)} if isinstance(kind, str) else part
