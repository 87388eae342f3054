"""A talk with the `openai` package: ``AsyncOpenAI(...).live.connect``. The server paces; the client only plays."""

from __future__ import annotations

import asyncio
import base64
import contextlib

from openai import AsyncOpenAI
from user import INSTRUCTIONS, RATE, TOOL, TOOL_RESULT, User, main, tell


async def run(url: str, folder: str) -> None:
    client = AsyncOpenAI(base_url=f"{url}/v1", api_key="x")
    async with client.live.connect() as connection:

        async def send(sound: bytes) -> None:
            await connection.session.input_audio.append(audio=base64.b64encode(sound).decode())

        user = User(folder, send)
        turns: list[list[str]] = []  # [role, text]
        ready, closed = asyncio.Event(), asyncio.Event()
        listening = asyncio.create_task(_listen(connection, user, turns, ready, closed))
        await connection.session.start(
            session={
                "model": "huiyin",
                "instructions": INSTRUCTIONS,
                "audio": {"format": {"type": "audio/pcm", "rate": RATE}},
                "delegation": {
                    "type": "responses",
                    "responses": {"model": "backend", "tools": [{"type": "function", **TOOL}]},
                },
            }
        )
        await ready.wait()
        talk = asyncio.create_task(user.converse())
        watching = asyncio.create_task(user.watch())
        await asyncio.wait([talk, listening], return_when=asyncio.FIRST_COMPLETED)
        watching.cancel()
        await talk
        await connection.session.close()
        await asyncio.wait_for(closed.wait(), 5)
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        tell("history", turns=turns)


async def _listen(connection, user: User, turns, ready: asyncio.Event, closed: asyncio.Event) -> None:
    """Sound belongs to the user's turn before it: there are no replies on the wire."""
    async for event in connection:
        if event.type != "session.output_audio.delta":
            tell("server", message=event.to_dict())
        match event.type:
            case "session.started":
                ready.set()
            case "session.input_transcript.delta":
                turns.append(["user", event.delta])
            case "session.output_transcript.delta":
                if not turns or turns[-1][0] == "user":
                    turns.append(["assistant", ""])
                turns[-1][1] += event.delta
            case "session.output_audio.delta":
                user.player.add(str(sum(role == "user" for role, _ in turns)), base64.b64decode(event.delta))
            case "response.event" if event.event["type"] == "response.output_item.done":
                item = event.event["item"]
                if item["type"] == "function_call":
                    tell("tool", name=item["name"], arguments=item["arguments"])
                    await connection.response.item.create(
                        item={"type": "function_call_output", "call_id": item["call_id"], "output": TOOL_RESULT}
                    )
            case "response.event" if event.event["type"] == "response.completed":
                if turns[-1][0] == "user":  # not that of the reply to the result
                    await connection.response.create()
            case "session.closed":
                closed.set()


main(run)
