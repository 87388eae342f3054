"""The Wyoming server: each connection may transcribe, synthesise and ask, and always gets the event that it waits for.

What clients send, and in which order, is Home Assistant's own use of the protocol (docs/wyoming.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioChunkConverter, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled, NotHandled
from wyoming.info import Describe
from wyoming.ping import Ping, Pong
from wyoming.server import AsyncEventHandler, AsyncServer
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped, SynthesizeVoice

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.hands import Toolbox
from huiyin.assistant.dialogue.clause_stream import ClauseStream
from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.wyoming.information import LANGUAGES, information
from huiyin.assistant.faces.wyoming.typed_talk import TypedTalk
from huiyin.assistant.ports import SAMPLE_RATE

log = logging.getLogger(__name__)

_LIMIT_S = 60.0  # for a service to say something
_LONGEST_S = 600.0  # of sound in one request
_TAIL_S = 0.3  # of silence behind what was recorded: a recogniser drops words that end with the sound
_TALKS = 16  # conversations that are remembered, the last used
_PIECE = 3200  # samples in an audio event: 0.2 s


class Wyoming:
    """What all connections share. `serve` returns when it is cancelled, or SIGTERM comes."""

    def __init__(
        self,
        services: Services,
        persona: Persona,
        *,
        kinds: Sequence[str] = ("asr", "tts", "handle"),
        toolbox: Toolbox | None = None,
    ) -> None:
        self.services, self.persona, self.kinds = services, persona, tuple(kinds)
        self._toolbox = toolbox
        self._talks: OrderedDict[str, TypedTalk] = OrderedDict()
        self._voices: list[Mapping[str, Any]] = []

    async def serve(self, uri: str) -> None:
        """Serve at an address as tcp://127.0.0.1:10300."""
        server = AsyncServer.from_uri(uri)
        try:
            await server.run(lambda reader, writer: _Connection(self, reader, writer))
        finally:
            for talk in self._talks.values():
                talk.close()

    async def describe(self) -> Event:
        """What there is; voices are asked for once, and not waited for."""
        if not self._voices and "tts" in self.kinds:
            with contextlib.suppress(ServiceError, asyncio.TimeoutError):
                listed = asyncio.to_thread(self.services.get, "tts", "/voices", 0.5)
                self._voices = list((await asyncio.wait_for(listed, 0.6))["voices"])
        own = [{"name": self.persona.voice or "huiyin", "language": self.persona.language}]
        return information(self.kinds, self._voices or own, self.services.settings.asr.model).event()

    def talk(self, name: str) -> TypedTalk:
        """The conversation of this name; a new one where it is unknown, and for ''."""
        talk = self._talks.pop(name, None) or TypedTalk(self.services, self.persona, self._toolbox)
        self._talks[name or f"#{id(talk)}"] = talk
        while len(self._talks) > _TALKS:
            self._talks.popitem(last=False)[1].close()
        return talk


class _Connection(AsyncEventHandler):
    """One client. Its requests follow one another; a new one begins where the last ended."""

    def __init__(self, door: Wyoming, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self._door = door
        self._language = ""
        self._sound = bytearray()
        self._converter = AudioChunkConverter(rate=SAMPLE_RATE, width=2, channels=1)
        self._speaking: asyncio.Task[None] | None = None  # of a streamed synthesis
        self._clauses: asyncio.Queue[str | None] = asyncio.Queue()
        self._text: ClauseStream | None = None
        self._is_begun = False  # the sound of an answer

    async def handle_event(self, event: Event) -> bool:
        """One event; False ends the connection."""
        try:
            return await self._handle(event)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except (KeyError, ValueError, TypeError) as error:  # an event without what it must have
            log.info("wyoming: %s: %r", event.type, error)
            await self.write_event(Error(f"{event.type}: {error!r}", "bad_event").event())
            return True

    async def _handle(self, event: Event) -> bool:
        kind = event.type
        if Describe.is_type(kind):
            await self.write_event(await self._door.describe())
        elif Ping.is_type(kind):
            await self.write_event(Pong(Ping.from_event(event).text).event())
        elif Transcribe.is_type(kind):
            self._language = _own(Transcribe.from_event(event).language)
        elif AudioStart.is_type(kind):
            self._sound.clear()
        elif AudioChunk.is_type(kind):
            self._sound += self._converter.convert(AudioChunk.from_event(event)).audio
            del self._sound[: -round(_LONGEST_S * SAMPLE_RATE) * 2]
        elif AudioStop.is_type(kind):
            await self._transcribe()
        elif SynthesizeStart.is_type(kind):
            await self._begin_stream(SynthesizeStart.from_event(event).voice)
        elif SynthesizeChunk.is_type(kind):
            if self._text:
                self._text.feed(SynthesizeChunk.from_event(event).text)
        elif SynthesizeStop.is_type(kind):
            await self._end_stream()
        elif Synthesize.is_type(kind):
            if self._text is None:  # else it repeats the stream, for servers that know none
                request = Synthesize.from_event(event)
                await self._speak_whole(request.text, request.voice)
        elif Transcript.is_type(kind):
            await self._answer(Transcript.from_event(event))
        return True

    async def disconnect(self) -> None:
        """The client has gone: nothing more is made for it."""
        if self._speaking:
            self._speaking.cancel()

    # -- speech to text

    async def _transcribe(self) -> None:
        sound = np.frombuffer(bytes(self._sound), "<i2")
        self._sound.clear()
        text, language = "", self._language
        try:
            if len(sound):
                sound = np.concatenate([sound, np.zeros(round(_TAIL_S * SAMPLE_RATE), np.int16)])
                async for result in self._door.services.transcribe(sound, timeout_s=_LIMIT_S, language=self._language):
                    text, language = result.text, result.language
        except ServiceError as error:
            await self.write_event(Error(str(error), "asr").event())
        await self.write_event(TranscriptStart(language=language or None).event())
        await self.write_event(TranscriptChunk(text).event())
        await self.write_event(Transcript(text, language=language or None).event())
        await self.write_event(TranscriptStop().event())

    # -- text to speech

    async def _speak_whole(self, text: str, voice: SynthesizeVoice | None) -> None:
        clauses: list[str] = []
        cut = ClauseStream(lambda number, clause: clauses.append(clause))
        cut.feed(text)
        cut.finish()
        await self._begin_sound()
        for clause in clauses:
            await self._speak(clause, voice)
        await self.write_event(AudioStop().event())

    async def _begin_stream(self, voice: SynthesizeVoice | None) -> None:
        if self._speaking:
            self._speaking.cancel()
        clauses: asyncio.Queue[str | None] = asyncio.Queue()
        self._clauses = clauses
        self._text = ClauseStream(lambda number, clause: clauses.put_nowait(clause))
        self._speaking = asyncio.create_task(self._speak_stream(clauses, voice))

    async def _end_stream(self) -> None:
        if self._text is None or self._speaking is None:
            return
        self._text.finish()
        self._text = None  # a `synthesize` from here on is one of its own
        self._clauses.put_nowait(None)
        await self._speaking
        self._speaking = None

    async def _speak_stream(self, clauses: asyncio.Queue[str | None], voice: SynthesizeVoice | None) -> None:
        await self._begin_sound()
        while (clause := await clauses.get()) is not None:
            await self._speak(clause, voice)
        await self.write_event(AudioStop().event())
        await self.write_event(SynthesizeStopped().event())

    async def _begin_sound(self) -> None:
        await self.write_event(AudioStart(SAMPLE_RATE, 2, 1).event())

    async def _speak(self, clause: str, voice: SynthesizeVoice | None) -> None:
        name = (voice and voice.name) or self._door.persona.voice
        try:
            async for piece in self._door.services.speak(clause, name, timeout_s=_LIMIT_S):
                if isinstance(piece, list):
                    continue
                for start in range(0, len(piece), _PIECE):
                    sound = piece[start : start + _PIECE].astype("<i2").tobytes()
                    await self.write_event(AudioChunk(SAMPLE_RATE, 2, 1, sound).event())
        except ServiceError as error:  # the clauses that follow may still be spoken
            log.warning("wyoming: %s", error)
            await self.write_event(Error(str(error), "tts").event())

    # -- the assistant

    async def _answer(self, asked: Transcript) -> None:
        context = asked.context or {}
        name = str(context.get("conversation_id") or "")
        try:
            text = await self._door.talk(name).ask(asked.text, _LIMIT_S) if asked.text.strip() else ""
        except asyncio.TimeoutError:
            text = ""
        if text:
            await self.write_event(Handled(text, context=context or None).event())
        else:
            language = _own(asked.language) or language_of(asked.text)
            apology = self._door.persona.apology("llm", language)
            await self.write_event(NotHandled(apology or None).event())


def _own(language: str | None) -> str:
    """'zh-CN' -> 'zh'; '' for an unknown language, or without one."""
    code = (language or "").partition("-")[0].lower()
    return code if code in LANGUAGES else ""
