"""A talk with `openai-agents`: ``RealtimeRunner(agent).run(...)``."""

from __future__ import annotations

import asyncio
import contextlib

from agents import function_tool, set_tracing_disabled
from agents.realtime import RealtimeAgent, RealtimePlaybackTracker, RealtimeRunner
from user import INSTRUCTIONS, TOOL_RESULT, User, main, tell


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    tell("tool", name="get_weather", arguments=city)
    return TOOL_RESULT


async def run(url: str, folder: str) -> None:
    set_tracing_disabled(True)
    agent = RealtimeAgent(name="Assistant", instructions=INSTRUCTIONS, tools=[get_weather])
    heard = RealtimePlaybackTracker()
    runner = RealtimeRunner(agent)
    config = {
        "url": url.replace("http", "ws", 1) + "/v1/realtime",
        "api_key": "x",
        "playback_tracker": heard,
        "initial_model_settings": {
            "model_name": "huiyin",
            "audio": {
                "input": {
                    "transcription": {"model": "gpt-4o-mini-transcribe"},
                    "turn_detection": {"type": "server_vad"},
                }
            },
        },
    }
    async with await runner.run(model_config=config) as session:
        user = User(folder, session.send_audio)
        user.played = lambda item, sound: heard.on_play_bytes(item, 0, sound)
        ready = asyncio.Event()
        history: list = []
        listening = asyncio.create_task(_listen(session, user, history, ready))
        await ready.wait()
        talk = asyncio.create_task(user.converse())
        await asyncio.wait([talk, listening], return_when=asyncio.FIRST_COMPLETED)
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        await talk
        tell("history", turns=[[item.role, _text(item)] for item in history if item.type == "message"])


def _text(item) -> str:
    return "".join(getattr(part, "transcript", None) or getattr(part, "text", None) or "" for part in item.content)


async def _listen(session, user: User, history: list, ready: asyncio.Event) -> None:
    async for event in session:
        match event.type:
            case "raw_model_event" if event.data.type == "raw_server_event":
                message = event.data.data
                if message["type"] == "session.updated":
                    ready.set()
                if message["type"] == "response.done" and any(
                    item["type"] == "message" for item in message["response"].get("output") or []
                ):
                    user.replies_done += 1
                if message["type"] != "response.output_audio.delta":
                    tell("server", message=message)
            case "audio":
                user.player.add(event.item_id, event.audio.data)
            case "audio_interrupted":
                user.player.clear()
                user.interrupted.set()
            case "history_updated":
                history[:] = event.history
            case "history_added":
                tell("item", text=str(event.item)[:200])
            case "error":
                tell("error", error=str(event.error))
            case "tool_start" | "tool_end":
                tell(event.type)


main(run)
