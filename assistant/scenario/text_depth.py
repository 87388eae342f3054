"""A conversation without sound: voice activity detects what the script says, some frames later, without errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from huiyin.assistant.conversation.world import World
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.port import Block, Pcm16, Timers
from huiyin.assistant.scenario import device_faults
from huiyin.assistant.scenario.device_faults import StoppablePlayer
from huiyin.assistant.scenario.hearing import LOUDEST_UNHEARD_DB, ScriptedUtterance, Span, paced
from huiyin.assistant.scenario.log import BLOCK_S
from huiyin.assistant.scenario.script import Step, speech_s
from huiyin.assistant.turns import events as ev

_ONSET_S = 0.096  # until speech is detected: 3 frames of 32 ms
_GATE_S = 0.128  # the same while the assistant is playing: 4 frames
_PAUSE_S = 0.096  # until silence is detected
_LEVEL = 1640  # int16 amplitude of the assistant's voice, which is a plain tone here: -26 dBFS
_SILENT_SOUNDS = ("door", "noise", "silence")  # not detected as speech


class TextDepth:
    """A `Depth`, and the microphone of its own port: speech events are posted when voice activity would post them."""

    ear = None
    by_sound = None

    def __init__(
        self,
        world: World,
        post: Callable[[ev.Event], None],
        played: Callable[[Pcm16], None],
        *,
        half_duplex: bool,
    ) -> None:
        """`played` gets each block of the loudspeaker's."""
        self.loudspeaker = _Loudspeaker(self._begin_to_play)
        self.microphone = self
        self._world, self._post, self._played, self._half_duplex = world, post, played, half_duplex
        self._speech: list[Span] = []  # what there is of it to be detected
        self._unheard: list[Span] = []
        self._stalled_until_s = 0.0
        self._speaking = False
        self._ticking = False
        self._reported: Callable[[], None] = lambda: None

    def start(self, timers: Timers, hear: Callable[[Block], None], reported: Callable[[], None]) -> None:
        """As `Microphone.start`."""
        self._reported = reported

    def stop(self) -> None:
        """As `Microphone.stop`."""

    def check(self) -> None:
        """A script does not die."""

    def speak(self, text: str) -> Pcm16:
        """The assistant's voice."""
        count = round(speech_s(text) * SAMPLE_RATE)
        return np.where(np.arange(count) // 80 % 2, _LEVEL, -_LEVEL).astype(np.int16)

    def say(self, step: Step) -> ScriptedUtterance:
        """Let a step begin now."""
        utterance = paced(step, self._world.now)
        is_silent = step.kind == "sound" and step.content in _SILENT_SOUNDS
        if not is_silent and step.level_db > LOUDEST_UNHEARD_DB:
            onset_s = _GATE_S if self.loudspeaker.is_sounding else _ONSET_S
            for span in utterance.spans:
                self._detect(span, onset_s)
        return utterance

    def fail(self, fault: str, lasts_s: float) -> None:
        """As `Depth.fail`. A slip is too short to be noticed here."""
        now = self._world.now
        if fault == device_faults.STOPS:
            self.loudspeaker.is_stopped = True
            self._world.after(lasts_s, self._take_again)
        if fault == device_faults.STALL:
            self._stalled_until_s = now + lasts_s
        if lost := device_faults.unheard(fault, now, lasts_s):
            self._unheard += lost
            whole, self._speech = self._speech, []
            self._world.at(now + _PAUSE_S, partial(self._may_pause, now))
            for span in whole:
                self._detect(span, _ONSET_S)

    def recording(self) -> None:
        """There is no sound to record."""

    def _detect(self, span: Span, onset_s: float) -> None:
        """Voice activity will detect what is not lost of this."""
        for start_s, end_s in _outside(span, self._unheard):
            self._speech.append((start_s, end_s))
            self._world.at(start_s + onset_s, partial(self._may_start, start_s))
            self._world.at(end_s + _PAUSE_S, partial(self._may_pause, end_s))

    def _take_again(self) -> None:
        self.loudspeaker.is_stopped = False

    def _may_start(self, onset_s: float) -> None:
        now = self._world.now
        if now < self._stalled_until_s:
            self._world.at(self._stalled_until_s, partial(self._may_start, onset_s))
            return
        if self._speaking or not any(start_s <= now - 1e-6 < end_s for start_s, end_s in self._speech):
            return
        if self._half_duplex and self.loudspeaker.is_sounding:  # detect what remains after the assistant's speech
            self._world.after(BLOCK_S, lambda: self._may_start(self._world.now - _ONSET_S))
            return
        self._speaking = True
        self._post(ev.SpeechStarted(now, onset_s))

    def _may_pause(self, end_s: float) -> None:
        now = self._world.now
        if now < self._stalled_until_s:
            self._world.at(self._stalled_until_s, partial(self._may_pause, end_s))
            return
        goes_on = any(start_s <= now and span_end_s > end_s for start_s, span_end_s in self._speech)
        if self._speaking and not goes_on:
            self._speaking = False
            self._post(ev.SpeechPaused(now, end_s))

    def _begin_to_play(self) -> None:
        """Blocks are taken from the loudspeaker from the moment that it plays until it has nothing more to say."""
        if not self._ticking:
            self._ticking = True
            # Blocks keep to one grid from the start on, as a device's do.
            blocks = int(self._world.now / BLOCK_S + 1e-6)
            self._world.at((blocks + 1) * BLOCK_S, self._tick)

    def _tick(self) -> None:
        if self._world.now < self._stalled_until_s:
            self._world.at(self._stalled_until_s, self._tick)
            return
        is_playing = self.loudspeaker.playing > 0
        block = self.loudspeaker.read(BLOCK)
        self._played(block)
        self._reported()
        if is_playing or block.any():
            self._world.after(BLOCK_S, self._tick)
        else:
            self._ticking = False


def _outside(span: Span, unheard: Sequence[Span]) -> list[Span]:
    """The parts of a span that none of the others covers."""
    parts = [span]
    for lost_s, back_s in unheard:
        before = [(start_s, min(end_s, lost_s)) for start_s, end_s in parts]
        after = [(max(start_s, back_s), end_s) for start_s, end_s in parts]
        parts = [part for part in before + after if part[0] < part[1]]
    return parts


class _Loudspeaker(StoppablePlayer):
    """Knows which reply it plays; calls `begin` when one begins."""

    def __init__(self, begin: Callable[[], None]) -> None:
        super().__init__()
        self.playing = 0  # generation, 0: nothing
        self._begin = begin

    def open(self, generation: int) -> None:
        """As `Player.open`."""
        super().open(generation)
        self.playing = generation
        self._begin()

    def stop(self, generation: int) -> None:
        """As `Player.stop`."""
        super().stop(generation)
        self._end(generation)

    def drop(self, generation: int) -> None:
        """As `Player.drop`."""
        super().drop(generation)
        self._end(generation)

    def _end(self, generation: int) -> None:
        if generation == self.playing:
            self.playing = 0
