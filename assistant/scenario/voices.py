"""Voices and noises for room depth, made here: the same on every machine, without a model and without a file.

The formant voice says diphthongs and hisses in the rhythm of the text, in no language: enough for echo cancellers and
voice activity (Silero detects speech in every frame, in a room, too), not for a recogniser. Klatt's
synthesiser (1980) is the idea: a glottal wave of a given pitch, shaped by three resonances.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.level import SPEECH_DBFS, at_speech_level
from huiyin.assistant.ports.port import Samples
from huiyin.assistant.ports.wav import WavError, read_wav
from huiyin.assistant.scenario.reader import ScenarioError
from huiyin.assistant.scenario.script import speech_s

_VOWELS = ((730, 1090, 2440), (530, 1840, 2480), (570, 840, 2410), (270, 2290, 3010))  # a, e, o, i: formants, Hz
_END_VOWEL = 3  # all glide towards i: voice activity rejects a quarter of the frames of steady vowels
_BANDWIDTHS = (70, 100, 140)  # of the formants, Hz
_GAINS = (1.0, 0.5, 0.25)  # of the formants
_TABLE = 512  # samples of one period of the glottal wave
_SYLLABLE_S = 0.19
_CONSONANT_S = 0.05
# Noise suppression takes higher ones for noise: of 300 random texts in rooms it broke up 112 at 112 Hz, 15 at 95.
_PITCHES_HZ = {"assistant": 128.0, "user": 95.0}
_OTHER_PITCHES_HZ = (84.0, 104.0)
# The assistant breathes while it speaks: a canceller learns a room from all frequencies, which pure vowels lack.
_BREATH = {"assistant": 0.7}
_HISS = 0.3  # of a consonant, against the vowel's RMS; at 0.9 voice activity rejects a tenth of the frames in a room
_SWELL_S = 0.05  # at the beginning of a syllable
_FADE_S = 0.05  # at its end
_SMOOTH = 320  # samples, 20 ms
_LAST_FADE_S = 0.15  # and people end softly
_HIBARI_RATE = 24_000
_SPEECH_RMS = 10 ** (SPEECH_DBFS / 20)


def say(text: str, speaker: str, voice: str, lasts_s: float | None = None) -> Samples:
    """`text` as sound: float32, 16 kHz, without silence around it, at the level of speech. Raises ScenarioError.

    `lasts_s`: how long it takes; the made voice only.
    """
    if voice == "hibari" and text.isascii():
        return _hibari(text)
    return _formants(text, speaker, speech_s(text) if lasts_s is None else lasts_s)


def recording(path: Path) -> Samples:
    """A WAV file, at the level of speech. Raises ScenarioError."""
    try:
        sound = read_wav(path)
    except WavError as error:
        raise ScenarioError("scenario.bad_recording", error=error) from error
    if not sound.any():
        raise ScenarioError("scenario.silent_recording", path=path)
    return at_speech_level(sound)


def noise(name: str, length_s: float, seed: int) -> Samples:
    """One of `grammar.SOUNDS`, at the level of speech where it has one."""
    rng = np.random.default_rng([seed, *name.encode()])
    count = max(1, round(length_s * SAMPLE_RATE))
    time_s = np.arange(count) / SAMPLE_RATE
    if name == "silence":
        return np.zeros(count, np.float32)
    if name == "tv":
        return say("television " * max(1, round(length_s / 0.32)), "tv", "formants")[:count]
    white = rng.standard_normal(count)
    if name == "cough":  # two bursts of breath through a throat
        sound = np.convolve(white, _throat(), "same") * (np.exp(-time_s / 0.06) + 0.6 * _burst(time_s, 0.18, 0.05))
    elif name == "door":
        thump = np.sin(2 * np.pi * 85 * time_s) * np.exp(-time_s / 0.05)
        sound = thump + 0.3 * white * np.exp(-time_s / 0.01)
    elif name == "click":
        sound = white * np.exp(-time_s / 0.003)
    else:  # a fan
        sound = 0.3 * np.convolve(white, np.ones(8) / 8, "same")
    peak = float(np.sqrt(np.mean(sound[: SAMPLE_RATE // 5] ** 2)))
    return (sound / peak * _SPEECH_RMS).astype(np.float32)


@lru_cache(maxsize=256)
def _formants(text: str, speaker: str, lasts_s: float) -> Samples:
    digest = hashlib.sha256(f"{speaker}|{text}".encode()).digest()
    rng = np.random.default_rng(list(digest[:8]))
    low_hz, high_hz = _OTHER_PITCHES_HZ
    other_hz = low_hz + (high_hz - low_hz) * hashlib.sha256(speaker.encode()).digest()[0] / 255
    pitch_hz = _PITCHES_HZ.get(speaker, other_hz)
    count = max(1, round(lasts_s / _SYLLABLE_S))
    lengths = rng.uniform(0.85, 1.15, count)
    lengths *= lasts_s / lengths.sum()
    sound = np.concatenate([_syllable(length, pitch_hz, rng) for length in lengths])
    fade = min(len(sound), round(_LAST_FADE_S * SAMPLE_RATE))
    sound[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    loudness = np.sqrt(np.convolve(sound**2, np.ones(_SMOOTH) / _SMOOTH, "same"))
    sound += (_BREATH.get(speaker, 0.0) * loudness * rng.standard_normal(len(sound))).astype(np.float32)
    return at_speech_level(sound)


def _syllable(length_s: float, pitch_hz: float, rng: np.random.Generator) -> Samples:
    count = round(length_s * SAMPLE_RATE)
    time_s = np.arange(count) / SAMPLE_RATE
    begin_hz = pitch_hz * rng.uniform(0.92, 1.15)
    end_hz = pitch_hz * rng.uniform(0.85, 1.08)
    phase = np.cumsum(np.linspace(begin_hz, end_hz, count)) / SAMPLE_RATE
    mean_hz = round((begin_hz + end_hz) / 2)
    at = (phase * _TABLE).astype(np.int64) % _TABLE
    glide = np.linspace(0, 1, count)
    vowel = _wave(int(rng.integers(len(_VOWELS))), mean_hz)[at] * (1 - glide) + _wave(_END_VOWEL, mean_hz)[at] * glide
    swell = np.clip(time_s / _SWELL_S, 0, 1)
    fade = np.clip(time_s[::-1] / _FADE_S, 0, 1)
    sound = vowel * np.minimum(swell, fade)
    hiss = min(count, round(_CONSONANT_S * SAMPLE_RATE))
    sound[:hiss] += np.diff(rng.standard_normal(hiss + 1)) * np.hanning(hiss) * _HISS
    return sound.astype(np.float32)


@lru_cache(maxsize=256)
def _wave(vowel: int, pitch_hz: int) -> Samples:
    """One period of a vowel, at RMS 1."""
    at = np.arange(_TABLE) / _TABLE
    wave = np.zeros(_TABLE)
    for harmonic in range(1, int(4500 / pitch_hz)):
        hz = harmonic * pitch_hz
        shape = zip(_VOWELS[vowel], _BANDWIDTHS, _GAINS, strict=True)
        gain = 0.003 + sum(gain / (1 + ((hz - centre) / width) ** 2) for centre, width, gain in shape)
        wave += gain * np.sin(2 * np.pi * harmonic * at)
    return np.asarray(wave / np.sqrt(np.mean(wave**2)), np.float32)


def _throat() -> Samples:
    time_s = np.arange(160) / SAMPLE_RATE
    return (np.sin(2 * np.pi * 900 * time_s) * np.exp(-time_s / 0.002)).astype(np.float32)


def _burst(time_s: npt.NDArray[np.float64], at_s: float, length_s: float) -> npt.NDArray[np.float64]:
    return np.where(time_s >= at_s, np.exp(-np.maximum(0.0, time_s - at_s) / length_s), 0.0)


@lru_cache(maxsize=256)
def _hibari(text: str) -> Samples:
    return at_speech_level(soxr.resample(np.asarray(_hibari_voice()(text, seed=0)), _HIBARI_RATE, SAMPLE_RATE))


@lru_cache(maxsize=1)
def _hibari_voice() -> Any:
    """Loaded once: its lexicons take half a second, a sentence a hundredth. Raises ScenarioError."""
    try:
        from hibari import Hibari
    except ImportError as error:
        raise ScenarioError("scenario.no_hibari") from error
    return Hibari()
