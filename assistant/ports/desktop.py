"""The desktop's microphone and loudspeaker through PortAudio.

One duplex stream where both are one device: one clock, the echo always equally late. The callback copies: the
microphone's block to `exchange`, what that gives back to the loudspeaker. Two streams where they are two devices, or
have no rate in common; an `Elastic` buffer then keeps their clocks together. A device that does not know 16 kHz runs at
its own rate, and its callbacks convert.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import numpy as np

from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.devices import Kind, find_device, portaudio
from huiyin.assistant.ports.elastic import Elastic
from huiyin.assistant.ports.port import DriverError, Exchange, Pcm16, PortError
from huiyin.assistant.ports.streams import DeviceStream, Move, Outlet, Rate, open_stream
from huiyin.configs.messages import said

_DEAD_AFTER_S = 1.0  # a live stream calls back fifty times a second
_ZEROS_S = 10.0  # even a quiet room is not exactly zero for so long
_ELASTIC_S = 0.05  # how much later the loudspeaker is where it has a clock of its own


class DesktopDevice:
    """A `Duplex` on the system's sound devices.

    Devices are numbers, names, parts of names, or empty for the system's default. Once found, a device is known by
    its name: numbers change when another is plugged in. `microphone` false opens the loudspeaker alone (typed input).
    `tell` is given what the user should know: that the microphone seems to be muted.
    """

    def __init__(
        self,
        input_device: str = "",
        output_device: str = "",
        *,
        latency_s: float,
        microphone: bool = True,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._wanted: dict[Kind, str] = {"input": input_device, "output": output_device}
        self._names: dict[Kind, str] = {}
        self._latency_s, self._microphone, self._tell = latency_s, microphone, tell
        two = microphone and input_device != output_device
        self.output_latency_s = latency_s + (_ELASTIC_S if two else 0.0)
        self._streams: list[DeviceStream] = []
        self._zero_since_s: float | None = None
        self._told = self._stale = False

    def start(self, exchange: Exchange) -> None:
        """Open the devices. Raises PortError."""
        if self._stale:
            # PortAudio looks for devices once: what was plugged in since is not seen before it begins anew.
            sounddevice = portaudio()
            sounddevice._terminate()
            sounddevice._initialize()
        self._zero_since_s = None
        try:
            self._streams = self._opened(exchange)
        finally:
            self._stale = not self._streams

    def stop(self) -> None:
        """Close the devices."""
        streams, self._streams = self._streams, []
        # A driver that hangs would hang PortAudio, too, if that were ended.
        self._stale = all([stream.close() for stream in streams])

    def check(self) -> None:
        """Raise PortError when no block has come for a second: the device was unplugged or its driver died."""
        now = time.monotonic()
        if not self._streams or any(now - stream.called_at > _DEAD_AFTER_S for stream in self._streams):
            raise PortError("ports.device_stopped")
        if not self._told and self._zero_since_s is not None and now - self._zero_since_s > _ZEROS_S:
            self._told = True
            self._tell(said("notices.zeros"))

    # -- opening ----------------------------------------------------------------------------------------------------

    def _opened(self, exchange: Exchange) -> list[DeviceStream]:
        speaker = self._find("output")
        if not self._microphone:
            silence = np.zeros(BLOCK, np.int16)
            return [self._loudspeaker(speaker, lambda: exchange(silence))]
        microphone = self._find("input")

        def watched(mic: Pcm16) -> Pcm16:
            self._note_zeros(mic)
            return exchange(mic)

        if _is_one_device(microphone, speaker):
            with suppress(DriverError):
                return [self._duplex(microphone, speaker, watched)]
        elastic = Elastic()
        ear = self._ear(microphone, lambda mic: elastic.write(watched(mic), time.monotonic()))
        try:
            return [ear, self._loudspeaker(speaker, lambda: elastic.read(BLOCK, time.monotonic()))]
        except Exception:
            ear.close()
            raise

    def _duplex(self, microphone: int | None, speaker: int | None, exchange: Exchange) -> DeviceStream:
        def connect(rate: int) -> Move:
            down, outlet = Rate(rate, SAMPLE_RATE), Outlet(rate)

            def copy(mic: Pcm16, speaker: Pcm16) -> None:
                speaker[:] = exchange(mic.copy())

            def convert(mic: Pcm16, speaker: Pcm16) -> None:
                outlet.push(exchange(down.push(mic.copy())))
                outlet.fill(speaker)

            return copy if rate == SAMPLE_RATE else convert

        return open_stream("duplex", (microphone, speaker), connect, latency=self._latency_s)

    def _ear(self, device: int | None, hear: Callable[[Pcm16], None]) -> DeviceStream:
        def connect(rate: int) -> Move:
            down = Rate(rate, SAMPLE_RATE)
            return lambda mic: hear(down.push(mic.copy()))

        return open_stream("input", device, connect, latency=self._latency_s)

    def _loudspeaker(self, device: int | None, next_block: Callable[[], Pcm16]) -> DeviceStream:
        def connect(rate: int) -> Move:
            outlet = Outlet(rate)

            def move(speaker: Pcm16) -> None:
                while outlet.waiting < len(speaker):
                    outlet.push(next_block())
                outlet.fill(speaker)

            return move

        return open_stream("output", device, connect, latency=self._latency_s)

    def _note_zeros(self, mic: Pcm16) -> None:
        """Remember since when the microphone has given nothing but zeros."""
        if mic.any():
            self._zero_since_s = None
        elif self._zero_since_s is None:
            self._zero_since_s = time.monotonic()

    def _find(self, kind: Kind) -> int | None:
        wanted = self._wanted[kind]
        if not wanted:
            return None
        try:
            device = find_device(self._names.get(kind, wanted), kind)
        except PortError:
            device = find_device(wanted, kind)
        self._names[kind] = device.name
        return device.number


def _is_one_device(microphone: int | None, speaker: int | None) -> bool:
    """Whether these are one of PortAudio's devices; None is the system's default."""
    default = portaudio().default.device
    return bool((default[0] if microphone is None else microphone) == (default[1] if speaker is None else speaker))


class SilentDevice:
    """A `Duplex` where there is no sound at all: keeps the rhythm, hears nothing, plays into the void."""

    output_latency_s = 0.0

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def start(self, exchange: Exchange) -> None:
        """Begin."""
        stopped = self._stopped = threading.Event()

        def run() -> None:
            while not stopped.wait(BLOCK / SAMPLE_RATE):
                exchange(np.zeros(BLOCK, np.int16))

        threading.Thread(target=run, name="silence", daemon=True).start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()

    def check(self) -> None:
        """Silence does not fail."""
