"""One echo path in scenes: played through the live listener, faster than real time, and measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.echo.measures import BargeIns, audible, in_time, mask, ratio_db, si_sdr_db, stoi
from benchmarks.echo.scenes import FIRST_S, Scene
from huiyin.assistant.ears.echo import Cleaned, EchoPath
from huiyin.assistant.ears.listener import Listener
from huiyin.assistant.ears.vad import SileroVad, SpeechTracker
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16, Samples

_FULL_SCALE = 32768.0


class _Recorder:
    """An echo path whose output and processor time are recorded."""

    def __init__(self, path: EchoPath) -> None:
        self._path = path
        self.near: list[Pcm16] = []
        self.busy_s = 0.0

    def push(self, mic: Pcm16, far_end: Pcm16) -> Iterator[Cleaned]:
        """As `EchoPath.push`."""
        began = time.thread_time()
        for chunk in self._path.push(mic, far_end):
            self.busy_s += time.thread_time() - began
            self.near.append(chunk.near)
            yield chunk
            began = time.thread_time()
        self.busy_s += time.thread_time() - began

    @property
    def finds_no_echo(self) -> bool:
        """As `EchoPath.finds_no_echo`."""
        return self._path.finds_no_echo

    def residual_prominence(self, *, realign: bool = True) -> float | None:
        """As `EchoPath.residual_prominence`."""
        began = time.thread_time()
        prominence = self._path.residual_prominence(realign=realign)
        self.busy_s += time.thread_time() - began
        return prominence

    def past_levels(self, chunks: int) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """As `EchoPath.past_levels`."""
        return self._path.past_levels(chunks)


@dataclass
class ListenerOutput:
    """The cleaned sound, and when the gate answered (seconds of the microphone's sound)."""

    near: Pcm16
    starts_s: list[float]
    path_us: float  # of one core, per 10 ms of sound: cancelling and alignment
    listener_us: float  # all of it: voice activity and gate too


def listen(mic: Pcm16, far_end: Pcm16, make_path: Callable[[], EchoPath], vad: SileroVad) -> ListenerOutput:
    """Play a recording to a listener of its own, block by block."""
    path = _Recorder(make_path())
    listener = Listener(path, vad.fork(), SpeechTracker())
    starts: list[float] = []
    began = time.thread_time()
    for at in range(0, len(mic) - BLOCK + 1, BLOCK):
        changes = listener.push(mic[at : at + BLOCK], far_end[at : at + BLOCK])
        starts += [(at + BLOCK) / SAMPLE_RATE for change in changes if change.kind == "started"]
    blocks_10ms = max(1.0, len(mic) / SAMPLE_RATE * 100)
    spent = time.thread_time() - began
    near = np.concatenate([np.zeros(0, np.int16), *path.near])
    return ListenerOutput(near, starts, path.busy_s / blocks_10ms * 1e6, spent / blocks_10ms * 1e6)


@dataclass
class EchoFigures:
    """One canceller in one condition, over all scenes played. Levels and ratios are of what follows the first 15 s."""

    canceller: str
    condition: str
    first_15_s: BargeIns = field(default_factory=BargeIns)
    after: BargeIns = field(default_factory=BargeIns)
    erle: list[float] = field(default_factory=list)  # dB, one a scene
    residual: list[float] = field(default_factory=list)  # dBFS
    stoi: list[float] = field(default_factory=list)  # one a barge-in
    si_sdr: list[float] = field(default_factory=list)  # dB
    path_us: list[float] = field(default_factory=list)
    listener_us: list[float] = field(default_factory=list)

    def add(self, scene: Scene, output: ListenerOutput) -> None:
        """Measure a scene."""
        length = len(output.near)
        mic, near = (sound[:length].astype(np.float32) / _FULL_SCALE for sound in (scene.mic, output.near))
        user = scene.user[:length]
        far_end = scene.far_end[:length].astype(np.float32) / _FULL_SCALE
        alone = audible(far_end) & ~mask(length, scene.barge_ins, after_s=0.5)
        cut = min(length, round(FIRST_S * SAMPLE_RATE))
        self.first_15_s.add(scene.name, output.starts_s, scene.barge_ins, alone, slice(0, cut))
        self.after.add(scene.name, output.starts_s, scene.barge_ins, alone, slice(cut, length))
        alone[:cut] = False
        if alone.any():
            residual = float(np.mean(near[alone] ** 2))
            self.erle.append(ratio_db(float(np.mean(mic[alone] ** 2)), residual))
            self.residual.append(ratio_db(residual, 1.0))
        for start, end in scene.barge_ins:
            if start >= FIRST_S:
                self._double_talk(user, near, slice(round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)))
        self.path_us.append(output.path_us)
        self.listener_us.append(output.listener_us)

    def _double_talk(self, user: Samples, near: Samples, span: slice) -> None:
        reference, estimate = in_time(user[span], near[span])
        intelligibility = stoi(reference, estimate)
        if intelligibility is not None:
            self.stoi.append(intelligibility)
        self.si_sdr.append(si_sdr_db(reference, estimate))
