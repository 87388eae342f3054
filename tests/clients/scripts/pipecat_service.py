"""A talk with pipecat: ``OpenAIRealtimeLLMService`` in a pipeline, with devices of this script's own."""

from __future__ import annotations

import asyncio
import sys
import time

from loguru import logger
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import (
    ErrorFrame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMRunFrame,
    OutputAudioRawFrame,
    StartFrame,
    TTSStartedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.openai.realtime import events
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner
from user import INSTRUCTIONS, RATE, TOOL, TOOL_RESULT, User, main, tell


class Microphone(BaseInputTransport):
    """Takes what the user says."""

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def send(self, sound: bytes) -> None:
        await self.push_audio_frame(InputAudioRawFrame(audio=sound, sample_rate=RATE, num_channels=1))


class Loudspeaker(BaseOutputTransport):
    """Plays in real time; counts what was played."""

    user: User

    def __init__(self, params: TransportParams) -> None:
        super().__init__(params)
        self._reply, self._free_s = 0, 0.0

    async def start(self, frame: StartFrame) -> None:
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def process_frame(self, frame, direction) -> None:
        match frame:
            case TTSStartedFrame():
                self._reply += 1
            case InterruptionFrame() if self.user.player.is_playing:
                self.user.interrupted.set()
            case LLMFullResponseEndFrame():
                self.user.replies_done += 1
            case ErrorFrame():
                tell("error", error=frame.error)
        await super().process_frame(frame, direction)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        begins_s = max(time.monotonic(), self._free_s)
        self._free_s = begins_s + len(frame.audio) / 2 / RATE
        await asyncio.sleep(max(0.0, begins_s - time.monotonic()))
        self.user.player.note(f"reply {self._reply}", frame.audio)
        return True


async def run(url: str, folder: str) -> None:
    service = OpenAIRealtimeLLMService(
        api_key="x",
        base_url=url.replace("http", "ws", 1) + "/v1/realtime",
        settings=OpenAIRealtimeLLMService.Settings(
            model="huiyin",
            system_instruction=INSTRUCTIONS,
            session_properties=events.SessionProperties(
                audio=events.AudioConfiguration(
                    input=events.AudioInput(
                        transcription=events.InputAudioTranscription(), turn_detection=events.TurnDetection()
                    )
                )
            ),
        ),
    )

    async def get_weather(call) -> None:
        tell("tool", name="get_weather", arguments=dict(call.arguments))
        await call.result_callback(TOOL_RESULT)

    service.register_function("get_weather", get_weather)

    @service.event_handler("on_conversation_item_updated")
    async def updated(service, item_id, item) -> None:
        tell("item", id=item_id, item=item.model_dump(exclude_none=True) if item else None)

    schema = FunctionSchema(
        name=TOOL["name"],
        description=TOOL["description"],
        properties=TOOL["parameters"]["properties"],
        required=TOOL["parameters"]["required"],
    )
    context = LLMContext([{"role": "user", "content": "Say hello."}], ToolsSchema(standard_tools=[schema]))
    aggregators = LLMContextAggregatorPair(context)
    microphone = Microphone(TransportParams(audio_in_enabled=True))
    loudspeaker = Loudspeaker(TransportParams(audio_out_enabled=True))
    user = loudspeaker.user = User(folder, microphone.send)
    pipeline = Pipeline([microphone, aggregators.user(), service, loudspeaker, aggregators.assistant()])
    params = PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE)
    worker = PipelineWorker(pipeline, params=params, idle_timeout_secs=None, enable_rtvi=False)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await worker.queue_frames([LLMRunFrame()])
    while not user.replies_done:  # it greets
        await asyncio.sleep(0.05)
    try:
        await user.converse()
        turns = [
            [message["role"], message["content"]]
            for message in context.get_messages()
            if message["role"] in ("user", "assistant") and message.get("content")
        ]
        tell("history", turns=turns)
    finally:
        await runner.cancel()
        await running


logger.remove()
logger.add(sys.stderr, level="INFO")
main(run)
