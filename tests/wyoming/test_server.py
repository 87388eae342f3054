"""The Wyoming server through wyoming's own client, in the orders in which Home Assistant sends its events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

pytest.importorskip("wyoming")

from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.handle import Handled, NotHandled
from wyoming.info import Describe, Info
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped, SynthesizeVoice

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.faces.wyoming.server import Wyoming
from huiyin.assistant.tools.own import own_tool
from huiyin.assistant.tools.toolbox import Toolbox
from tests.support.service_process import free_port
from tests.support.stub_services import Stub

LIMIT_S = 60.0
LAMP = own_tool("lamp", "Switch the lamp.", lambda arguments: "it is on")
CALL = [{"index": 0, "id": "c1", "type": "function", "function": {"name": "lamp", "arguments": "{}"}}]


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub(llm_s=0.0, asr_s=0.0, tts_s=0.0) as stub:
        yield stub


@asynccontextmanager
async def served(stub: Stub, **options: Any) -> AsyncIterator[str]:
    uri = f"tcp://127.0.0.1:{free_port()}"
    door = Wyoming(Services(stub.settings()), load_persona("huiyin"), **options)
    task = asyncio.create_task(door.serve(uri))
    try:
        yield uri
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def client(uri: str) -> AsyncIterator[AsyncTcpClient]:
    host, _, port = uri.removeprefix("tcp://").partition(":")
    one = AsyncTcpClient(host, int(port))
    while True:
        try:
            await one.connect()
            break
        except ConnectionRefusedError:  # it is about to listen
            await asyncio.sleep(0)
    try:
        yield one
    finally:
        await one.disconnect()


async def until(one: AsyncTcpClient, kind: type) -> list[Event]:
    """The events up to the first of this kind."""
    events: list[Event] = []
    while True:
        event = await asyncio.wait_for(one.read_event(), LIMIT_S)
        assert event is not None, f"the server has hung up after {events}"
        events.append(event)
        if kind.is_type(event.type):  # type: ignore[attr-defined]
            return events


def talk(stub: Stub, script: Callable[[AsyncTcpClient], Awaitable[None]], **options: Any) -> None:
    """Play one client's part."""

    async def play() -> None:
        async with served(stub, **options) as uri, client(uri) as one:
            await asyncio.wait_for(script(one), LIMIT_S)

    asyncio.run(play())


async def transcribed(one: AsyncTcpClient, sound: bytes, rate: int = 16_000, width: int = 2, channels: int = 1) -> str:
    await one.write_event(Transcribe(language="en-US").event())
    await one.write_event(AudioStart(rate, width, channels).event())
    step = rate * width * channels // 20
    for start in range(0, len(sound), step):
        await one.write_event(AudioChunk(rate, width, channels, sound[start : start + step]).event())
    await one.write_event(AudioStop().event())
    return Transcript.from_event((await until(one, Transcript))[-1]).text


def test_what_there_is_is_told_though_no_service_answers(stub: Stub) -> None:
    async def script(one: AsyncTcpClient) -> None:
        await one.write_event(Describe().event())
        info = Info.from_event((await until(one, Info))[-1])
        assert info.asr[0].models[0].languages == ["zh", "en"] and info.asr[0].supports_transcript_streaming
        assert info.tts[0].supports_synthesize_streaming and info.tts[0].voices
        assert info.handle[0].supports_home_control

    talk(stub, script)


def test_only_what_is_asked_for_is_offered(stub: Stub) -> None:
    async def script(one: AsyncTcpClient) -> None:
        await one.write_event(Describe().event())
        info = Info.from_event((await until(one, Info))[-1])
        assert (len(info.asr), len(info.tts), len(info.handle)) == (1, 0, 0)

    talk(stub, script, kinds=["asr"])


def test_speech_is_transcribed_with_silence_behind_it_and_again_on_the_same_connection(stub: Stub) -> None:
    async def script(one: AsyncTcpClient) -> None:
        for _ in range(2):
            assert await transcribed(one, b"\x01\x01" * 16_000) == "where is the sun"
        assert await transcribed(one, b"\x01\x01" * 44_100 * 2, 44_100, 2, 2) == "where is the sun"
        assert stub.transcribed_s == pytest.approx([1.3, 1.3, 1.3], abs=0.05)

    talk(stub, script)


def test_without_sound_and_without_a_recogniser_there_is_a_transcript_all_the_same(stub: Stub) -> None:
    async def script(one: AsyncTcpClient) -> None:
        assert await transcribed(one, b"") == ""
        stub.fail.add("asr")
        assert await transcribed(one, b"\x01\x01" * 1600) == ""

    talk(stub, script)


def test_a_text_is_spoken_clause_by_clause(stub: Stub) -> None:
    async def script(one: AsyncTcpClient) -> None:
        text = "It is noon. The sun is high above the old lighthouse now."
        await one.write_event(Synthesize(text, SynthesizeVoice(name="zf_xiaoyi")).event())
        events = await until(one, AudioStop)
        assert AudioStart.is_type(events[0].type)
        assert all(AudioChunk.is_type(event.type) for event in events[1:-1]) and len(events) > 4
        clauses = [body["input"] for body in stub.synthesised]
        assert clauses == ["It is noon.", "The sun is high above the old lighthouse now."]
        assert {body["voice"] for body in stub.synthesised} == {"zf_xiaoyi"}

    talk(stub, script)


def test_a_streamed_text_is_spoken_once_though_it_is_sent_twice(stub: Stub) -> None:
    async def script(one: AsyncTcpClient) -> None:
        for _ in range(2):
            stub.synthesised.clear()
            await one.write_event(SynthesizeStart().event())
            for piece in ("It is ", "noon. The sun", " is high."):
                await one.write_event(SynthesizeChunk(piece).event())
            await one.write_event(Synthesize("It is noon. The sun is high.").event())
            await one.write_event(SynthesizeStop().event())
            events = await until(one, SynthesizeStopped)
            kinds = [event.type for event in events]
            assert kinds[0] == "audio-start" and kinds[-2:] == ["audio-stop", "synthesize-stopped"]
            assert [body["input"] for body in stub.synthesised] == ["It is noon.", "The sun is high."]
        await one.write_event(Synthesize("Alone.").event())
        await until(one, AudioStop)
        assert stub.synthesised[-1]["input"] == "Alone."

    talk(stub, script)


def test_a_voice_that_fails_ends_with_the_events_that_the_client_waits_for(stub: Stub) -> None:
    async def script(one: AsyncTcpClient) -> None:
        stub.fail.add("tts")
        await one.write_event(Synthesize("It is noon.").event())
        assert "error" in [event.type for event in await until(one, AudioStop)]

    talk(stub, script)


def test_the_assistant_answers_and_remembers_its_conversation(stub: Stub) -> None:
    async def script(one: AsyncTcpClient) -> None:
        for question in ("Where is the sun?", "And in Rome?"):
            await one.write_event(Transcript(question, context={"conversation_id": "a"}).event())
            handled = Handled.from_event((await until(one, Handled))[-1])
            assert handled.text == stub.reply and handled.context == {"conversation_id": "a"}
        assert [message["role"] for message in stub.asked[-1]["messages"]] == ["system", "user", "assistant", "user"]
        await one.write_event(Transcript("Hello?", context={"conversation_id": "b"}).event())
        await until(one, Handled)
        assert len(stub.asked[-1]["messages"]) == 2, "another conversation"

    talk(stub, script)


def test_the_assistant_uses_its_tools_before_it_answers(stub: Stub) -> None:
    async def script(one: AsyncTcpClient) -> None:
        stub.calls.append(CALL)
        await one.write_event(Transcript("Switch on the lamp.").event())
        assert Handled.from_event((await until(one, Handled))[-1]).text == stub.reply
        assert stub.asked[-1]["messages"][-1]["content"] == "it is on"

    talk(stub, script, toolbox=Toolbox([LAMP]))


def test_what_cannot_be_answered_is_said_so(stub: Stub) -> None:
    async def script(one: AsyncTcpClient) -> None:
        await one.write_event(Transcript("  ").event())
        assert NotHandled.from_event((await until(one, NotHandled))[-1]).text
        stub.fail.add("llm")
        await one.write_event(Transcript("What is the time?").event())
        assert "train of thought" in str(Handled.from_event((await until(one, Handled))[-1]).text)

    talk(stub, script)


def test_an_event_without_what_it_needs_is_an_error_and_the_connection_stays(stub: Stub) -> None:
    async def script(one: AsyncTcpClient) -> None:
        for kind in ("synthesize", "audio-chunk", "transcript", "nonsense"):
            await one.write_event(Event(kind, {"rate": "x"}))
        await one.write_event(Describe().event())
        assert [event.type for event in await until(one, Info)] == ["error", "error", "error", "info"]

    talk(stub, script)


def test_a_client_that_leaves_in_the_middle_leaves_the_others_alone(stub: Stub) -> None:
    async def play() -> None:
        async with served(stub) as uri:
            async with client(uri) as one:
                await one.write_event(SynthesizeStart().event())
                await one.write_event(SynthesizeChunk("It is noon. And").event())
                await until(one, AudioStart)
            async with client(uri) as one:
                await one.write_event(Synthesize("It is noon.").event())
                await until(one, AudioStop)

    asyncio.run(play())
