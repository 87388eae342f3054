"""A conversation without sound: voice activity detects what the script says, some frames later, without errors."""

from __future__ import annotations

from functools import partial

import numpy as np

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.depth import DepthContext
from huiyin.assistant.scenario.hearing import LOUDEST_UNHEARD_DB, ScriptedUtterance, Span, paced
from huiyin.assistant.scenario.log import BLOCK_S
from huiyin.assistant.scenario.script import Step, speech_s
from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev

_ONSET_S = 0.096  # until speech is detected: 3 frames of 32 ms
_GATE_S = 0.128  # the same while the assistant is playing: 4 frames
_PAUSE_S = 0.096  # until silence is detected
_LEVEL = 1640  # int16 amplitude of the assistant's voice, which is a plain tone here: -26 dBFS
_SILENT_SOUNDS = ("door", "noise", "silence")  # not detected as speech


class TextDepth:
    """`say` lets a step begin; speech events are posted when voice activity would post them."""

    def __init__(self, context: DepthContext) -> None:
        self._context = context
        self._speech: list[Span] = []
        self._speaking = False
        self._playing = 0  # generation, 0: nothing
        self._ticking = False

    def speak(self, text: str) -> Pcm16:
        """The assistant's voice."""
        count = round(speech_s(text) * SAMPLE_RATE)
        return np.where(np.arange(count) // 80 % 2, _LEVEL, -_LEVEL).astype(np.int16)

    def say(self, step: Step) -> ScriptedUtterance:
        """Let a step begin now."""
        utterance = paced(step, self._context.world.now)
        is_silent = step.kind == "sound" and step.content in _SILENT_SOUNDS
        if not is_silent and step.level_db > LOUDEST_UNHEARD_DB:
            for start_s, end_s in utterance.spans:
                self._speech.append((start_s, end_s))
                onset_s = _GATE_S if self._context.player.is_sounding else _ONSET_S
                self._context.world.at(start_s + onset_s, partial(self._may_start, start_s))
                self._context.world.at(end_s + _PAUSE_S, partial(self._may_pause, end_s))
        return utterance

    def observe(self, at_s: float, what: object) -> None:
        """Blocks are taken from the player from the moment that it plays until it has nothing more to say."""
        match what:
            case do.Play(generation=generation):
                self._playing = generation
                if not self._ticking:
                    self._ticking = True
                    # Blocks keep to one grid from the start on, as a device's do.
                    blocks = int(self._context.world.now / BLOCK_S + 1e-6)
                    self._context.world.at((blocks + 1) * BLOCK_S, self._tick)
            case (
                do.StopPlayback(generation=generation)
                | do.Cancel(generation=generation, keep_audio=False)
                | ev.PlaybackFinished(generation=generation)
            ) if generation == self._playing:
                self._playing = 0

    def cut(self, start_s: float, end_s: float) -> Pcm16:
        """There is no sound to be cut out."""
        return np.zeros(0, np.int16)

    def judge(self, start_s: float, end_s: float) -> None:
        """There is no sound to judge."""

    def recording(self) -> None:
        """There is no sound to record."""

    def _may_start(self, onset_s: float) -> None:
        now = self._context.world.now
        if self._speaking or not any(start_s <= now - 1e-6 < end_s for start_s, end_s in self._speech):
            return
        if self._context.microphone_muted:  # detect what remains after the assistant's speech
            self._context.world.after(BLOCK_S, lambda: self._may_start(self._context.world.now - _ONSET_S))
            return
        self._speaking = True
        self._context.post(ev.SpeechStarted(now, onset_s))

    def _may_pause(self, end_s: float) -> None:
        now = self._context.world.now
        goes_on = any(start_s <= now and span_end_s > end_s for start_s, span_end_s in self._speech)
        if self._speaking and not goes_on:
            self._speaking = False
            self._context.post(ev.SpeechPaused(now, end_s))

    def _tick(self) -> None:
        block = self._context.read_block()
        self._context.post_progress()
        if self._playing or block.any():
            self._context.world.after(BLOCK_S, self._tick)
        else:
            self._ticking = False
