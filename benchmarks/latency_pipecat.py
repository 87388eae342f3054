"""pipecat's side of `benchmarks.latency`; run by the Python of its own virtual environment, never imported.

pipecat's parts in their usual order: Silero VAD and smart-turn v3 at their defaults, OpenAI's STT, LLM and TTS
services pointed at the simulated ones. In place of a sound device: blocks of 20 ms in real time, and an output with
the same clock (`latency_peer`).
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

from latency_peer import OUT_RATE, RATE, Played, Speech, obey
from loguru import logger
from pipecat import version
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import InputAudioRawFrame, OutputAudioRawFrame, StartFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.openai.stt import OpenAISTTService
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams
from pipecat.workers.runner import WorkerRunner

ABOUT = f"pipecat-ai {version()}: Silero VAD and smart-turn v3 at their defaults"


class Microphone(BaseInputTransport):
    """A device that takes up `speech`."""

    def __init__(self, params: TransportParams, speech: Speech) -> None:
        super().__init__(params)
        self._speech = speech

    async def start(self, frame: StartFrame) -> None:
        """Begin."""
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._speech_task = self.create_task(self._send_blocks())

    async def cleanup(self) -> None:
        """End."""
        await self.cancel_task(self._speech_task)
        await super().cleanup()

    async def _send_blocks(self) -> None:
        async for audio in self._speech.blocks():
            await self.push_audio_frame(InputAudioRawFrame(audio=audio, sample_rate=RATE, num_channels=1))


class Loudspeaker(BaseOutputTransport):
    """A device that plays what is written without delay, one piece ahead."""

    def __init__(self, params: TransportParams, played: Played) -> None:
        super().__init__(params)
        self._played = played

    async def start(self, frame: StartFrame) -> None:
        """Begin."""
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """One piece of sound."""
        begins_s = self._played.add(frame.audio, frame.sample_rate)
        await asyncio.sleep(max(0.0, begins_s - time.monotonic()))
        return True


def pipeline_of(
    microphone: BaseInputTransport, loudspeaker: BaseOutputTransport, url: str, context: LLMContext | None = None
) -> Pipeline:
    """Everything between a microphone and a loudspeaker. `context`: what has been said."""
    key = "none"
    aggregators = LLMContextAggregatorPair(
        context or LLMContext(), user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
    )
    return Pipeline(
        [
            microphone,
            OpenAISTTService(api_key=key, base_url=url),
            aggregators.user(),
            OpenAILLMService(api_key=key, base_url=url),
            OpenAITTSService(api_key=key, base_url=url),
            loudspeaker,
            aggregators.assistant(),
        ]
    )


async def converse(url: str, noise_dbfs: float) -> None:
    """Until standard input ends."""
    speech, played = Speech(noise_dbfs), Played()
    microphone = Microphone(TransportParams(audio_in_enabled=True), speech)
    loudspeaker = Loudspeaker(TransportParams(audio_out_enabled=True), played)
    pipeline = pipeline_of(microphone, loudspeaker, url)
    params = PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=OUT_RATE)
    worker = PipelineWorker(pipeline, params=params, idle_timeout_secs=None, enable_rtvi=False)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await obey(speech, played, ABOUT)
    await runner.cancel()
    await running


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level=os.environ.get("LATENCY_PEER_LOG", "WARNING"))
    asyncio.run(converse(sys.argv[1], float(sys.argv[2])))
