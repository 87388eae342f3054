"""What a desk's loudspeaker, microphone and room do to sound: played, heard, measured.

The probe is noise with the rhythm of speech, at the level the assistant speaks at, after a second of silence; then
short bursts, each louder than the one before, to see when the microphone clips.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from huiyin.assistant.ears.echo.path import EchoPath
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16

_SILENCE_S = 1.0  # first, to measure the noise
_SPEECH_S = 9.0  # of noise with the rhythm of speech
_LEARNT_AFTER_S = 5.0  # of it: what is left of the echo from then on counts
_LEVEL_DBFS = -24.0  # of it
_SYLLABLES_HZ = 4.0  # its rhythm
_BURSTS_DBFS = (-21.0, -18.0, -15.0, -12.0, -9.0)  # then, each louder
_BURST_S = 0.4  # a burst
_REST_S = 0.5  # before each
_CLIPPED = 32700  # int16; converters saturate a little below full scale
_CLIPPED_SAMPLES = 8  # from so many on it is not an accident
_PEAK = 32000.0  # int16; the probe itself does not clip


def probe_sound() -> Pcm16:
    """The probe, int16, some 15 s."""
    rng = np.random.default_rng(4)
    count = round(_SPEECH_S * SAMPLE_RATE)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequencies = np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE), 1.0)
    # Flat to 500 Hz, then falling by 6 dB an octave: the long-term spectrum of speech, without its bass.
    noise = np.fft.irfft(spectrum * (frequencies > 120) / np.maximum(1.0, frequencies / 500), count)
    beat = 0.5 - 0.5 * np.cos(2 * np.pi * _SYLLABLES_HZ * np.arange(count) / SAMPLE_RATE)
    words = _at_level(noise * beat, _LEVEL_DBFS)
    burst = noise[: round(_BURST_S * SAMPLE_RATE)] * np.hanning(round(_BURST_S * SAMPLE_RATE))
    parts = [np.zeros(round(_SILENCE_S * SAMPLE_RATE)), words]
    for level_dbfs in _BURSTS_DBFS:
        parts += [np.zeros(round(_REST_S * SAMPLE_RATE)), _at_level(burst, level_dbfs)]
    return np.concatenate([*parts, np.zeros(SAMPLE_RATE)]).astype(np.int16)


@dataclass(frozen=True)
class EchoReport:
    """What was measured. Levels in dBFS; `delay_ms` None: the loudspeaker was not to be heard."""

    dead: bool  # the microphone gave exact zeros
    noise_dbfs: float
    echo_dbfs: float
    delay_ms: float | None
    drift_ppm: float
    erle_db: float
    clips_at_dbfs: float | None  # level of the loudspeaker from which the microphone clips


def examine(mic: Pcm16, far_end: Pcm16, path: EchoPath) -> EchoReport:
    """Measure what a microphone heard of the probe. `mic` and `far_end` int16, of one length; `path` a fresh one."""
    chunks = list(path.push(mic, far_end))
    near = np.concatenate([np.zeros(0, np.int16), *(chunk.near for chunk in chunks)])
    began = int(np.argmax(far_end != 0)) if far_end.any() else 0
    words = slice(began, began + round(_SPEECH_S * SAMPLE_RATE))
    learnt = slice(began + round(_LEARNT_AFTER_S * SAMPLE_RATE), words.stop)
    aligner = path.aligner if path.aligner is not None and path.aligner.locked else None
    delay = aligner.echo_delay if aligner else 0.0
    echo_dbfs = _dbfs(mic[: len(near)][learnt])
    return EchoReport(
        dead=len(mic) > 0 and not mic.any(),
        noise_dbfs=_dbfs(mic[:began]),
        echo_dbfs=echo_dbfs,
        delay_ms=delay / SAMPLE_RATE * 1000 if aligner else None,
        drift_ppm=aligner.drift_ppm if aligner else 0.0,
        erle_db=echo_dbfs - _dbfs(near[learnt]),
        clips_at_dbfs=_clips_at(mic, words, round(delay)),
    )


def _clips_at(mic: Pcm16, words: slice, delay: int) -> float | None:
    if np.count_nonzero(np.abs(mic[words].astype(np.int32)) >= _CLIPPED) >= _CLIPPED_SAMPLES:
        return _LEVEL_DBFS
    at = words.stop + delay
    for level_dbfs in _BURSTS_DBFS:
        at += round(_REST_S * SAMPLE_RATE)
        burst = mic[at : at + round(_BURST_S * SAMPLE_RATE)].astype(np.int32)
        if np.count_nonzero(np.abs(burst) >= _CLIPPED) >= _CLIPPED_SAMPLES:
            return level_dbfs
        at += round(_BURST_S * SAMPLE_RATE)
    return None


def _at_level(sound: npt.NDArray[np.float64], level_dbfs: float) -> npt.NDArray[np.float64]:
    scaled = sound / np.sqrt(np.mean(sound**2)) * 10 ** (level_dbfs / 20) * 32768
    return np.asarray(np.clip(scaled, -_PEAK, _PEAK))


def _dbfs(samples: Pcm16) -> float:
    if not len(samples):
        return -100.0
    return max(-100.0, float(10 * np.log10(np.mean((samples / 32768.0) ** 2) + 1e-12)))
