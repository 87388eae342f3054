"""pipecat behind its own WebSocket transport, for `benchmarks.latency`; run by pipecat's Python, as `latency_pipecat`.

The same pipeline, with pipecat's WebSocket server for microphone and loudspeaker, in a process of its own (started
with a port in place of the noise). This process is its client: the same microphone, and a loudspeaker that plays what
comes at once.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time

import numpy as np
import websockets
from latency_pipecat import AUDIBLE, BLOCK, OUT_RATE, RATE, STEP_S, obey, pipeline_of
from loguru import logger
from pipecat.frames.frames import InputAudioRawFrame, InterruptionFrame, OutputAudioRawFrame
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pipecat.transports.websocket.server import (
    SingleClientWebsocketServerParams,
    SingleClientWebsocketServerTransport,
)
from pipecat.workers.runner import WorkerRunner

_SERVE = "serve"
_START_LIMIT_S = 60.0


async def serve(url: str, port: int) -> None:
    """The server, until it is killed."""
    params = SingleClientWebsocketServerParams(
        audio_in_enabled=True, audio_out_enabled=True, serializer=ProtobufFrameSerializer()
    )
    transport = SingleClientWebsocketServerTransport(params, host="127.0.0.1", port=port)
    rates = PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=OUT_RATE)
    pipeline = pipeline_of(transport.input(), transport.output(), url)
    worker = PipelineWorker(pipeline, params=rates, idle_timeout_secs=None, enable_rtvi=False)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


class SocketMicrophone:
    """As `latency_pipecat.Microphone`, into a connection."""

    def __init__(self, connection: websockets.ClientConnection, noise_dbfs: float) -> None:
        self._connection, self._serializer = connection, ProtobufFrameSerializer()
        self._rng, self._noise = np.random.default_rng(1), 10 ** (noise_dbfs / 20)
        self._waiting = np.zeros(0, np.float32)
        self.begun, self.began_s = asyncio.Event(), 0.0

    def say(self, sound: np.ndarray) -> None:
        """Put `sound` (float32) into the air with the next block."""
        self.begun.clear()
        self._waiting = sound

    async def run(self) -> None:
        """A block every 20 ms."""
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
            audio = (np.clip(block, -1, 1) * 32767).astype("<i2").tobytes()
            frame = OutputAudioRawFrame(audio=audio, sample_rate=RATE, num_channels=1)
            await self._connection.send(await self._serializer.serialize(frame))


class SocketLoudspeaker:
    """Plays what comes without delay, one piece after the other; notes when it was audible."""

    def __init__(self, connection: websockets.ClientConnection) -> None:
        self._connection, self._serializer = connection, ProtobufFrameSerializer()
        self._free_s = 0.0
        self.audible: list[float] = []

    async def run(self) -> None:
        """Until the connection ends."""
        async for data in self._connection:
            match await self._serializer.deserialize(data):
                case InputAudioRawFrame(audio=audio, sample_rate=rate):
                    begins_s = max(time.monotonic(), self._free_s)
                    samples, step = np.frombuffer(audio, "<i2").astype(np.int32), round(rate * STEP_S)
                    for i in range(0, len(samples), step):
                        if np.abs(samples[i : i + step]).max() > AUDIBLE:
                            self.audible.append(begins_s + i / rate)
                    self._free_s = begins_s + len(samples) / rate
                case InterruptionFrame():
                    now_s = self._free_s = time.monotonic()
                    self.audible[:] = [at_s for at_s in self.audible if at_s < now_s]


async def converse(url: str, noise_dbfs: float) -> None:
    """Until standard input ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = await asyncio.create_subprocess_exec(sys.executable, __file__, url, _SERVE, str(port))
    connection = await _connected(port)
    microphone, loudspeaker = SocketMicrophone(connection, noise_dbfs), SocketLoudspeaker(connection)
    running = [asyncio.create_task(device.run()) for device in (microphone, loudspeaker)]
    await obey(microphone, loudspeaker)
    for task in running:
        task.cancel()
    await connection.close()
    server.kill()
    await server.wait()


async def _connected(port: int) -> websockets.ClientConnection:
    end_s = time.monotonic() + _START_LIMIT_S
    while True:
        try:
            return await websockets.connect(f"ws://127.0.0.1:{port}", max_size=None)
        except OSError:
            if time.monotonic() > end_s:
                raise
            await asyncio.sleep(0.2)


if __name__ == "__main__":
    logger.remove()
    logger.add(sys.stderr, level=os.environ.get("LATENCY_PIPECAT_LOG", "WARNING"))
    if sys.argv[2] == _SERVE:
        asyncio.run(serve(sys.argv[1], int(sys.argv[3])))
    else:
        asyncio.run(converse(sys.argv[1], float(sys.argv[2])))
