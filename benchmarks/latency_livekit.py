"""livekit's side of `benchmarks.latency`; run by the Python of its own virtual environment, never imported.

An `AgentSession` without a room and without a cloud: the VAD and the end-of-turn model that its wheels bring, and
OpenAI's STT, LLM and TTS plugins pointed at the simulated services. All is at its defaults but `preemptive_tts`, which
is the quicker way: a reply is synthesised before the turn is known to be over. Sound goes in and out by the session's
own audio input and output, which stand in for the room's (`latency_peer`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from importlib.metadata import version

from latency_peer import BLOCK, OUT_RATE, RATE, Played, Speech, obey
from livekit import rtc
from livekit.agents import Agent, AgentSession
from livekit.agents.voice import io
from livekit.plugins import openai

_KEY = "none"
_STEP_S = 0.010


class Microphone(io.AudioInput):
    """A device that takes up `speech`."""

    def __init__(self, speech: Speech) -> None:
        super().__init__(label="microphone")
        self._blocks = speech.blocks()

    async def __anext__(self) -> rtc.AudioFrame:
        """The next 20 ms."""
        return rtc.AudioFrame(await anext(self._blocks), RATE, 1, BLOCK)


class Loudspeaker(io.AudioOutput):
    """A device that plays what it is given without delay, can pause, and says how far it played."""

    def __init__(self, played: Played) -> None:
        super().__init__(label="loudspeaker", sample_rate=OUT_RATE, capabilities=io.AudioOutputCapabilities(pause=True))
        self._played = played
        self._captured_s = 0.0  # of this segment
        self._held: list[tuple[bytes, int]] | None = None  # what is left to play, while it is paused
        self._cleared_at_s: float | None = None
        self._finishing: asyncio.Task[None] | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """One piece of sound."""
        await super().capture_frame(frame)
        if self._finishing is not None:
            await self._finishing
        if not self._captured_s:
            self._cleared_at_s = None
            self.on_playback_started(created_at=time.time())
        self._captured_s += frame.duration
        if self._held is None:
            self._played.add(bytes(frame.data), frame.sample_rate)
        else:
            self._held.append((bytes(frame.data), frame.sample_rate))

    def flush(self) -> None:
        """The segment is complete."""
        super().flush()
        if self._captured_s and self._finishing is None:
            self._finishing = asyncio.create_task(self._finish())

    def clear_buffer(self) -> None:
        """Silence, at once."""
        if self._captured_s and self._cleared_at_s is None:
            rest = self._played.stop() if self._held is None else self._held
            self._cleared_at_s = self._captured_s - sum(len(sound) / 2 / rate for sound, rate in rest)
            self._held = None

    def pause(self) -> None:
        """Silence, until `resume`."""
        super().pause()
        if self._held is None:
            self._held = self._played.stop()

    def resume(self) -> None:
        """Go on where it was paused."""
        super().resume()
        held, self._held = self._held or [], None
        for sound, rate in held:
            self._played.add(sound, rate)

    async def _finish(self) -> None:
        """Tell the session once all has been played, or the rest was cleared."""
        while self._cleared_at_s is None and (self._held is not None or time.monotonic() < self._played.free_s):
            await asyncio.sleep(_STEP_S)
        position_s = self._captured_s if self._cleared_at_s is None else self._cleared_at_s
        is_cleared, self._captured_s, self._finishing = self._cleared_at_s is not None, 0.0, None
        self.on_playback_finished(playback_position=position_s, interrupted=is_cleared)


def session_of(url: str) -> AgentSession[None]:
    """Everything between a microphone and a loudspeaker."""
    return AgentSession(
        stt=openai.STT(api_key=_KEY, base_url=url),
        llm=openai.LLM(api_key=_KEY, base_url=url),
        tts=openai.TTS(api_key=_KEY, base_url=url, response_format="pcm"),
        turn_handling={"preemptive_generation": {"preemptive_tts": True}},
    )


def about(session: AgentSession[None]) -> str:
    """Version and options, in words."""
    turns = session.options.turn_handling
    options = {name: turns[name] for name in ("endpointing", "preemptive_generation")}
    detector = getattr(turns["turn_detection"], "model", turns["turn_detection"])
    return f"livekit-agents {version('livekit-agents')}: {detector}, {session.vad.model} VAD, {options}"


async def converse(url: str, noise_dbfs: float) -> None:
    """Until standard input ends."""
    session, speech, played = session_of(url), Speech(noise_dbfs), Played()
    session.input.audio, session.output.audio = Microphone(speech), Loudspeaker(played)
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    session.on("close", lambda event: ended.done() or ended.set_result(None))
    await session.start(Agent(instructions=""), record=False)
    await obey(speech, played, about(session), [asyncio.ensure_future(ended)])
    await session.aclose()


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=os.environ.get("LATENCY_PEER_LOG", "ERROR"))
    asyncio.run(converse(sys.argv[1], float(sys.argv[2])))
