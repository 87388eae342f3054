"""A talk with pipecat's client of the Live protocol: ``OpenAILiveLLMService`` in a pipeline, with own devices."""

from __future__ import annotations

import asyncio
import sys

from loguru import logger
from pipecat.frames.frames import LLMRunFrame, ProposedUserStartedSpeakingFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.services.openai.live.llm import OpenAILiveLLMService
from pipecat.services.openai.responses.llm import OpenAIResponsesLLMSettings
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner
from pipecat_devices import Loudspeaker, Microphone, get_weather, tools, turns_of
from user import INSTRUCTIONS, RATE, User, main, tell


class LiveLoudspeaker(Loudspeaker):
    """Sound belongs to the user's turn before it: there are no replies on the wire."""

    async def process_frame(self, frame, direction) -> None:
        if isinstance(frame, ProposedUserStartedSpeakingFrame):
            self.reply += 1
        await super().process_frame(frame, direction)


async def run(url: str, folder: str) -> None:
    delegation = OpenAILiveLLMService.ResponsesDelegation(settings=OpenAIResponsesLLMSettings(model="backend"))
    service = OpenAILiveLLMService(
        api_key="x",
        base_url=url.replace("http", "ws", 1) + "/v1/live/sessions",
        settings=OpenAILiveLLMService.Settings(model="huiyin", system_instruction=INSTRUCTIONS),
        delegation=delegation,
    )
    service.register_function("get_weather", get_weather)
    ready = asyncio.Event()

    @service.event_handler("on_session_started")
    async def started(service, session) -> None:
        ready.set()

    context = LLMContext([], tools())
    aggregators = LLMContextAggregatorPair(context)
    microphone = Microphone(TransportParams(audio_in_enabled=True))
    loudspeaker = LiveLoudspeaker(TransportParams(audio_out_enabled=True))
    user = loudspeaker.user = User(folder, microphone.send)
    pipeline = Pipeline([microphone, aggregators.user(), service, loudspeaker, aggregators.assistant()])
    params = PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE)
    worker = PipelineWorker(pipeline, params=params, idle_timeout_secs=None, enable_rtvi=False)

    @worker.event_handler("on_pipeline_error")
    async def failed(worker, frame) -> None:
        tell("error", error=frame.error)

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await worker.queue_frames([LLMRunFrame()])
    await ready.wait()
    watching = asyncio.create_task(user.watch())
    try:
        await user.converse()
        tell("history", turns=turns_of(context))
    finally:
        watching.cancel()
        await runner.cancel()
        await running


logger.remove()
logger.add(sys.stderr, level="INFO")
main(run)
