"""A port on this machine: a device that exchanges blocks, and a player that knows how late they are heard."""

from __future__ import annotations

from collections.abc import Callable

from huiyin.assistant.ports.player import Player
from huiyin.assistant.ports.port import Block, Duplex, Pcm16, Timers


class LocalPort:
    """A `Port` over a device: the desktop's, a simulated room, or none at all."""

    def __init__(self, device: Duplex) -> None:
        self.loudspeaker = Player(device.output_latency_s)
        self.microphone = DeviceMicrophone(device, self.loudspeaker)


class DeviceMicrophone:
    """A `Microphone`: each block of the device is heard, and what it plays is what `player` has."""

    def __init__(self, device: Duplex, player: Player) -> None:
        self._device, self._player = device, player

    def start(self, timers: Timers, hear: Callable[[Block], None], reported: Callable[[], None]) -> None:
        """As `Microphone.start`. `hear` is called in the device's thread, and stands for `reported`."""

        def exchange(mic: Pcm16) -> Pcm16:
            far_end = self._player.read(len(mic))
            hear(Block(mic, far_end))
            return far_end

        self._device.start(exchange)

    def stop(self) -> None:
        """As `Microphone.stop`."""
        self._device.stop()

    def check(self) -> None:
        """As `Microphone.check`."""
        self._device.check()
