"""What a client may set of its session: defaults, checks, merging, and how it is shown to the client."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.faces.connections import checks
from huiyin.assistant.faces.connections.audio import A_LAW, DEFAULT_RATE, MU_LAW, PCM, RATES, AudioFormat
from huiyin.assistant.faces.connections.checks import (
    choice,
    flag,
    integer,
    listed,
    nullable,
    number,
    one_of,
    record,
    text,
)
from huiyin.assistant.faces.connections.engines import DEFAULT_VOICE
from huiyin.assistant.faces.connections.tools import NAME, tool_choice, tools, voice, voice_name
from huiyin.assistant.faces.connections.wire import Json, WireError
from huiyin.assistant.faces.realtime.beta import as_ga
from huiyin.assistant.turns.events import NEVER

_MODALITIES = (["audio"], ["text"])
_TOKENS = 4096
_SILENCE_MS = (50, 10_000)
_IDLE_MS = (1000, 600_000)

SERVER_VAD: Json = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "create_response": True,
    "interrupt_response": True,
    "idle_timeout_ms": None,
}
SEMANTIC_VAD: Json = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}
_VADS = {"server_vad": SERVER_VAD, "semantic_vad": SEMANTIC_VAD}


def modalities(value: Any, param: str) -> list[str]:
    """["audio"] or ["text"]."""
    if value not in _MODALITIES:
        raise WireError("realtime.modalities", code="invalid_value", param=param)
    return list(value)


def max_tokens(value: Any, param: str) -> int | str:
    """1 to 4096, or "inf"."""
    return "inf" if value == "inf" else int(integer(1, _TOKENS)(value, param))


_format = checks.by_type({PCM: record({"rate": one_of(*RATES)}), MU_LAW: record({}), A_LAW: record({})})
_turn_detection = checks.by_type(
    {
        "server_vad": record(
            {
                "threshold": number(0.0, 1.0),
                "prefix_padding_ms": integer(0, 5000),
                "silence_duration_ms": integer(*_SILENCE_MS),
                "create_response": flag,
                "interrupt_response": flag,
                "idle_timeout_ms": nullable(integer(*_IDLE_MS)),
            }
        ),
        "semantic_vad": record(
            {
                "eagerness": choice("low", "medium", "high", "auto"),
                "create_response": flag,
                "interrupt_response": flag,
            }
        ),
    }
)
_transcription = record(
    {
        "model": nullable(text(NAME)),
        "language": nullable(text(NAME)),
        "languages": nullable(listed(text(NAME), 100)),
        "prompt": nullable(text()),
        "keywords": nullable(listed(text(NAME), 1000)),
        "delay": checks.anything,
    }
)
_input = record(
    {
        "format": _format,
        "transcription": nullable(_transcription),
        "noise_reduction": nullable(record({"type": choice("near_field", "far_field"), "strength": number(0.0, 1.0)})),
        "turn_detection": nullable(_turn_detection),
    }
)
audio_output = record({"format": _format, "voice": voice, "speed": number(0.25, 1.5)})


def _echo_path(value: Any, param: str) -> str:
    """Whose echo path it is: ours only where this machine has a canceller."""
    wanted: str = choice("client", "server")(value, param)
    if wanted == "server":
        path, missing = make_echo_path("both")
        if path.name == "off":
            raise WireError("realtime.no_echo_path", code="no_echo_path", param=param, missing=missing)
    return wanted


_huiyin = record(
    {
        "enabled": flag,
        "persona": text(NAME),
        "language": choice("zh", "en"),
        "barge_in": choice("voice", "key", "off"),
        "echo_path": _echo_path,
    }
)
_session = record(
    {
        "type": choice("realtime", "transcription"),
        "model": nullable(text(NAME)),
        "instructions": text(),
        "output_modalities": modalities,
        "audio": record({"input": _input, "output": audio_output}),
        "tools": tools,
        "tool_choice": tool_choice,
        "parallel_tool_calls": flag,
        "max_output_tokens": max_tokens,
        "truncation": checks.anything,
        "tracing": checks.anything,
        "prompt": checks.anything,
        "reasoning": checks.anything,
        "include": nullable(listed(text(NAME), 100)),
        "huiyin": _huiyin,
    }
)
_WHOLE = ("voice", "tools", "tool_choice", "tracing", "prompt", "truncation", "reasoning")  # replaced, never merged


class SessionConfig:
    """The settings of one session, each with a value."""

    def __init__(
        self, session_id: str, *, kind: str, model: str, persona: Persona, personas: Mapping[str, Persona],
        expires_at: int,
    ) -> None:  # fmt: skip
        """`persona`: until the client chooses one of `personas`, or has words and a voice of its own."""
        self.id = session_id
        self.can_change_type = True
        self.sends_sound = True
        """Responses' sound goes into events; else over a track."""
        self._persona, self._personas, self._expires_at = persona, personas, expires_at
        self._body: Json = {
            "type": kind,
            "model": model,
            "instructions": _own(persona)["instructions"],
            "output_modalities": ["audio"],
            "audio": {
                "input": {
                    "format": {"type": PCM, "rate": DEFAULT_RATE},
                    "transcription": None,
                    "noise_reduction": None,
                    "turn_detection": dict(SEMANTIC_VAD),
                },
                "output": {
                    "format": {"type": PCM, "rate": DEFAULT_RATE},
                    "voice": _own(persona)["voice"],
                    "speed": 1.0,
                },
            },
            "tools": [],
            "tool_choice": "auto",
            "parallel_tool_calls": True,
            "max_output_tokens": "inf",
            "truncation": "auto",
            "tracing": None,
            "prompt": None,
            "include": None,
        }

    def update(self, patch: Json) -> None:
        """Change what `patch` names. Raises WireError, and then nothing has changed."""
        persona = self._chosen(patch)
        if persona is not None:
            patch = {**_own(persona), **patch}
        patch = as_ga(patch)
        match patch:
            case {"audio": {"input": {"turn_detection": dict(detection)}}}:
                detection.setdefault("type", (self.turn_detection or SERVER_VAD)["type"])
        changes = _session(patch, "session")
        if changes.get("type", self.kind) != self.kind and not self.can_change_type:
            raise WireError("realtime.type_is_fixed", code="invalid_session_type", param="session.type")
        changes.pop("model", None)  # named when the connection was made; agents name another, and must not fail for it
        self._body, self._persona = _merged(self._body, changes), persona or self._persona

    def _chosen(self, patch: Json) -> Persona | None:
        """The persona that `patch` names. Raises WireError."""
        huiyin = patch.get("huiyin")
        name = huiyin.get("persona") if isinstance(huiyin, dict) else None
        return None if name is None else self._personas[choice(*self._personas)(name, "session.huiyin.persona")]

    def echo(self) -> Json:
        """The whole session, as the client sees it."""
        body = copy.deepcopy(self._body)
        ids = {"id": self.id, "object": "realtime.session", "expires_at": self._expires_at}
        if self.is_transcription:
            shown = {"audio": {"input": body["audio"]["input"]}, "include": body["include"]}
            return {"type": self.kind, **ids, "object": "realtime.transcription_session", **shown}
        return {**body, **ids}

    def override(self, changes: Json) -> SessionConfig:
        """With what `response.create` names for one response."""
        other = copy.copy(self)
        other._body = _merged(self._body, changes)
        return other

    def __getitem__(self, name: str) -> Any:
        return self._body[name]

    @property
    def persona(self) -> Persona:
        """Whose words and voice it has where the client names none, and whose apologies."""
        return self._persona

    @property
    def is_persona(self) -> bool:
        """It has the persona's own words and voice."""
        return {"instructions": self["instructions"], "voice": self.voice} == _own(self._persona)

    @property
    def kind(self) -> str:
        """ "realtime" or "transcription"."""
        return str(self._body["type"])

    @property
    def is_transcription(self) -> bool:
        """There are no responses, ever."""
        return self.kind == "transcription"

    @property
    def turn_detection(self) -> Json | None:
        """None: the client says when a turn is over."""
        found: Json | None = self._body["audio"]["input"]["turn_detection"]
        return found

    @property
    def creates_response(self) -> bool:
        """A turn that is over is answered."""
        detection = self.turn_detection
        wanted = bool(self.extensions) if detection is None else detection["create_response"]
        return bool(wanted) and not self.is_transcription

    @property
    def interrupts_response(self) -> bool:
        """The user's voice stops a response."""
        return bool(self.turn_detection and self.turn_detection["interrupt_response"])

    @property
    def idle_timeout_s(self) -> float:
        """So long after a response the user is prompted; inf: never."""
        idle_ms: int | None = (self.turn_detection or {}).get("idle_timeout_ms")
        return NEVER if idle_ms is None else idle_ms / 1000

    @property
    def transcription(self) -> Json | None:
        """None: the client does not want the user's words."""
        found: Json | None = self._body["audio"]["input"]["transcription"]
        return {} if found is None and self.is_transcription else found

    @property
    def input_format(self) -> AudioFormat:
        """Of the client's sound."""
        return AudioFormat.of(self._body["audio"]["input"]["format"])

    @property
    def output_format(self) -> AudioFormat:
        """Of a response's sound."""
        return AudioFormat.of(self._body["audio"]["output"]["format"])

    @property
    def speaks(self) -> bool:
        """Responses are sound, with a transcript; else text alone."""
        return bool(self._body["output_modalities"] == ["audio"])

    @property
    def voice(self) -> str:
        """The voice's name."""
        return voice_name(self._body["audio"]["output"]["voice"])

    @property
    def speed(self) -> float:
        """Times the usual pace of speech."""
        return float(self._body["audio"]["output"]["speed"])

    @property
    def max_tokens(self) -> int | None:
        """Of a response; None: as the settings have it."""
        most = self._body["max_output_tokens"]
        return None if most == "inf" else int(most)

    @property
    def language(self) -> str:
        """The code of the language that the user speaks, without its region; '' where the client has not said."""
        return str((self.transcription or {}).get("language") or "").lower().split("-")[0]

    @property
    def extensions(self) -> Json:
        """The object `huiyin`; {} where the client has not asked for it."""
        huiyin: Json = self._body.get("huiyin") or {}
        return huiyin if huiyin.get("enabled") else {}

    @property
    def has_echo(self) -> bool:
        """The client's sound has the assistant's own in it; else it has taken that out."""
        return bool(self.extensions.get("echo_path") == "server")


def _own(persona: Persona) -> Json:
    """What a persona brings where the client names nothing else."""
    return {"instructions": persona.system, "voice": persona.voice or DEFAULT_VOICE}


def _merged(before: Json, changes: Json) -> Json:
    """Level by level. An object of another type replaces the one before, with that type's defaults."""
    after = dict(before)
    for name, value in changes.items():
        old = before.get(name)
        if not isinstance(value, dict) or name in _WHOLE:
            after[name] = value
        elif isinstance(old, dict) and value.get("type") == old.get("type"):
            after[name] = _merged(old, value)
        elif name in ("turn_detection", "format"):
            after[name] = {**_VADS.get(value["type"], {}), **value}
            if value["type"] == PCM:
                after[name].setdefault("rate", DEFAULT_RATE)
        else:
            after[name] = _merged(old, value) if isinstance(old, dict) else value
    return after
