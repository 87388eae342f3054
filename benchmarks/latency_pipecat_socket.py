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

import websockets
from latency_peer import OUT_RATE, RATE, Played, Speech, obey
from latency_pipecat import ABOUT, pipeline_of
from loguru import logger
from pipecat.frames.frames import InputAudioRawFrame, InterruptionFrame, OutputAudioRawFrame
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pipecat.transports.websocket.server import (
    SingleClientWebsocketServerParams,
    SingleClientWebsocketServerTransport,
)
from pipecat.workers.runner import WorkerRunner

_SERVE = "serve"
_START_LIMIT_S = 180.0


async def serve(url: str, port: int) -> None:
    """The server, until it is killed."""
    params = SingleClientWebsocketServerParams(
        audio_in_enabled=True, audio_out_enabled=True, serializer=ProtobufFrameSerializer()
    )
    transport = SingleClientWebsocketServerTransport(params, host="127.0.0.1", port=port)
    rates = PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=OUT_RATE)
    context = LLMContext()
    pipeline = pipeline_of(transport.input(), transport.output(), url, context)
    worker = PipelineWorker(pipeline, params=rates, idle_timeout_secs=None, enable_rtvi=False)

    @transport.event_handler("on_client_disconnected")
    async def forget(_: object, client: object) -> None:
        """Else the next client would hear the rest of what the last one asked for."""
        context.set_messages([])
        await worker.queue_frame(InterruptionFrame())

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


async def send(speech: Speech, connection: websockets.ClientConnection) -> None:
    """The microphone, into a connection."""
    serializer = ProtobufFrameSerializer()
    async for audio in speech.blocks():
        frame = OutputAudioRawFrame(audio=audio, sample_rate=RATE, num_channels=1)
        await connection.send(await serializer.serialize(frame))


async def receive(played: Played, connection: websockets.ClientConnection) -> None:
    """The loudspeaker, until the connection ends."""
    serializer = ProtobufFrameSerializer()
    async for data in connection:
        match await serializer.deserialize(data):
            case InputAudioRawFrame(audio=audio, sample_rate=rate):
                played.add(audio, rate)
            case InterruptionFrame():
                played.stop()


async def converse(url: str, noise_dbfs: float) -> None:
    """Until standard input ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = await asyncio.create_subprocess_exec(sys.executable, __file__, url, _SERVE, str(port))
    try:
        connection = await _connected(port)
        speech, played = Speech(noise_dbfs), Played()
        running = [asyncio.create_task(device) for device in (send(speech, connection), receive(played, connection))]
        await obey(speech, played, f"{ABOUT}; behind its own WebSocket server", running)
        for task in running:
            task.cancel()
        await connection.close()
    finally:
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
    logger.add(sys.stderr, level=os.environ.get("LATENCY_PEER_LOG", "WARNING"))
    if sys.argv[2] == _SERVE:
        asyncio.run(serve(sys.argv[1], int(sys.argv[3])))
    else:
        asyncio.run(converse(sys.argv[1], float(sys.argv[2])))
