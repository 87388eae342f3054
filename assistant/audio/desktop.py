"""The desktop's microphone and loudspeaker: one duplex PortAudio stream whose callback only copies."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import soxr

from assistant.audio import BLOCK, SAMPLE_RATE
from assistant.audio.ports import Exchange, PortError, Samples

_DEAD_AFTER_S = 1.0  # a live stream calls back fifty times a second


def _sounddevice() -> Any:
    try:
        import sounddevice
    except OSError as error:  # the Python package is there, the PortAudio library is not
        raise PortError(
            "PortAudio is missing; install it "
            "(Debian, Ubuntu: apt-get install libportaudio2; macOS: brew install portaudio)"
        ) from error
    return sounddevice


class _Rate:
    """Carries blocks between the device's rate and ours; passes them through when they are the same."""

    def __init__(self, source: int, target: int) -> None:
        self._stream = None if source == target else soxr.ResampleStream(source, target, 1, dtype="int16", quality="LQ")

    def push(self, samples: Samples) -> Samples:
        return samples if self._stream is None else self._stream.resample_chunk(samples)


class DesktopPort:
    """An `AudioPort` on the system's sound devices.

    `microphone` false opens the loudspeaker alone (typed input). Devices are PortAudio numbers or None for the
    default. A device that does not know 16 kHz runs at its own rate and is resampled in the callback.
    """

    def __init__(
        self, input_device: int | None, output_device: int | None, *, latency_s: float, microphone: bool = True
    ) -> None:
        self.output_latency_s = latency_s
        self._devices = (input_device, output_device)
        self._latency_s, self._microphone = latency_s, microphone
        self._stream: Any = None
        self._called_at = 0.0

    def start(self, exchange: Exchange) -> None:
        """Open the devices. Raises PortError with what to do."""
        sounddevice = _sounddevice()
        self._called_at = time.monotonic()
        try:
            try:
                self._open(sounddevice, exchange, SAMPLE_RATE)
            except sounddevice.PortAudioError:
                facts = sounddevice.query_devices(self._devices[1], "output")
                self._open(sounddevice, exchange, int(facts["default_samplerate"]))
        except (sounddevice.PortAudioError, ValueError) as error:
            self._stream = None
            raise PortError(
                f"the sound device cannot be opened ({error}); "
                "choose another with --input and --output, `huiyin devices` lists them"
            ) from error

    def stop(self) -> None:
        """Close the devices."""
        if self._stream is not None:
            self._stream.abort(ignore_errors=True)
            self._stream.close(ignore_errors=True)
            self._stream = None

    def check(self) -> None:
        """Raise PortError when no block has come for a second: the device was unplugged or its driver died."""
        if self._stream is None or time.monotonic() - self._called_at > _DEAD_AFTER_S:
            raise PortError(
                "the sound device has stopped; plug it in again, the conversation goes on as soon as it is back"
            )

    def _open(self, sounddevice: Any, exchange: Exchange, rate: int) -> None:
        block = BLOCK * rate // SAMPLE_RATE
        down, up = _Rate(rate, SAMPLE_RATE), _Rate(SAMPLE_RATE, rate)
        pending: Samples = np.zeros(0, np.int16)

        def convert(mic: Samples) -> Samples:
            nonlocal pending
            pending = np.concatenate([pending, up.push(exchange(down.push(mic)))])
            out, pending = pending[: len(mic)], pending[len(mic) :]
            return np.pad(out, (len(mic) - len(out), 0))

        def duplex(indata: Samples, outdata: Samples, frames: int, timing: object, status: object) -> None:
            self._called_at = time.monotonic()
            outdata[:, 0] = convert(indata[:, 0].copy())

        def loudspeaker(outdata: Samples, frames: int, timing: object, status: object) -> None:
            self._called_at = time.monotonic()
            outdata[:, 0] = convert(np.zeros(frames, np.int16))

        options = {"samplerate": rate, "blocksize": block, "channels": 1, "dtype": "int16", "latency": self._latency_s}
        if self._microphone:
            self._stream = sounddevice.Stream(device=self._devices, callback=duplex, **options)
        else:
            self._stream = sounddevice.OutputStream(device=self._devices[1], callback=loudspeaker, **options)
        self._stream.start()


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
