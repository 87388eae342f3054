"""One client's session: its settings, its conversation, and what it asks for, event by event. No socket."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable
from dataclasses import replace

from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.understood import understanding
from huiyin.assistant.conversation.world import World
from huiyin.assistant.dialogue.history import History
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.connections.engines import Engines, Limits
from huiyin.assistant.faces.connections.events import EventSession
from huiyin.assistant.faces.connections.requests import ClientEvent
from huiyin.assistant.faces.connections.tools import choice_of, tools_of
from huiyin.assistant.faces.connections.wire import WireError
from huiyin.assistant.faces.realtime import huiyin_events as more
from huiyin.assistant.faces.realtime import requests, wire
from huiyin.assistant.faces.realtime.client_items import ClientItems
from huiyin.assistant.faces.realtime.ear import ClientEar
from huiyin.assistant.faces.realtime.extensions import Extensions
from huiyin.assistant.faces.realtime.idle import IdlePrompt
from huiyin.assistant.faces.realtime.items import Items
from huiyin.assistant.faces.realtime.output_buffer import OutputBuffer
from huiyin.assistant.faces.realtime.parts import shaped
from huiyin.assistant.faces.realtime.playout import Playout
from huiyin.assistant.faces.realtime.responses import Responses
from huiyin.assistant.faces.realtime.session_config import SERVER_VAD, SessionConfig
from huiyin.assistant.faces.realtime.translator import Translator
from huiyin.assistant.faces.realtime.turn_policy import turns_settings
from huiyin.assistant.faces.realtime.user_sound import UserSound
from huiyin.assistant.faces.realtime.user_turns import UserTurns
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.remote_loudspeaker import RemoteLoudspeaker
from huiyin.assistant.ports.remote_messages import Message
from huiyin.assistant.ports.remote_stream import StreamPort
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.transitions import State
from huiyin.configs.settings import Settings

_TRACK_AHEAD_S = 0.1  # of sound that waits for its turn on a track; more than a tick of the loudspeaker
_AHEAD_S = 0.18  # of sound that the client has and has not played: what is stopped is soon silent
_LATENCY_S = 0.1  # of a client that does not say what it has played: from its being sent to its being heard


class RealtimeSession(EventSession):
    """`receive` takes what the client sends, in the conversation's thread; `send` gets what goes out to it."""

    def __init__(
        self, world: World, engines: Engines, config: SessionConfig, settings: Settings,
        send: Callable[[str], None], limits: Limits, playout: Playout | None = None,
    ) -> None:  # fmt: skip
        """`playout`: of the track that replies are heard over; None: they are sent in events."""
        super().__init__(send, wire.error_event)
        self.config = config
        config.sends_sound = playout is None
        self._world, self._engines, self._own_turns = world, engines, settings.turns
        self._prepared = ChainMap(engines.prepared(config.persona))
        history = History()
        self._items = Items(history, self.send)
        if playout:
            loudspeaker = RemoteLoudspeaker(self._carry, ahead_s=_TRACK_AHEAD_S)
        else:
            loudspeaker = RemoteLoudspeaker(
                self._carry, ahead_s=_AHEAD_S, assumed_latency_s=_LATENCY_S, keeps_sound=True
            )
        self._port = StreamPort(loudspeaker)
        self._ear = ClientEar(engines.make_ear)
        self._turns = UserTurns(self.send, config, self._items, self._port.microphone.sent_s)
        self._translator = Translator(
            config, self._turns, self._items, loudspeaker, lambda request: self._responses.automatic(request)
        )
        parts = shaped(engines, self._translator.request_of, config)
        self.conversation = Session(
            world,
            self._port,
            self._ear,
            config.persona,
            parts,
            settings,
            prepared=self._prepared,
            history=history,
        )
        self.conversation.observe(self._translator.observe, at_once=True)
        self._sound = UserSound(
            world, parts.recogniser, self._port.microphone, self._turns, self._items, limits.uncommitted_s,
            understanding(settings.talk),
        )  # fmt: skip
        self._responses = Responses(self.send, config, self._items, self._translator, self.conversation, world, engines)
        self._client_items = ClientItems(
            self.send, config, self._items, self._translator, self.conversation, self._sound, loudspeaker,
            limits.items,
        )  # fmt: skip
        self._extensions = Extensions(
            self.send, self._translator, self._turns, self._items, self.conversation, self._responses,
            self._port, world,
        )  # fmt: skip
        self._output: OutputBuffer | None = None
        if playout:
            playout.played = loudspeaker.played
            self._output = OutputBuffer(self.send, self._translator, playout, self._responses.stop)
        idle = IdlePrompt(self.send, config, self._turns, world, self._port.microphone.sent_s, self._responses.prompt)
        self.conversation.observe(idle.observe, at_once=True)
        self._sound.on_words = self._translator.when_told
        self.conversation.observe(self._extensions.observe, at_once=True)
        self._handlers: dict[type[ClientEvent], Callable[..., None]] = {
            requests.SessionUpdate: self._update,
            requests.AudioAppend: self._append,
            requests.AudioCommit: self._commit,
            requests.AudioClear: self._clear,
            requests.ItemCreate: self._client_items.create,
            requests.ItemRetrieve: self._client_items.retrieve,
            requests.ItemTruncate: self._client_items.truncate,
            requests.ItemDelete: self._client_items.delete,
            requests.ResponseCreate: self._responses.create,
            requests.ResponseCancel: self._responses.cancel,
            requests.OutputClear: self._clear_output,
            more.Playback: self._extensions.note_playback,
            more.TalkKey: self._extensions.press,
            more.Interrupt: self._extensions.interrupt,
            more.TypeText: self._extensions.type,
        }

    def start(self) -> None:
        """Begin: send the client its session, and hear it."""
        self.send(wire.SessionCreated(self.config.echo()))
        self._configure()
        if self.config.extensions:
            self._extensions.enable()
        self.conversation.start()

    def close(self) -> None:
        """Stop whatever runs; nothing more is sent."""
        super().close()
        self._responses.close()
        self.conversation.close()
        self._world.forget()

    @property
    def kinds(self) -> Iterable[type[ClientEvent]]:
        """As `EventSession.kinds`."""
        return requests.CLIENT_EVENTS + (more.CLIENT_EVENTS if self._extensions.is_enabled else ())

    def _handle(self, event: ClientEvent) -> None:
        self.config.can_change_type &= isinstance(event, requests.SessionUpdate)
        self._handlers[type(event)](event)

    def hear(self, samples: Pcm16) -> None:
        """The client's next sound, where it comes over a track: 16 kHz, shape (n,)."""
        self._sound.hear(samples)

    def _carry(self, message: Message) -> None:
        self._port.carry(message)
        self._translator.carry(message)
        self._extensions.carry(message)
        if self._output:
            self._output.carry(message)

    # -- what the client asks for

    def _update(self, event: requests.SessionUpdate) -> None:
        before = self.config.persona
        self.config.update(event.session)
        if self.config.persona is not before:
            self._prepared.maps.insert(0, self._engines.prepared(self.config.persona))
        self._configure()
        self.send(wire.SessionUpdated(self.config.echo()))
        if self.config.extensions:
            self._extensions.enable()

    def _append(self, event: requests.AudioAppend) -> None:
        self._sound.append(event.audio)

    def _commit(self, event: requests.AudioCommit) -> None:
        if self._sound.is_buffered:
            self._sound.commit()
        elif self._translator.state is State.USER:
            self._translator.close_turn()
            self._ear.restart(keep=True)  # what is said from now on begins anew
            self._end_turn()
        else:
            raise self._sound.too_short(0)

    def _clear(self, event: requests.AudioClear) -> None:
        self._sound.clear()
        if self._ear.is_speaking:
            self._ear.restart()
            self._end_voice()
        self.send(wire.BufferCleared())

    def _end_turn(self) -> None:
        """The user's turn is over, now: what the client does next comes after it."""
        self.conversation.handle(ev.TurnClosed(self._world.now))

    def _end_voice(self) -> None:
        """The ear that hears the user speak will not hear the end of it."""
        now_s = self._world.now
        self.conversation.post(ev.SpeechPaused(now_s, now_s))

    def _clear_output(self, event: requests.OutputClear) -> None:
        if self._output is None:
            raise WireError("realtime.only_webrtc", code="invalid_event_for_transport")
        self._output.clear()

    # -- its settings, put into effect

    def _configured_persona(self) -> Persona:
        """Instructions of the client's own may want any language, and another voice or character has no openers."""
        persona, instructions = self.config.persona, self.config["instructions"]
        language = self.config.extensions.get("language", persona.language)
        replies_in = persona.replies_in if instructions == persona.system else ""
        openers = persona.openers if self.config.is_persona and self.config.speaks else {}
        written_in = persona.written_in if instructions == persona.system else ()  # others say all that they want said
        return replace(
            persona, system=instructions, language=language, replies_in=replies_in, written_in=written_in,
            openers=openers,
        )  # fmt: skip

    def _configure(self) -> None:
        config = self.config
        detection = config.turn_detection
        was_speaking = self._ear.is_speaking
        self._sound.set_format(config.input_format)
        self._sound.is_buffered = detection is None
        self._sound.is_heard = detection is not None or bool(config.extensions)
        if self._sound.is_heard:
            detection = {**SERVER_VAD, **(detection or {})}
            self._ear.open(detection["threshold"], detection["prefix_padding_ms"] / 1000, has_echo=config.has_echo)
            self._port.follow_echo(config.has_echo)
        else:
            if was_speaking:
                self._end_turn()  # of which nothing more will be heard
            self._ear.close()
        if was_speaking and not self._ear.is_speaking:
            self._end_voice()
        self.conversation.configure(
            turns=turns_settings(config, self._own_turns),
            persona=self._configured_persona(),
            tools=tools_of(config["tools"]),
            tool_choice=choice_of(config["tool_choice"]),
        )
