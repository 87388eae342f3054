"""A talk with livekit's client of the Live protocol: ``GPTLiveModel(...).session()``, without a room."""

from __future__ import annotations

import asyncio

import aiohttp
from livekit import rtc
from livekit.agents import llm
from livekit.plugins.openai.realtime import GPTLiveModel
from user import BLOCK, INSTRUCTIONS, RATE, TOOL_RESULT, User, main, tell


@llm.function_tool
async def get_weather(city: str) -> str:
    """The weather in a city."""
    return TOOL_RESULT


async def run(url: str, folder: str) -> None:
    async with aiohttp.ClientSession() as http:
        model = GPTLiveModel(base_url=f"{url}/v1", api_key="x", model="huiyin", http_session=http)
        session = model.session()

        async def send(sound: bytes) -> None:
            session.push_audio(rtc.AudioFrame(sound, RATE, 1, BLOCK))

        user = User(folder, send)
        turns: list[str] = []  # ids of the user's
        ready = asyncio.Event()

        def seen(message: dict) -> None:
            if message["type"] == "session.started":
                ready.set()
            if message["type"] != "session.output_audio.delta":
                tell("server", message=message)

        async def play() -> None:
            async for each in session.audio_stream:
                user.player.add(f"reply {len(turns)}", bytes(each.frame.data))

        async def call(made: llm.FunctionCall) -> None:
            tell("tool", name=made.name, arguments=made.arguments)
            output = llm.FunctionCallOutput(name=made.name, call_id=made.call_id, output=TOOL_RESULT, is_error=False)
            await session._append_items([output])  # as the framework does: the client has no public name for it

        def transcribed(event: llm.InputTranscriptionCompleted) -> None:
            if event.item_id not in turns:
                turns.append(event.item_id)

        tasks = [asyncio.create_task(play())]
        session.on("openai_server_event_received", seen)
        session.on("input_audio_transcription_completed", transcribed)
        session.on("function_call", lambda made: tasks.append(asyncio.create_task(call(made))))
        session.on("error", lambda error: tell("error", error=str(error)))
        await session._update_session(instructions=INSTRUCTIONS, tools=[get_weather])
        await ready.wait()
        tasks.append(asyncio.create_task(user.watch()))
        await user.converse()
        messages = [item for item in session._history.items if isinstance(item, llm.ChatMessage)]
        tell("history", turns=[[message.role, message.text_content or ""] for message in messages])
        for task in tasks:
            task.cancel()
        await session.aclose()
        await model.aclose()


main(run)
