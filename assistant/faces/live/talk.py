"""A session that has begun: its conversation, and what the client asks of it, event by event."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.trimming import history_limit
from huiyin.assistant.conversation.world import World
from huiyin.assistant.dialogue.clauses import ClauseSplitter
from huiyin.assistant.dialogue.history import History
from huiyin.assistant.dialogue.items import SystemNote, item_tokens
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.dialogue.tokens import estimated_tokens
from huiyin.assistant.faces.connections.audio import Decoder, check_room
from huiyin.assistant.faces.connections.engines import Engines, Limits
from huiyin.assistant.faces.connections.requests import ClientEvent
from huiyin.assistant.faces.connections.wire import Json, ServerEvent, WireError
from huiyin.assistant.faces.live import requests, wire
from huiyin.assistant.faces.live.delegations import Delegations
from huiyin.assistant.faces.live.fixture import Fixture
from huiyin.assistant.faces.live.output import Output
from huiyin.assistant.faces.live.session_config import SessionConfig
from huiyin.assistant.faces.live.translator import Translator
from huiyin.assistant.ports.remote_stream import StreamPort
from huiyin.configs.settings import Settings

_APPENDED_TOKENS = 500  # at once


class LiveTalk:
    """`handle` takes what the client asks for, in the conversation's thread; `send` gets what goes out to it."""

    def __init__(
        self, world: World, engines: Engines, config: SessionConfig, persona: Persona, settings: Settings,
        send: Callable[[ServerEvent], None], limits: Limits,
    ) -> None:  # fmt: skip
        self._world, self._config, self._send, self._limits = world, config, send, limits
        self._persona = persona
        self._turns = replace(
            settings.turns, talk_key=False, barge_in="voice", openers=False
        )  # full duplex; the client's backend takes what is said for the answer
        output = Output(send, config.audio_format, world)
        self._output = output
        self._delegations = Delegations(send, config, lambda: self.conversation, lambda: self.now_ms)
        translator = Translator(send, output, self._delegations)
        port = StreamPort(translator.loudspeaker)
        self._microphone = port.microphone
        self._format, self._decoder = config.audio_format, Decoder(config.audio_format)
        self._is_muted = False
        self._fixture: Fixture | None = None
        history = History()
        for item in config.entries:
            history.add(item)
        parts = engines.parts
        self.conversation = Session(
            world,
            port,
            engines.make_ear(settings.audio.speech_threshold),
            persona,
            replace(parts, voice=engines.voice_for(config)),
            settings,
            prepared=engines.prepared(persona),
            history=history,
        )
        self._configure()
        self.conversation.observe(translator.observe, at_once=True)
        self.conversation.observe(self._report_usage, at_once=True)
        self._handlers: dict[type[ClientEvent], Callable[..., None]] = {
            requests.SessionUpdate: self._update,
            requests.AudioAppend: self._hear,
            requests.AudioMute: self._mute,
            requests.AudioUnmute: self._unmute,
            requests.FixturePlay: self._play,
            requests.InstructionsAppend: self._instruct,
            requests.ThinkingAppend: self._inform,
            requests.CommentaryAppend: self._comment,
            requests.ItemCreate: self._create_item,
            requests.ResponseCreate: self._create_response,
            requests.DecisionCreate: self._refuse_decision,
            requests.DecisionItemCreate: self._refuse_decision,
            requests.DecisionItemDelete: self._refuse_decision,
            requests.DtmfSend: self._refuse_telephony,
        }

    @property
    def now_ms(self) -> int:
        """Since the session began."""
        return round(self._world.now * 1000)

    @property
    def usage(self) -> Json:
        """How long it has lasted."""
        return {"seconds": round(self._world.now, 3)}

    def close(self) -> None:
        """Stop whatever runs."""
        if self._fixture:
            self._fixture.stop()
        self.conversation.close()
        self._world.forget()

    def handle(self, event: ClientEvent) -> None:
        """Do what the client asks for. Raises WireError."""
        if type(event) not in self._handlers:
            raise WireError("live.is_started", code="invalid_state", param="type")
        self._handlers[type(event)](event)

    # -- sound

    def _hear(self, event: requests.AudioAppend) -> None:
        coming_s = self._format.seconds_of(event.audio)
        check_room(self._microphone.waiting_s, coming_s, self._limits.uncommitted_s)
        samples = self._decoder.feed(event.audio)
        is_silenced = self._is_muted or self._fixture is not None
        self._microphone.receive(np.zeros_like(samples) if is_silenced else samples)

    def _mute(self, event: requests.AudioMute) -> None:
        self._is_muted = True
        self._send(wire.InputMuted(client_event_id=event.event_id))

    def _unmute(self, event: requests.AudioUnmute) -> None:
        self._is_muted = False
        self._send(wire.InputUnmuted(client_event_id=event.event_id))

    def _play(self, event: requests.FixturePlay) -> None:
        """While it plays the assistant is silent, and the user is not heard."""
        self._need_no_fixture()
        fixture = Fixture(
            event.audio, self._output, lambda: self._once_heard(lambda: self._end_fixture(event.event_id))
        )
        self._fixture = fixture
        self.conversation.interrupt()
        self.conversation.configure(turns=replace(self._turns, replies=False, speaks=False))
        self._send(wire.FixturePlaying(client_event_id=event.event_id))
        self._once_heard(lambda: fixture.start(self._world))

    def _once_heard(self, do: Callable[[], None]) -> None:
        """Once the client has played what it was sent: what follows is not sent further ahead of its being heard."""
        self._world.at(self._output.until_s, do)

    def _end_fixture(self, event_id: str | None) -> None:
        self._fixture = None
        self.conversation.configure(turns=self._turns)
        self._send(wire.FixturePlayed(client_event_id=event_id))

    def _need_no_fixture(self) -> None:
        if self._fixture:
            raise WireError("live.fixture_active", code="fixture_active")

    # -- text

    def _instruct(self, event: requests.InstructionsAppend) -> None:
        self._note(event)
        self._send(self._appended(wire.InstructionsAppended, event))

    def _inform(self, event: requests.ThinkingAppend) -> None:
        self._note(event)
        self._send(self._appended(wire.ThinkingAppended, event))

    def _comment(self, event: requests.CommentaryAppend) -> None:
        self._check(event)
        if event.delegation_id is not None:
            self._delegations.answer(event.delegation_id, event.content)
        splitter = ClauseSplitter()
        self.conversation.say([*splitter.feed(event.content), *splitter.finish()])
        self._send(self._appended(wire.CommentaryAppended, event))

    def _note(self, event: requests.Append) -> None:
        self._check(event)
        self.conversation.history.add(SystemNote(event.content))

    def _check(self, event: requests.Append) -> None:
        self._need_no_fixture()
        self._need_room()
        if not event.content.strip():
            raise WireError("live.empty", code="invalid_value", param="content")
        if estimated_tokens(event.content) > _APPENDED_TOKENS:
            raise WireError("live.too_long", code="too_long", param="content", most=_APPENDED_TOKENS)
        self._delegations.check(event.delegation_id)

    def _need_room(self) -> None:
        if len(self.conversation.history.items) >= self._limits.items:
            raise WireError("connections.too_many_items", code="too_many_items", most=self._limits.items)

    def _appended(self, kind: type[wire.Span], event: requests.Append) -> ServerEvent:
        return kind(start_ms=self.now_ms, end_ms=self.now_ms, client_event_id=event.event_id)

    # -- delegated work

    def _update(self, event: requests.SessionUpdate) -> None:
        self._config.update(event.session)
        self._configure()
        self._send(wire.SessionUpdated(session=self._config.echo(), client_event_id=event.event_id))

    def _configure(self) -> None:
        instructions, own = self._config.instructions, self._persona
        written_in = own.written_in if instructions == own.system else ()  # others say all that they want said
        persona = replace(own, system=instructions, written_in=written_in)
        self.conversation.configure(
            turns=None if self._fixture else self._turns,
            persona=persona,
            tools=self._config.tools,
            tool_choice=self._config.tool_choice,
        )

    def _create_item(self, event: requests.ItemCreate) -> None:
        self._need_room()
        self._delegations.create_item(event)

    def _create_response(self, event: requests.ResponseCreate) -> None:
        self._need_no_fixture()
        self._delegations.create_response(event)

    @staticmethod
    def _refuse_decision(event: ClientEvent) -> None:
        raise WireError("live.no_decisions", code="unsupported", param="type")

    @staticmethod
    def _refuse_telephony(event: ClientEvent) -> None:
        raise WireError("live.only_websocket", code="unsupported", param="type")

    # -- what it costs

    def _report_usage(self, at_s: float, event: on.Public) -> None:
        if not isinstance(event, on.TurnCommitted):
            return
        session = self.conversation
        limit = history_limit(session.settings, session.persona)
        tokens = sum(map(item_tokens, session.history.items[session.history.start :]))
        ratio = min(1.0, round(tokens / limit.tokens, 4)) if limit.tokens else 0.0
        self._send(wire.UsageUpdated(usage=self.usage, context_window={"usage_ratio": ratio}))
