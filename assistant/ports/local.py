"""A port on this machine: a device that exchanges blocks, and a player that knows how late they are heard."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.player import Player
from huiyin.assistant.ports.port import Block, Duplex, Pcm16, Timers

LOST_AFTER_S = 0.5
"""A device that was late by more has lost what came meanwhile; less it has kept (its buffers hold some 0.1 s)."""


class LocalPort:
    """A `Port` over a device: the desktop's, a simulated room, or none at all."""

    def __init__(self, device: Duplex) -> None:
        self.loudspeaker = Player(device.output_latency_s)
        self.microphone = DeviceMicrophone(device, self.loudspeaker)


class DeviceMicrophone:
    """A `Microphone`: each block of the device is heard, and what it plays is what `player` has."""

    def __init__(self, device: Duplex, player: Player) -> None:
        self._device, self._player = device, player
        self._heard_s: float | None = None  # when the last block was

    def start(self, timers: Timers, hear: Callable[[Block], None], reported: Callable[[], None]) -> None:
        """As `Microphone.start`. `hear` is called in the device's thread, and stands for `reported`.

        Where the device or the machine stood still there was silence: time has gone on without its sound.
        """

        def exchange(mic: Pcm16) -> Pcm16:
            lost_s = 0.0 if self._heard_s is None else timers.now - self._heard_s - len(mic) / SAMPLE_RATE
            if lost_s > LOST_AFTER_S:
                silence = np.zeros(round(lost_s * SAMPLE_RATE), np.int16)
                hear(Block(silence, silence))
            far_end = self._player.read(len(mic))
            hear(Block(mic, far_end))
            self._heard_s = timers.now
            return far_end

        self._device.start(exchange)

    def stop(self) -> None:
        """As `Microphone.stop`."""
        self._device.stop()

    def check(self) -> None:
        """As `Microphone.check`."""
        self._device.check()
