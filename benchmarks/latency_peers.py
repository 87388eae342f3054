"""The peers in `benchmarks.latency`: each in a process and a virtual environment of its own, in the cache folder."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.environment import python_with
from benchmarks.latency_sides import ANSWER_LIMIT_S, NOISE_DBFS, SILENCE_S, Answer
from benchmarks.latency_speech import BenchmarkUtterance
from benchmarks.output import tell

_END_LIMIT_S = 10.0


@dataclass(frozen=True)
class Program:
    """A peer: its name in the tables, the script that is its side, and what that needs."""

    name: str
    script: str
    environment: str
    package: str


PIPECAT = Program("pipecat", "latency_pipecat.py", "pipecat-venv", "pipecat-ai[openai,silero]==1.14.0")
PIPECAT_SOCKET = Program("pipecat-ws", "latency_pipecat_socket.py", PIPECAT.environment, PIPECAT.package)
LIVEKIT = Program("livekit", "latency_livekit.py", "livekit-venv", "livekit-agents[openai]==1.8.9")


class Peer:
    """A `Side`."""

    def __init__(self, program: Program, folder: Path, port: int) -> None:
        """`folder`: of the virtual environments; `port`: of the simulated services."""
        self.name, self.about = program.name, ""
        python = python_with(folder / program.environment, program.package)
        script = Path(__file__).with_name(program.script)
        self._command = [str(python), str(script), f"http://127.0.0.1:{port}/v1", str(NOISE_DBFS)]
        self._start()

    def answer(self, utterance: BenchmarkUtterance) -> Answer:
        """Play it in real time; return when the reply is over."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "said.f32"
            utterance.sound.astype("<f4").tofile(file)
            order = {"say": str(file), "silence_s": SILENCE_S, "limit_s": ANSWER_LIMIT_S}
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
            answer = self._receive()
        if lost := answer.get("lost"):
            tell(f"{self.name} lost its connection and is started anew: {lost}")
            self.close()
            self._start()
            return Answer([], is_lost=True)
        return Answer(answer["audible"])

    def close(self) -> None:
        """End."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _start(self) -> None:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.about = self._receive()["about"]

    def _receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended; its messages stand above")
        answer: dict[str, Any] = json.loads(line)
        return answer
