"""A conversation without sound: voice activity hears what the script says, some frames later, and makes no mistakes."""

from __future__ import annotations

import numpy as np

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.depth import DepthContext
from huiyin.assistant.scenario.hearing import LOUDEST_UNHEARD_DB, ScriptedUtterance, paced
from huiyin.assistant.scenario.log import BLOCK_S
from huiyin.assistant.scenario.script import Step, speech_s
from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev

_ONSET_S, _GATE_S = 0.096, 0.128  # frames of 32 ms until speech is believed: 3, while the assistant is heard 4
_PAUSE_S = 0.096  # and until silence is
_LEVEL = 1640  # int16 amplitude of the assistant's voice, which is a plain tone here: -26 dBFS
_SILENT_SOUNDS = ("door", "noise", "silence")  # not taken for speech


class TextDepth:
    """`say` lets a step begin; speech events are posted when voice activity would tell of them."""

    def __init__(self, context: DepthContext) -> None:
        self._context, self._world, self._post = context, context.world, context.post
        self._heard: list[tuple[float, float]] = []  # stretches of speech, in seconds
        self._speaking = False
        self._playing = 0  # generation, 0: nothing is to be heard
        self._ticking = False

    def speak(self, text: str) -> Pcm16:
        """The assistant's voice."""
        count = round(speech_s(text) * SAMPLE_RATE)
        return np.where(np.arange(count) // 80 % 2, _LEVEL, -_LEVEL).astype(np.int16)

    def say(self, step: Step) -> ScriptedUtterance:
        """Let a step begin now."""
        utterance = paced(step, self._world.now)
        silent = step.kind == "sound" and step.content in _SILENT_SOUNDS
        if not silent and step.level_db > LOUDEST_UNHEARD_DB:
            for start_s, end_s in utterance.spans:
                self._heard.append((start_s, end_s))
                self._world.at(start_s + self._onset_s(), lambda start_s=start_s: self._may_start(start_s))  # type: ignore[misc]
                self._world.at(end_s + _PAUSE_S, lambda end_s=end_s: self._may_pause(end_s))  # type: ignore[misc]
        return utterance

    def observe(self, at_s: float, what: object) -> None:
        """Blocks are taken from the player from the moment that it plays until it has nothing more to say."""
        match what:
            case do.Play(generation=generation):
                self._playing = generation
                if not self._ticking:
                    self._ticking = True
                    # Blocks keep to one grid from the start on, as a device's do.
                    self._world.at((int(self._world.now / BLOCK_S + 1e-6) + 1) * BLOCK_S, self._tick)
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
        """There is nothing to hear."""

    def _onset_s(self) -> float:
        return _GATE_S if self._context.player.is_sounding else _ONSET_S

    def _voices(self, at_s: float) -> bool:
        return any(start_s <= at_s < end_s for start_s, end_s in self._heard)

    def _may_start(self, onset_s: float) -> None:
        now = self._world.now
        if self._speaking or not self._voices(now - 1e-6):
            return
        if self._context.microphone_muted:  # it hears what is left once there is silence
            self._world.after(BLOCK_S, lambda: self._may_start(self._world.now - _ONSET_S))
            return
        self._speaking = True
        self._post(ev.SpeechStarted(now, onset_s))

    def _may_pause(self, end_s: float) -> None:
        now = self._world.now
        resumed = any(start_s <= now and end > end_s for start_s, end in self._heard)
        if self._speaking and not resumed:
            self._speaking = False
            self._post(ev.SpeechPaused(now, end_s))

    def _tick(self) -> None:
        block = self._context.read_block()
        self._context.tell_progress()
        self._ticking = bool(self._playing) or bool(block.any())
        if self._ticking:
            self._world.after(BLOCK_S, self._tick)
