"""What both talks with pipecat have: a microphone, a loudspeaker, a tool, and what the context says was said."""

from __future__ import annotations

import asyncio
import time

from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import InputAudioRawFrame, OutputAudioRawFrame, StartFrame
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from user import RATE, TOOL, TOOL_RESULT, User, tell


class Microphone(BaseInputTransport):
    """Takes what the user says."""

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def send(self, sound: bytes) -> None:
        await self.push_audio_frame(InputAudioRawFrame(audio=sound, sample_rate=RATE, num_channels=1))


class Loudspeaker(BaseOutputTransport):
    """Plays in real time; counts what was played of `reply`."""

    user: User

    def __init__(self, params: TransportParams) -> None:
        super().__init__(params)
        self.reply, self._free_s = 0, 0.0

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        begins_s = max(time.monotonic(), self._free_s)
        self._free_s = begins_s + len(frame.audio) / 2 / RATE
        await asyncio.sleep(max(0.0, begins_s - time.monotonic()))
        self.user.player.note(f"reply {self.reply}", frame.audio)
        return True


async def get_weather(call) -> None:
    """The tool."""
    tell("tool", name="get_weather", arguments=dict(call.arguments))
    await call.result_callback(TOOL_RESULT)


def tools() -> ToolsSchema:
    """With its description."""
    schema = FunctionSchema(
        name=TOOL["name"],
        description=TOOL["description"],
        properties=TOOL["parameters"]["properties"],
        required=TOOL["parameters"]["required"],
    )
    return ToolsSchema(standard_tools=[schema])


def turns_of(context: LLMContext) -> list[list[str]]:
    """[role, text] of all messages that have a text."""
    return [
        [message["role"], message["content"]]
        for message in context.get_messages()
        if message["role"] in ("user", "assistant") and message.get("content")
    ]
