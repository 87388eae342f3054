"""The sessions of a Realtime server, however their clients are connected: how many, and what each begins with."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.apologies import Apologies
from huiyin.assistant.conversation.assemble import make_endpoint, make_listener, session_name
from huiyin.assistant.conversation.http_stages import HttpModel, HttpRecogniser, HttpVoice, http_parts
from huiyin.assistant.conversation.session import Ear, Session
from huiyin.assistant.conversation.stages import Recogniser, Voice
from huiyin.assistant.conversation.world import RealWorld
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.realtime.playout import Playout
from huiyin.assistant.faces.realtime.session import Engines, Limits, RealtimeSession
from huiyin.assistant.faces.realtime.session_config import DEFAULT_VOICE, SessionConfig
from huiyin.assistant.faces.realtime.wire import Json, WireError
from huiyin.assistant.ports.port import Pcm16
from huiyin.configs.settings import Settings

MODEL = "huiyin"  # where the client names none
_SESSIONS_PER_CORE = 4


class Client(Protocol):
    """A connection that holds a session."""

    def go_away(self) -> None:
        """The server stops: end it."""


class Sessions:
    """All calls in the thread of the server's event loop."""

    def __init__(
        self, settings: Settings, services: Services, personas: Mapping[str, Persona], *,
        on_session: Callable[[Session], None] | None = None, engines: Engines | None = None,
    ) -> None:  # fmt: skip
        """As for `RealtimeServer`."""
        self._settings, self._services, self._personas = settings, services, personas
        self._on_session, self._engines = on_session, engines
        self._most = settings.realtime.sessions or _SESSIONS_PER_CORE * (os.cpu_count() or 1)
        self._clients: set[Client] = set()
        self._apologies: dict[str, dict[str, Pcm16]] = {}
        self._begun = self._refused = 0

    def facts(self) -> Json:
        """Sessions open now, at most, since the start, and refused."""
        return {"open": len(self._clients), "limit": self._most, "begun": self._begun, "refused": self._refused}

    def enter(self, client: Client) -> None:
        """One more, until `leave`. Raises WireError where that is too many."""
        if len(self._clients) >= self._most:
            self._refused += 1
            raise WireError("realtime.session_limit_reached", most=self._most)
        self._clients.add(client)
        self._begun += 1

    def leave(self, client: Client) -> None:
        """It is over."""
        self._clients.discard(client)

    def go_away(self) -> None:
        """The server stops: end all of them."""
        for client in list(self._clients):
            client.go_away()

    def config(self, model: str = MODEL, kind: str = "realtime") -> SessionConfig:
        """The settings that a session begins with."""
        persona = next(iter(self._personas.values()))
        return SessionConfig(
            f"sess_{secrets.token_hex(10)}", kind=kind, model=model, instructions=persona.system,
            voice=persona.voice or DEFAULT_VOICE, expires_at=int(time.time() + self._settings.realtime.session_s),
        )  # fmt: skip

    async def make(
        self, config: SessionConfig, send: Callable[[str], None], playout: Playout | None = None
    ) -> RealtimeSession:
        """A session, to be started. `send` gets what its client is to be told. Raises StoreError without weights."""
        loop = asyncio.get_running_loop()
        engines = self._engines
        if engines is None:
            engines = await loop.run_in_executor(None, self._make_engines)
        persona = next(iter(self._personas.values()))
        limits = Limits(self._settings.realtime.uncommitted_s, self._settings.realtime.items)
        session = RealtimeSession(RealWorld(loop), engines, config, persona, self._settings, send, limits, playout)
        if self._on_session:
            self._on_session(session.conversation)
        return session

    def _make_engines(self) -> Engines:
        """What a session is made of. Blocks while weights are loaded, the first time."""
        settings, name = self._settings, session_name()
        by_sound = make_endpoint(settings, _ignore)
        parts = http_parts(self._services, "", session=name, speak=True, by_sound=by_sound)

        def make_ear(threshold: float) -> Ear:
            audio = replace(settings.audio, echo="off", speech_threshold=threshold)  # the client has taken out the echo
            return make_listener(replace(settings, audio=audio), _ignore)

        def voice_for(config: SessionConfig) -> Voice:
            voice = "" if config.voice == DEFAULT_VOICE else config.voice
            return HttpVoice(self._services, voice, name, config.speed)

        def recogniser_for(config: SessionConfig) -> Recogniser:
            known = config.language in settings.asr.languages  # others would be refused
            return HttpRecogniser(self._services, config.language if known else "")

        make_ear(settings.audio.speech_threshold)
        return Engines(
            parts, voice_for, make_ear, self._personas, self._said,
            model_for=lambda config: HttpModel(self._services, name, config.max_tokens), recogniser_for=recogniser_for,
        )  # fmt: skip

    def _said(self, persona: Persona) -> dict[str, Pcm16]:
        """The apologies' sound, made once a persona."""
        if persona.name not in self._apologies:
            folder = self._settings.store.path.parent / "apologies"
            self._apologies[persona.name] = Apologies(self._services, persona, folder)
        return self._apologies[persona.name]


def _ignore(text: Any) -> None:
    """A warning that `huiyin doctor` gives, too."""
