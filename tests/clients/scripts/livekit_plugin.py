"""A talk with livekit's plugin for OpenAI: ``openai.realtime.RealtimeModel(...).session()``, without a room."""

from __future__ import annotations

import asyncio

import aiohttp
from livekit import rtc
from livekit.agents import llm
from livekit.plugins import openai
from openai.types.realtime.realtime_audio_input_turn_detection import ServerVad
from user import BLOCK, INSTRUCTIONS, RATE, TOOL_RESULT, User, main, tell


@llm.function_tool
async def get_weather(city: str) -> str:
    """The weather in a city."""
    return TOOL_RESULT


async def run(url: str, folder: str) -> None:
    async with aiohttp.ClientSession() as http:
        model = openai.realtime.RealtimeModel(
            base_url=f"{url}/v1",
            api_key="x",
            model="huiyin",
            http_session=http,
            turn_detection=ServerVad(type="server_vad"),
        )
        session = model.session()

        async def send(sound: bytes) -> None:
            session.push_audio(rtc.AudioFrame(sound, RATE, 1, BLOCK))

        user = User(folder, send)
        ready = asyncio.Event()
        tasks: set[asyncio.Task] = set()

        def start(work) -> None:
            task = asyncio.create_task(work)
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        def seen(message: dict) -> None:
            if message["type"] == "session.updated":
                ready.set()
            if message["type"] != "response.output_audio.delta":
                tell("server", message=message)

        def interrupted(_) -> None:
            if user.player.is_playing:
                item, heard_ms = user.player.clear()
                session.interrupt()
                session.truncate(message_id=item, modalities=["audio", "text"], audio_end_ms=int(heard_ms))
                user.interrupted.set()

        session.on("openai_server_event_received", seen)
        session.on("generation_created", lambda generation: start(_play(generation, user, session, start)))
        session.on("input_speech_started", interrupted)
        session.on("error", lambda error: tell("error", error=str(error)))
        await session.update_instructions(INSTRUCTIONS)
        await session.update_tools([get_weather])
        await ready.wait()
        await user.converse()
        turns = [
            [item.role, item.text_content or ""] for item in session.chat_ctx.items if isinstance(item, llm.ChatMessage)
        ]
        tell("history", turns=turns)
        await session.aclose()
        await model.aclose()


async def _play(generation, user: User, session, start) -> None:
    """Play the sound of a reply, carry out its calls."""
    start(_call(generation, session))
    async for message in generation.message_stream:
        async for frame in message.audio_stream:
            user.player.add(message.message_id, bytes(frame.data))
        user.replies_done += 1


async def _call(generation, session) -> None:
    results = []
    async for call in generation.function_stream:
        tell("tool", name=call.name, arguments=call.arguments)
        results.append(llm.FunctionCallOutput(name=call.name, call_id=call.call_id, output=TOOL_RESULT, is_error=False))
    if results:  # all of them, then one reply
        context = session.chat_ctx.copy()
        context.items.extend(results)
        await session.update_chat_ctx(context)
        await session.generate_reply()


main(run)
