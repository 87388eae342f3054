"""A conversation without sound: voice activity detects what the script says, some frames later, without errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from huiyin.assistant.conversation.world import World
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.player import Player
from huiyin.assistant.ports.port import Block, Pcm16, Timers
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
        self._speech: list[Span] = []
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
            for start_s, end_s in utterance.spans:
                self._speech.append((start_s, end_s))
                onset_s = _GATE_S if self.loudspeaker.is_sounding else _ONSET_S
                self._world.at(start_s + onset_s, partial(self._may_start, start_s))
                self._world.at(end_s + _PAUSE_S, partial(self._may_pause, end_s))
        return utterance

    def recording(self) -> None:
        """There is no sound to record."""

    def _may_start(self, onset_s: float) -> None:
        now = self._world.now
        if self._speaking or not any(start_s <= now - 1e-6 < end_s for start_s, end_s in self._speech):
            return
        if self._half_duplex and self.loudspeaker.is_sounding:  # detect what remains after the assistant's speech
            self._world.after(BLOCK_S, lambda: self._may_start(self._world.now - _ONSET_S))
            return
        self._speaking = True
        self._post(ev.SpeechStarted(now, onset_s))

    def _may_pause(self, end_s: float) -> None:
        now = self._world.now
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
        is_playing = self.loudspeaker.playing > 0
        block = self.loudspeaker.read(BLOCK)
        self._played(block)
        self._reported()
        if is_playing or block.any():
            self._world.after(BLOCK_S, self._tick)
        else:
            self._ticking = False


class _Loudspeaker(Player):
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
