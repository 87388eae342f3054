"""pipecat's side of `benchmarks.latency`; run by the Python of its own virtual environment, never imported.

pipecat's parts in their usual order: Silero VAD and smart-turn v3 at their defaults, OpenAI's STT, LLM and TTS
services pointed at the simulated ones. In place of a sound device: blocks of 20 ms in real time, and an output with
the same clock. Orders come as JSON lines on standard input, times of audible output go back on standard output.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
from loguru import logger
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

RATE = 16_000
OUT_RATE = 24_000
BLOCK = RATE // 50
AUDIBLE = 10 ** (-45 / 20) * 32767
STEP_S = 0.010  # resolution of the times


class Speech:
    """Noise and the user's speech, a block every 20 ms."""

    def __init__(self, noise_dbfs: float) -> None:
        self._rng = np.random.default_rng(1)
        self._noise = 10 ** (noise_dbfs / 20)
        self._waiting = np.zeros(0, np.float32)
        self.begun = asyncio.Event()
        self.began_s = 0.0  # when the first sample of the speech was in the air

    def say(self, sound: np.ndarray) -> None:
        """Put `sound` (float32) into the air with the next block."""
        self.begun.clear()
        self._waiting = sound

    async def blocks(self) -> AsyncIterator[bytes]:
        """Each when it is due."""
        due_s, is_saying = time.monotonic(), False
        while True:
            voice, self._waiting = self._waiting[:BLOCK], self._waiting[BLOCK:]
            if len(voice) and not is_saying:
                self.began_s = due_s
                self.begun.set()
            is_saying = len(self._waiting) > 0
            block = self._rng.standard_normal(BLOCK).astype(np.float32) * self._noise
            block[: len(voice)] += voice
            due_s += BLOCK / RATE
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            yield (np.clip(block, -1, 1) * 32767).astype("<i2").tobytes()


class Played:
    """Sound that is played without delay, one piece after the other; when it was audible."""

    def __init__(self) -> None:
        self._free_s = 0.0
        self.audible: list[float] = []

    def add(self, audio: bytes, rate: int) -> float:
        """One piece more; when it begins."""
        begins_s = max(time.monotonic(), self._free_s)
        samples, step = np.frombuffer(audio, "<i2").astype(np.int32), round(rate * STEP_S)
        for i in range(0, len(samples), step):
            if np.abs(samples[i : i + step]).max() > AUDIBLE:
                self.audible.append(begins_s + i / rate)
        self._free_s = begins_s + len(samples) / rate
        return begins_s

    def stop(self) -> None:
        """What was not played yet is not heard."""
        now_s = self._free_s = time.monotonic()
        self.audible[:] = [at_s for at_s in self.audible if at_s < now_s]


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


def pipeline_of(microphone: BaseInputTransport, loudspeaker: BaseOutputTransport, url: str) -> Pipeline:
    """Everything between a microphone and a loudspeaker."""
    key = "none"
    aggregators = LLMContextAggregatorPair(
        LLMContext(), user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
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
    await obey(speech, played)
    await runner.cancel()
    await running


async def obey(speech: Speech, played: Played) -> None:
    """Carry out the orders on standard input."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(1.0)  # the models load
    print(json.dumps({"ready": True}), flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        order = json.loads(line)
        played.audible.clear()
        sound = np.fromfile(Path(order["say"]), "<f4")
        speech.say(sound)
        await speech.begun.wait()
        began_s, end_s = speech.began_s, len(sound) / RATE
        limit_s = began_s + end_s + order["limit_s"]
        while time.monotonic() < limit_s:
            await asyncio.sleep(0.02)
            last_s = played.audible[-1] - began_s if played.audible else 0.0
            if last_s > end_s and time.monotonic() - began_s > last_s + order["silence_s"]:
                break
        print(json.dumps({"audible": [at - began_s for at in played.audible]}), flush=True)


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level=os.environ.get("LATENCY_PIPECAT_LOG", "WARNING"))
    asyncio.run(converse(sys.argv[1], float(sys.argv[2])))
