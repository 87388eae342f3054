"""LiveKit's classes for speech to text, language model and text to speech, as docs/clients.md makes them.

Arguments: the file with the page's code, the question as WAV (mono, 16 bits).
"""

from __future__ import annotations

import asyncio
import runpy
import sys
import wave

from livekit import rtc
from livekit.agents.llm import ChatContext
from livekit.agents.utils import http_context


async def main() -> None:
    """Each does its job once."""
    made = runpy.run_path(sys.argv[1])
    stt, llm, tts = made["stt"], made["llm"], made["tts"]
    with wave.open(sys.argv[2]) as file:
        rate, count = file.getframerate(), file.getnframes()
        frame = rtc.AudioFrame(file.readframes(count), rate, 1, count)
    async with http_context.open():
        heard = (await stt.recognize([frame])).alternatives[0].text
        print("heard:", heard)
        context = ChatContext.empty()
        context.add_message(role="user", content=heard)
        async with llm.chat(chat_ctx=context) as stream:
            words = [chunk.delta.content async for chunk in stream if chunk.delta and chunk.delta.content]
        print("answered:", "".join(words))
        async with tts.synthesize("Hello there.") as stream:
            print("spoke:", sum([len(audio.frame.data) async for audio in stream]))


asyncio.run(main())
