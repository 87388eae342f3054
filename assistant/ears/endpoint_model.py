"""Is the user done, by the sound of it: pipecat's smart-turn v3.2 (BSD-2-Clause) with a classifier of our own.

The encoder is Whisper tiny's, trained on for this, so it wants Whisper's log-mel spectrogram (Radford et al. 2022,
section 2.2): 80 mel bands of 25 ms windows every 10 ms, of the turn's last 8 s, right aligned. Its own classifier
calls most pauses within a sentence complete. So what it has heard in three parts of the last two seconds is weighed
by a logistic regression: `benchmarks.endpoint_classifier` makes it, `benchmarks.latency_judges` compares the two.
Measured: 40 ms a call on one idle core, of which the spectrogram takes 6 ms.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16, Samples
from huiyin.services.common.onnx import open_model, with_output

Spectrogram = npt.NDArray[np.float32]
"""Whisper's: shape (80, frames)."""
States = npt.NDArray[np.float32]
"""Shape (1152,)."""

MODEL = "smart-turn-v3.2-cpu.onnx"
WINDOW_S = 8.0  # what the model looks at
_WINDOW = round(WINDOW_S * SAMPLE_RATE)
_FFT = 400  # samples: 25 ms
_HOP = 160  # samples: 10 ms
_BANDS = 80
_TOP_HZ = SAMPLE_RATE / 2
_DYNAMIC_RANGE = 8.0  # decades below the loudest point are all the same silence

WEIGHTS = Path(__file__).with_name("endpoint_classifier.npy")  # and the constant: shape (1153,)
_LAYER = "layer_norm_8"  # the encoder's last layer: 384 values every 20 ms
_PARTS = ((-6, None), (-25, -6), (-100, -25))  # the last 0.12 s (silence mostly), 0.4 s and 1.5 s before them


class EndpointModel:
    """Thread-safe: onnxruntime's sessions are."""

    def __init__(self, model: Path) -> None:
        # On one core: a second would be taken from recognition.
        self._session = open_model(with_output(model.read_bytes(), _LAYER))
        self._input = self._session.get_inputs()[0].name
        self._weights = np.load(WEIGHTS)

    def __call__(self, samples: Pcm16) -> float:
        """Probability 0..1 that the turn `samples` (int16, 16 kHz, shape (n,)) belongs to is complete at its end."""
        return float(1 / (1 + np.exp(-(self.states(samples) @ self._weights[:-1] + self._weights[-1]))))

    def states(self, samples: Pcm16) -> States:
        """What the classifier weighs: the encoder's states, averaged over each part of the sound."""
        (frames,) = self._session.run([_LAYER], {self._input: log_mel(prepare(samples))[None]})
        return np.concatenate([frames[0, first:end].mean(axis=0) for first, end in _PARTS])


def prepare(samples: Pcm16) -> Samples:
    """The last 8 s, silence in front of what is shorter, at zero mean and unit variance: float32, shape (128000,)."""
    sound = np.zeros(_WINDOW, np.float32)
    last = samples[-_WINDOW:].astype(np.float32) / np.float32(32768)
    if len(last):
        sound[-len(last) :] = last
    return np.asarray((sound - sound.mean()) / np.sqrt(sound.var() + 1e-7), np.float32)


def log_mel(sound: Samples) -> Spectrogram:
    """Whisper's spectrogram of `sound` (float32, shape (n,)): shape (80, n // 160)."""
    padded = np.pad(sound, _FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP][: len(sound) // _HOP]
    power = np.abs(np.fft.rfft(frames * _window(), axis=1)) ** 2
    bands = np.log10(np.maximum(power @ _filters(), 1e-10))
    return np.asarray(((np.maximum(bands, bands.max() - _DYNAMIC_RANGE) + 4) / 4).T, np.float32)


@cache
def _window() -> npt.NDArray[np.float64]:
    """A periodic Hann window."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT)


@cache
def _filters() -> npt.NDArray[np.float64]:
    """Triangles on Slaney's mel scale, each of unit area (Auditory Toolbox, 1998): shape (201, 80)."""
    edges = _hz(np.linspace(0.0, _mel(_TOP_HZ), _BANDS + 2))
    bins = np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE)[:, None]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    return np.maximum(0.0, np.minimum(rising, falling)) * (2 / (high - low))


# Slaney's scale is linear, then logarithmic.
_LINEAR_HZ = 200 / 3  # a mel, in the linear part
_BREAK_HZ = 1000.0  # where that ends
_LOG_STEP = np.log(6.4) / 27  # of ln(Hz), a mel above it


def _mel(hz: float) -> float:
    return float(_BREAK_HZ / _LINEAR_HZ + np.log(hz / _BREAK_HZ) / _LOG_STEP) if hz > _BREAK_HZ else hz / _LINEAR_HZ


def _hz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    at_break = _BREAK_HZ / _LINEAR_HZ
    return np.where(mel < at_break, mel * _LINEAR_HZ, _BREAK_HZ * np.exp(_LOG_STEP * (mel - at_break)))
