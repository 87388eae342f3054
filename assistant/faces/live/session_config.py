"""What a client may set of its session: checks, defaults, and how it is shown to the client."""

from __future__ import annotations

from typing import Any

from huiyin.assistant.dialogue.items import AssistantItem, Item, SystemNote, UserItem
from huiyin.assistant.dialogue.tools import Tool, ToolChoice
from huiyin.assistant.faces.connections.audio import A_LAW, G711_RATE, MU_LAW, PCM, AudioFormat
from huiyin.assistant.faces.connections.checks import (
    Check,
    anything,
    by_type,
    choice,
    flag,
    integer,
    listed,
    nullable,
    one_of,
    record,
    text,
)
from huiyin.assistant.faces.connections.engines import DEFAULT_VOICE
from huiyin.assistant.faces.connections.tools import NAME, choice_of, tool_choice, tools, tools_of, voice, voice_name
from huiyin.assistant.faces.connections.wire import Json, WireError
from huiyin.configs import messages

_RATES = (16_000, 24_000)  # of PCM, Hz
_MESSAGES = 128
_DELAY_MS = 60_000
_FIXED = ("model", "instructions", "audio", "input", "store", "client")  # once the session has begun
_EFFECTIVE = ("model", "instructions", "tools", "tool_choice")


def _no_decisions(value: Any, param: str) -> Any:
    raise WireError("live.no_decisions", code="unsupported", param=param)


def _triggers(value: Any, param: str) -> list[Any]:
    return [] if not value else _no_decisions(value, param)


def _store(value: Any, param: str) -> bool:
    if flag(value, param):
        raise WireError("live.not_stored", code="unsupported", param=param)
    return False


def _client(value: Any, param: str) -> Any:
    raise WireError("live.only_websocket", code="unsupported", param=param)


_delay = {"acknowledgement_delay_ms": nullable(integer(0, _DELAY_MS))}
_backend = {
    "model": text(NAME),
    "instructions": nullable(text()),
    "tools": nullable(tools),
    "tool_choice": nullable(tool_choice),
    "max_output_tokens": anything,
    "parallel_tool_calls": anything,
    "reasoning": anything,
    "service_tier": anything,
    "text": anything,
}


def _delegation(responses: Check) -> Check:
    return by_type({"client": record(_delay), "responses": responses, "decisions": _no_decisions})


_new_delegation = _delegation(
    record({**_delay, "responses": record(_backend, needed=("model",))}, needed=("responses",))
)
_changed_delegation = _delegation(record({**_delay, "responses": nullable(record(_backend))}))
_part = record({"type": choice("input_text", "text", "output_text"), "text": text()}, needed=("text",))
_message = record(
    {
        "type": choice("message"),
        "role": choice("developer", "user", "assistant"),
        "content": listed(_part, 1),
        "id": nullable(text(NAME)),
        "status": nullable(text(NAME)),
    },
    needed=("role", "content"),
)
_format = by_type(
    {
        PCM: record({"rate": one_of(*_RATES)}, needed=("rate",)),
        MU_LAW: record({"rate": one_of(G711_RATE)}),
        A_LAW: record({"rate": one_of(G711_RATE)}),
    }
)
_start = record(
    {
        "model": text(NAME),
        "instructions": nullable(text()),
        "audio": nullable(
            record({"format": nullable(_format), "output": nullable(record({"voice": nullable(voice)}))})
        ),
        "delegation": nullable(_new_delegation),
        "input": nullable(listed(_message, _MESSAGES)),
        "triggers": nullable(_triggers),
        "store": nullable(_store),
        "client": nullable(_client),
    },
    needed=("model",),
)
_update = record({"delegation": nullable(_changed_delegation), "triggers": nullable(_triggers)})
_ENTRIES: dict[str, type[Any]] = {"developer": SystemNote, "user": UserItem, "assistant": AssistantItem}


class SessionConfig:
    """A session's settings: `Wishes` of a client."""

    speed = 1.0
    max_tokens = None
    language = ""

    def __init__(self, session_id: str, asked: Json, *, instructions: str, voice: str, expires_at: int) -> None:
        """`asked`: by the client; `instructions` and `voice`: where it names none. Raises WireError."""
        body = _start(asked, "session")
        audio = body.get("audio") or {}
        self._body: Json = {
            "id": session_id,
            "expires_at": expires_at,
            "status": "active",
            "model": body["model"],
            "instructions": (body.get("instructions") or "").strip() or instructions,
            "audio": {
                "format": audio.get("format") or {"type": PCM, "rate": _RATES[-1]},
                "output": {"voice": (audio.get("output") or {}).get("voice") or voice or DEFAULT_VOICE},
            },
            "delegation": body.get("delegation"),
            "input": body.get("input") or [],
            "triggers": [],
            "store": False,
        }

    def echo(self) -> Json:
        """The whole session, as the client sees it."""
        return dict(self._body)

    def update(self, patch: Json) -> None:
        """Change what `patch` names. Raises WireError, and then nothing is changed."""
        if fixed := next((name for name in _FIXED if name in patch), None):
            raise WireError("live.fixed", code="immutable", param=f"session.{fixed}")
        delegation = _update(patch, "session").get("delegation")
        if not delegation:
            return
        now = self._body["delegation"] or {"type": "client"}
        if delegation["type"] != now["type"]:
            raise WireError("live.fixed", code="immutable", param="session.delegation.type")
        merged = {**now, **delegation}
        if "responses" in merged:
            merged["responses"] = {**now["responses"], **(delegation.get("responses") or {})}
        self._body["delegation"] = merged

    @property
    def without_effect(self) -> list[str]:
        """What the client has set, and nothing heeds."""
        delegation = self._body["delegation"] or {}
        names = ["delegation.acknowledgement_delay_ms"] if delegation.get("acknowledgement_delay_ms") else []
        backend = delegation.get("responses", {})
        unheeded = [name for name, value in backend.items() if name not in _EFFECTIVE and value is not None]
        return names + [f"delegation.responses.{name}" for name in unheeded]

    @property
    def audio_format(self) -> AudioFormat:
        """Both ways."""
        return AudioFormat.of(self._body["audio"]["format"])

    @property
    def voice(self) -> str:
        """Its name."""
        return voice_name(self._body["audio"]["output"]["voice"])

    @property
    def instructions(self) -> str:
        """For the one model that both talks and does what is delegated."""
        return "\n\n".join(filter(None, (self._body["instructions"], self._backend.get("instructions"))))

    @property
    def entries(self) -> list[Item]:
        """What was said before the session."""
        return [_ENTRIES[each["role"]](each["content"][0]["text"]) for each in self._body["input"] if each["content"]]

    @property
    def target(self) -> str:
        """Who does what is delegated: "client", "responses"; '' where the client has not offered to."""
        return str((self._body["delegation"] or {}).get("type", ""))

    @property
    def model(self) -> str:
        """That of the delegated work, as the client calls it."""
        return str(self._backend.get("model", self._body["model"]))

    @property
    def tools(self) -> list[Tool]:
        """What the model may call."""
        if self.target == "client":
            return [Tool("delegate", messages.text("live.delegate", {}), {"type": "object", "properties": {}})]
        return [] if self._backend.get("tool_choice") == "none" else tools_of(self._backend.get("tools") or ())

    @property
    def tool_choice(self) -> ToolChoice:
        """Whether it has to."""
        wanted = self._backend.get("tool_choice")
        return choice_of(wanted) if wanted and wanted != "none" else "auto"

    @property
    def _backend(self) -> Json:
        return dict((self._body["delegation"] or {}).get("responses") or {})
