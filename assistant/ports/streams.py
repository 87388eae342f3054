"""PortAudio streams: opened at a rate the device knows, watched, and closed whatever the driver does.

Whatever opens a sound device does it through `open_stream`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Literal

import numpy as np
import soxr

from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.devices import portaudio
from huiyin.assistant.ports.port import DriverError, Pcm16

Side = Literal["input", "output", "duplex"]
Move = Callable[..., None]
"""Called with the device's arrays of one block, int16 of shape (n,): the microphone's to read, the loudspeaker's to
fill, or both."""

_CLASSES: dict[Side, str] = {"input": "InputStream", "output": "OutputStream", "duplex": "Stream"}
_CLOSE_LIMIT_S = 2.0  # a driver whose device was pulled out may never return


class DeviceStream:
    """An open stream of 16-bit mono that knows its rate and when it last called back. Made by `open_stream`."""

    def __init__(self, make: Callable[..., Any], rate: int, move: Move | None, **options: Any) -> None:
        """Open and start what `make`, one of sounddevice's classes, makes. Raises what `make` raises."""
        self.rate = rate
        self.called_at = time.monotonic()
        self._closed = False

        def callback(*arguments: Any) -> None:
            self.called_at = time.monotonic()
            arrays = [array[:, 0] for array in arguments[:-3]]  # then: how many, when, how
            if not self._closed and move is not None:
                move(*arrays)

        options["callback"] = callback if move is not None else None
        self._stream = make(samplerate=rate, channels=1, dtype="int16", **options)
        try:
            self._stream.start()
        except Exception:
            self.close()
            raise

    def write(self, samples: Pcm16) -> None:
        """Play, once the device has room. Only without a callback. Raises DriverError."""
        try:
            self._stream.write(samples)
        except portaudio().PortAudioError as error:
            raise DriverError("ports.device_failed", reason=str(error)) from error

    def drain(self) -> None:
        """Wait until all that was written has been heard."""
        self._stream.stop()

    def close(self) -> bool:
        """End it; whether the driver closed it in time. `move` is not called again."""
        self._closed = True

        def close() -> None:
            self._stream.abort(ignore_errors=True)
            self._stream.close(ignore_errors=True)

        thread = threading.Thread(target=close, name="closing sound", daemon=True)
        thread.start()
        thread.join(_CLOSE_LIMIT_S)
        return not thread.is_alive()


def open_stream(
    side: Side,
    device: int | tuple[int | None, int | None] | None,
    connect: Callable[[int], Move] | None,
    *,
    latency: float | str,
    rates: Sequence[int] = (),
    block_s: float = BLOCK / SAMPLE_RATE,
    what: str = "the sound device",
) -> DeviceStream:
    """Open and start a stream at the first of `rates` that the device knows; by default 16 kHz, or else its own.

    `device` is PortAudio's number, None the system's default; of a duplex stream (microphone, loudspeaker).
    `connect(rate)` gives what is called with every block; None: the caller writes. `block_s` 0: as the driver likes.

    Raises DriverError, which calls the device `what`.
    """
    sounddevice = portaudio()
    make = getattr(sounddevice, _CLASSES[side])

    def opened(rate: int) -> DeviceStream:
        move = connect(rate) if connect is not None else None
        return DeviceStream(make, rate, move, device=device, latency=latency, blocksize=round(block_s * rate))

    try:
        rates = rates or _usual_rates(sounddevice, side, device)
        for rate in rates[:-1]:
            with suppress(sounddevice.PortAudioError):
                return opened(rate)
        return opened(rates[-1])
    except (sounddevice.PortAudioError, ValueError) as error:
        raise DriverError("ports.not_opened", device=what, reason=str(error)) from error


def _usual_rates(sounddevice: Any, side: Side, device: int | tuple[int | None, int | None] | None) -> list[int]:
    """16 kHz, then the device's own rate, where a microphone and a loudspeaker that are opened together share one."""
    pairs = zip(device, ("input", "output"), strict=True) if isinstance(device, tuple) else [(device, side)]
    own = {round(sounddevice.query_devices(number, kind)["default_samplerate"]) for number, kind in pairs}
    return [SAMPLE_RATE, *(own - {SAMPLE_RATE} if len(own) == 1 else ())]


class Rate:
    """Carries blocks from one rate to another; passes them through when they are the same.

    Late by 14 ms. soxr's engine for variable rates: the other gives out bursts (0, 300, 600 samples for blocks of 320).
    """

    def __init__(self, source: int, target: int) -> None:
        same = source == target
        self._stream = None if same else soxr.ResampleStream(source, target, 1, dtype="int16", vr=True)

    def push(self, samples: Pcm16) -> Pcm16:
        """The first time less than a block, then a block for a block."""
        return samples if self._stream is None else self._stream.resample_chunk(samples)


class Outlet:
    """Gives a device as many samples of its own rate as it asks for, out of blocks of 16 kHz."""

    def __init__(self, rate: int) -> None:
        self.waiting = 0
        """Pcm16 (of the device's rate) that can be taken."""
        self._up = Rate(SAMPLE_RATE, rate)
        self._buffer = np.zeros(rate, np.int16)  # 1 s, of which some 40 ms are used: a device plays what comes
        if rate != SAMPLE_RATE:
            self.push(np.zeros(BLOCK, np.int16))  # the converter keeps a little back once: silence goes before

    def push(self, samples: Pcm16) -> None:
        """Append."""
        sound = self._up.push(samples)
        self._buffer[self.waiting : self.waiting + len(sound)] = sound
        self.waiting += len(sound)

    def fill(self, out: Pcm16) -> None:
        """Take as many samples as `out` has; where there are fewer, silence goes before them."""
        count = min(len(out), self.waiting)
        silence = len(out) - count
        out[:silence] = 0
        out[silence:] = self._buffer[:count]
        self.waiting -= count
        self._buffer[: self.waiting] = self._buffer[count : count + self.waiting]
