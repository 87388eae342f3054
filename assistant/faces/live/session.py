"""One client's session: how it begins and ends, and what is wrong with what the client sends. No socket."""

from __future__ import annotations

import time
from collections.abc import Callable

from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.world import World
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.connections.engines import Engines, Limits
from huiyin.assistant.faces.connections.events import EventSession
from huiyin.assistant.faces.connections.requests import ClientEvent
from huiyin.assistant.faces.connections.wire import WireError, new_id
from huiyin.assistant.faces.live import wire
from huiyin.assistant.faces.live.requests import CLIENT_EVENTS, SessionClose, SessionStart
from huiyin.assistant.faces.live.session_config import SessionConfig
from huiyin.assistant.faces.live.talk import LiveTalk
from huiyin.configs.settings import Settings
from huiyin.services.common.reader_language import in_readers_words


class LiveSession(EventSession):
    """`receive` takes what the client sends, in the conversation's thread; `send` gets what goes out to it."""

    kinds = CLIENT_EVENTS

    def __init__(
        self, make_world: Callable[[], World], engines: Engines, persona: Persona, settings: Settings, limits: Limits,
        send: Callable[[str], None], end: Callable[[], None], *, on_session: Callable[[Session], None],
    ) -> None:  # fmt: skip
        """`make_world`: whose time begins then; `end` is called when the client wants no more."""
        super().__init__(send, wire.error_event)
        self._make_world, self._engines, self._persona, self._settings = make_world, engines, persona, settings
        self._limits, self._end, self._on_session = limits, end, on_session
        self._expires_at = int(time.time() + settings.realtime.session_s)
        self._begun: tuple[SessionConfig, LiveTalk] | None = None

    def expire(self, why: WireError) -> None:
        """As `EventSession.expire`; the last event follows."""
        super().expire(why)
        self._finish("expired")

    def close(self) -> None:
        """Stop whatever runs; nothing more is sent."""
        super().close()
        if self._begun:
            self._begun[1].close()

    def _handle(self, event: ClientEvent) -> None:
        if isinstance(event, SessionClose):
            self._finish("close_requested", event.event_id)
            self.close()
            self._end()
        elif self._begun:
            self._begun[1].handle(event)
        elif isinstance(event, SessionStart):
            self._start(event)
        else:
            raise WireError("live.not_started", code="invalid_state", param="type")

    def _start(self, event: SessionStart) -> None:
        config = SessionConfig(
            new_id("live"), event.session, instructions=self._persona.system, voice=self._persona.voice,
            expires_at=self._expires_at,
        )  # fmt: skip
        talk = LiveTalk(
            self._make_world(), self._engines, config, self._persona, self._settings, self.send, self._limits,
        )  # fmt: skip
        self._begun = config, talk
        self._on_session(talk.conversation)
        self.send(wire.SessionStarted(session=config.echo(), client_event_id=event.event_id))
        if names := config.without_effect:
            self.send(wire.Info(code="without_effect", words=in_readers_words("live.without_effect", names=names)))
        talk.conversation.start()

    def _finish(self, reason: str, event_id: str | None = None) -> None:
        if self._begun:
            config, talk = self._begun
            session, usage = config.echo(), talk.usage
            self.send(wire.SessionClosed(reason=reason, session=session, usage=usage, client_event_id=event_id))
