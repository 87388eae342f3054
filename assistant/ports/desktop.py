"""The desktop's microphone and loudspeaker through PortAudio.

One duplex stream where both are one device: one clock, the echo always equally late. Two streams where they are two
devices, or have no rate in common; an `Elastic` buffer then keeps their clocks together. A device that does not know
16 kHz runs at its own rate. The callbacks only copy (and convert the rate): everything else is other threads' work.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.devices import Kind, find_device, portaudio
from huiyin.assistant.ports.elastic import Elastic
from huiyin.assistant.ports.port import Exchange, PortError, Samples
from huiyin.assistant.ports.streams import DeviceStream, Outlet, Rate

_DEAD_AFTER_S = 1.0  # a live stream calls back fifty times a second
_ZEROS_S = 10.0  # even a quiet room is not exactly zero for so long
_ELASTIC_S = 0.05  # how much later the loudspeaker is where it has a clock of its own
_STOPPED = "the sound device has stopped; plug it in again, the conversation goes on as soon as it is back"
_ZEROS = (
    "the microphone gives nothing but zeros. If you are not heard, it is muted, or this program may not use it: look "
    "for a switch on the microphone, and in the system's settings for sound and privacy"
)


class DesktopPort:
    """An `AudioPort` on the system's sound devices.

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
        """Open the devices. Raises PortError with what to do."""
        sounddevice = portaudio()
        if self._stale:
            # PortAudio looks for devices once: what was plugged in since is not seen before it begins anew.
            sounddevice._terminate()
            sounddevice._initialize()
        self._zero_since_s = None
        try:
            self._open(sounddevice, exchange)
        except (sounddevice.PortAudioError, ValueError) as error:
            raise PortError(
                f"the sound device cannot be opened ({error}); "
                "choose another with --input and --output, `huiyin devices` lists them"
            ) from error
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
            raise PortError(_STOPPED)
        if not self._told and self._zero_since_s is not None and now - self._zero_since_s > _ZEROS_S:
            self._told = True
            self._tell(_ZEROS)

    # -- opening ----------------------------------------------------------------------------------------------------

    def _open(self, sounddevice: Any, exchange: Exchange) -> None:
        speaker = self._find("output")
        if not self._microphone:
            silence = np.zeros(BLOCK, np.int16)
            self._streams = [self._loudspeaker(sounddevice, speaker, lambda: exchange(silence))]
            return
        microphone = self._find("input")
        if _number(sounddevice, microphone, 0) == _number(sounddevice, speaker, 1):
            rates = {_own_rate(sounddevice, microphone, "input"), _own_rate(sounddevice, speaker, "output")}
            for rate in dict.fromkeys((SAMPLE_RATE, *(rates if len(rates) == 1 else ()))):
                try:
                    self._streams = [self._duplex(sounddevice, (microphone, speaker), rate, exchange)]
                    return
                except sounddevice.PortAudioError:
                    continue
        elastic = Elastic()
        ear = self._ear(sounddevice, microphone, lambda mic: elastic.write(exchange(mic), time.monotonic()))
        try:
            mouth = self._loudspeaker(sounddevice, speaker, lambda: elastic.read(BLOCK, time.monotonic()))
        except Exception:
            ear.close()
            raise
        self._streams = [ear, mouth]

    def _duplex(
        self, sounddevice: Any, devices: tuple[int | None, int | None], rate: int, exchange: Exchange
    ) -> DeviceStream:
        down, outlet = Rate(rate, SAMPLE_RATE), Outlet(rate)

        def move(mic: Samples, speaker: Samples) -> None:
            outlet.push(exchange(self._heard(down.push(mic.copy()))))
            speaker[:] = outlet.take(len(speaker))

        return DeviceStream(sounddevice.Stream, rate, move, device=devices, latency=self._latency_s)

    def _loudspeaker(self, sounddevice: Any, device: int | None, block: Callable[[], Samples]) -> DeviceStream:
        """Plays one block after the other, as the device asks for them."""

        def opened(rate: int) -> DeviceStream:
            outlet = Outlet(rate)

            def move(speaker: Samples) -> None:
                while outlet.lacks(len(speaker)):
                    outlet.push(block())
                speaker[:] = outlet.take(len(speaker))

            return DeviceStream(sounddevice.OutputStream, rate, move, device=device, latency=self._latency_s)

        return _at_a_rate(sounddevice, opened, _own_rate(sounddevice, device, "output"))

    def _ear(self, sounddevice: Any, device: int | None, hear: Callable[[Samples], None]) -> DeviceStream:
        def opened(rate: int) -> DeviceStream:
            down = Rate(rate, SAMPLE_RATE)
            return DeviceStream(
                sounddevice.InputStream, rate, lambda mic: hear(self._heard(down.push(mic.copy()))),
                device=device, latency=self._latency_s,
            )  # fmt: skip

        return _at_a_rate(sounddevice, opened, _own_rate(sounddevice, device, "input"))

    def _heard(self, mic: Samples) -> Samples:
        if mic.any():
            self._zero_since_s = None
        elif self._zero_since_s is None:
            self._zero_since_s = time.monotonic()
        return mic

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


def _number(sounddevice: Any, device: int | None, side: int) -> int:
    """PortAudio's number of a device; `side` 0 the microphone, 1 the loudspeaker."""
    return int(sounddevice.default.device[side]) if device is None else device


def _own_rate(sounddevice: Any, device: int | None, kind: Kind) -> int:
    return round(sounddevice.query_devices(device, kind)["default_samplerate"])


def _at_a_rate(sounddevice: Any, opened: Callable[[int], DeviceStream], own: int) -> DeviceStream:
    """At 16 kHz, or else at the device's own rate. Raises PortAudioError."""
    try:
        return opened(SAMPLE_RATE)
    except sounddevice.PortAudioError:
        return opened(own)


class SilentPort:
    """An `AudioPort` where there is no sound at all: keeps the rhythm, hears nothing, plays into the void."""

    output_latency_s = 0.0

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def start(self, exchange: Exchange) -> None:
        """Begin."""

        def run() -> None:
            while not self._stopped.wait(BLOCK / SAMPLE_RATE):
                exchange(np.zeros(BLOCK, np.int16))

        threading.Thread(target=run, name="silence", daemon=True).start()

    def stop(self) -> None:
        """End."""
        self._stopped.set()

    def check(self) -> None:
        """Silence does not fail."""
