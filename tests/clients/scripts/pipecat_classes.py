"""pipecat's classes for speech to text, language model and speech, as docs/clients.md makes them, in a pipeline.

Arguments: the file with the page's code, the question as WAV (mono, 16 bits).
"""

from __future__ import annotations

import asyncio
import runpy
import sys
import wave

from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    LLMContextFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner

LIMIT_S = 120.0


class Asker(FrameProcessor):
    """Asks the language model what was heard."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TranscriptionFrame):
            print("heard:", frame.text)
            frame = LLMContextFrame(LLMContext([{"role": "user", "content": frame.text}]))
        await self.push_frame(frame, direction)


class Listener(FrameProcessor):
    """Notes what comes by."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.sound, self.done = "", b"", asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMTextFrame):
            self.words += frame.text
        elif isinstance(frame, TTSAudioRawFrame):
            self.sound += frame.audio
        elif isinstance(frame, (TTSStoppedFrame, ErrorFrame)):
            self.done.set()
        await self.push_frame(frame, direction)


async def main() -> None:
    """One question, one spoken answer."""
    made, reader, listener = runpy.run_path(sys.argv[1]), Listener(), Listener()
    with wave.open(sys.argv[2]) as file:
        rate, sound = file.getframerate(), file.readframes(file.getnframes())
    pipeline = Pipeline([made["stt"], Asker(), made["llm"], reader, made["tts"], listener])
    params = PipelineParams(audio_in_sample_rate=rate, audio_out_sample_rate=24_000)
    worker = PipelineWorker(pipeline, params=params, idle_timeout_secs=None, enable_rtvi=False)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    question = InputAudioRawFrame(audio=sound, sample_rate=rate, num_channels=1)
    await worker.queue_frames([VADUserStartedSpeakingFrame(), question, VADUserStoppedSpeakingFrame()])
    await asyncio.wait_for(listener.done.wait(), LIMIT_S)
    print("answered:", reader.words)
    print("spoke:", len(listener.sound))
    await runner.cancel()
    await running


asyncio.run(main())
