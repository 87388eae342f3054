"""A talk with the `openai` package: ``AsyncOpenAI(...).realtime.connect``."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Awaitable, Callable

from openai import AsyncOpenAI
from user import INSTRUCTIONS, TOOL, TOOL_RESULT, User, main, tell


async def run(
    url: str, folder: str, talk: Callable[[User], Awaitable[None]] = User.converse, tool_choice: str = "auto"
) -> None:
    """`tool_choice`: of replies to the user; "required" does not hold for replies to a result."""
    client = AsyncOpenAI(base_url=f"{url}/v1", api_key="x")
    async with client.realtime.connect(model="huiyin") as connection:

        async def send(sound: bytes) -> None:
            await connection.input_audio_buffer.append(audio=base64.b64encode(sound).decode())

        user = User(folder, send)
        history: dict[str, list[str]] = {}  # item -> [role, text]
        ready = asyncio.Event()
        listening = asyncio.create_task(_listen(connection, user, history, ready))
        await connection.session.update(
            session={
                "type": "realtime",
                "instructions": INSTRUCTIONS,
                "audio": {
                    "input": {
                        "turn_detection": {"type": "server_vad"},
                        "transcription": {"model": "gpt-4o-mini-transcribe"},
                    }
                },
                "tools": [{"type": "function", **TOOL}],
                "tool_choice": tool_choice,
            }
        )
        await ready.wait()
        talking = asyncio.ensure_future(talk(user))
        await asyncio.wait([talking, listening], return_when=asyncio.FIRST_COMPLETED)
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        await talking
        tell("history", turns=list(history.values()))


async def _listen(connection, user: User, history: dict[str, list[str]], ready: asyncio.Event) -> None:
    async for event in connection:
        if event.type != "response.output_audio.delta":
            tell("server", message=event.to_dict())
        match event.type:
            case "session.updated":
                ready.set()
            case "conversation.item.added" if event.item.type == "message":
                history[event.item.id] = [event.item.role, ""]
            case "conversation.item.input_audio_transcription.completed":
                history[event.item_id][1] = event.transcript
            case "response.output_audio_transcript.delta":
                history[event.item_id][1] += event.delta
            case "response.output_audio.delta":
                user.player.add(event.item_id, base64.b64decode(event.delta))
            case "response.done" if any(item.type == "message" for item in event.response.output or []):
                user.replies_done += 1
            case "input_audio_buffer.speech_started" if user.player.is_playing:
                item, heard_ms = user.player.clear()
                await connection.conversation.item.truncate(item_id=item, content_index=0, audio_end_ms=int(heard_ms))
                user.interrupted.set()
            case "conversation.item.truncated":  # the documented way to learn what is remembered of it
                await connection.conversation.item.retrieve(item_id=event.item_id)
            case "conversation.item.retrieved":
                history[event.item.id][1] = "".join(part.transcript or "" for part in event.item.content)
            case "response.output_item.done" if event.item.type == "function_call":
                tell("tool", name=event.item.name, arguments=event.item.arguments)
                await connection.conversation.item.create(
                    item={"type": "function_call_output", "call_id": event.item.call_id, "output": TOOL_RESULT}
                )
            case "response.done" if any(item.type == "function_call" for item in event.response.output or []):
                await connection.response.create(response={"tool_choice": "auto"})


if __name__ == "__main__":
    main(run)
