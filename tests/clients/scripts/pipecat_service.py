"""A talk with pipecat: ``OpenAIRealtimeLLMService`` in a pipeline, with devices of this script's own."""

from __future__ import annotations

import asyncio
import sys

from loguru import logger
from pipecat.frames.frames import (
    ErrorFrame,
    InterruptionFrame,
    LLMFullResponseEndFrame,
    LLMRunFrame,
    TTSStartedFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.openai.realtime import events
from pipecat.services.openai.realtime.llm import OpenAIRealtimeLLMService
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner
from pipecat_devices import Loudspeaker, Microphone, get_weather, tools, turns_of
from user import INSTRUCTIONS, RATE, User, main, tell


class ReplyLoudspeaker(Loudspeaker):
    """Knows replies and interruptions by their frames."""

    async def process_frame(self, frame, direction) -> None:
        match frame:
            case TTSStartedFrame():
                self.reply += 1
            case InterruptionFrame() if self.user.player.is_playing:
                self.user.interrupted.set()
            case LLMFullResponseEndFrame():
                self.user.replies_done += 1
            case ErrorFrame():
                tell("error", error=frame.error)
        await super().process_frame(frame, direction)


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

    service.register_function("get_weather", get_weather)

    @service.event_handler("on_conversation_item_updated")
    async def updated(service, item_id, item) -> None:
        tell("item", id=item_id, item=item.model_dump(exclude_none=True) if item else None)

    context = LLMContext([{"role": "user", "content": "Say hello."}], tools())
    aggregators = LLMContextAggregatorPair(context)
    microphone = Microphone(TransportParams(audio_in_enabled=True))
    loudspeaker = ReplyLoudspeaker(TransportParams(audio_out_enabled=True))
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
        tell("history", turns=turns_of(context))
    finally:
        await runner.cancel()
        await running


logger.remove()
logger.add(sys.stderr, level="INFO")
main(run)
