"""A tiny SenseVoice that recognises something: tones for digits, with the tags that go with their sound.

Tests need a recogniser whose right answer is known and that runs in milliseconds. This one has the real layers, the
real queries and the real outputs, trained on synthetic sound for some minutes:

- a tone of 300 + 180 k Hz is the digit k, written in Chinese or English;
- a faint whistle at 3.4 kHz all the time marks English, unless the language query says otherwise;
- a growl at 150 Hz under soft tones is sadness, a ring at 2.6 kHz over loud ones anger, neither is neutral;
- bursts of noise at the end are laughter; noise alone is not speech;
- with written form (ITN), the sentence ends with a full stop.

``python -m tests.support.tone_network OUT.npz`` trains one (needs PyTorch and FunASR); the tests' was made so.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from huiyin.services.asr.sensevoice.features import Frontend
from huiyin.services.asr.sensevoice.tags import EMOTION_QUERY, EVENT_QUERY, ITN_QUERY, LANGUAGE_QUERIES, SPOKEN_QUERY
from huiyin.services.common.audio import SAMPLE_RATE, Samples
from tests.support.funasr_frontend import SCALE, SHIFT
from tests.support.sensevoice_folder import DIGITS_EN, DIGITS_ZH, TINY, vocabulary, write_folder

_FIRST_HZ = 300.0  # the lowest digit's tone
_STEP_HZ = 180.0  # from one digit's tone to the next
_WHISTLE_HZ = 3400.0
_GROWL_HZ = 150.0
_RING_HZ = 2600.0
_AMPLITUDES = {"sad": 0.03, "neutral": 0.12, "angry": 0.5}
_EMOTION_TAGS = {"sad": "<|SAD|>", "neutral": "<|NEUTRAL|>", "angry": "<|ANGRY|>"}


@dataclass(frozen=True)
class Tones:
    """What is in the sound."""

    digits: tuple[int, ...]
    language: str = "zh"
    emotion: str = "neutral"
    laughter: bool = False


def sound(tones: Tones, rng: np.random.Generator, gap_s: float = 0.08) -> Samples:
    """Its sound: float32 (n,), 16 kHz. Without digits: a second of faint noise."""
    amplitude = _AMPLITUDES[tones.emotion] * rng.uniform(0.8, 1.25)
    parts = [np.zeros(_samples(rng.uniform(0.1, 0.3)))]
    for digit in tones.digits:
        length = _samples(rng.uniform(0.2, 0.3))
        t = np.arange(length) / SAMPLE_RATE
        wave = np.sin(2 * np.pi * (_FIRST_HZ + _STEP_HZ * digit) * t)
        if tones.emotion == "angry":
            wave += 0.8 * np.sin(2 * np.pi * _RING_HZ * t)
        if tones.emotion == "sad":
            wave += 0.8 * np.sin(2 * np.pi * _GROWL_HZ * t)
        parts += [wave * np.hanning(length) ** 0.3, np.zeros(_samples(gap_s * rng.uniform(0.7, 1.4)))]
    if not tones.digits:
        parts.append(np.zeros(SAMPLE_RATE))
    if tones.laughter:
        for _ in range(4):
            parts += [rng.standard_normal(_samples(0.06)) * 0.5, np.zeros(_samples(0.04))]
    parts.append(np.zeros(_samples(rng.uniform(0.15, 0.35))))
    wave = np.concatenate(parts)
    if tones.language == "en" and tones.digits:
        wave += 0.2 * np.sin(2 * np.pi * _WHISTLE_HZ * np.arange(len(wave)) / SAMPLE_RATE)
    return np.asarray((wave + rng.standard_normal(len(wave)) * 0.01) * amplitude, dtype=np.float32)


def text(digits: Sequence[int], language: str, itn: bool = True) -> str:
    """What the recogniser should write."""
    if not digits:
        return ""
    if language == "en":
        return " ".join(DIGITS_EN[d][1:] for d in digits) + ("." if itn else "")
    return "".join(DIGITS_ZH[d] for d in digits) + ("。" if itn else "")


def folder(weights: Path, out: Path) -> Path:
    """The model folder of weights saved by this module."""
    with np.load(weights) as saved:
        state = {name: saved[name].astype(np.float32) for name in saved.files}
    return write_folder(out, state, TINY, vocabulary())


def train(seconds: float, seed: int = 0) -> dict[str, Any]:
    """Weights after training for `seconds`, in 16 bits."""
    import torch
    from funasr.models.sense_voice.model import SenseVoiceSmall

    pieces = vocabulary()
    number = {piece: i for i, piece in enumerate(pieces)}
    torch.manual_seed(seed)
    conf = {**TINY, "kernel_size": 11, "dropout_rate": 0.0, "attention_dropout_rate": 0.0}
    net: Any = SenseVoiceSmall(
        encoder="SenseVoiceEncoderSmall", encoder_conf=conf, input_size=560, vocab_size=len(pieces)
    )
    optimizer = torch.optim.AdamW(net.parameters(), 4e-3)
    ctc = torch.nn.CTCLoss(zero_infinity=True)
    rng, front, started, step = np.random.default_rng(seed), Frontend(None), time.monotonic(), 0
    while (share := (time.monotonic() - started) / seconds) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 4e-3 * min(1.0, step / 50) * max(0.01, 1 - share)
        rows = [_example(rng, front, number) for _ in range(16)]
        lengths = torch.tensor([len(row.features) for row in rows])
        speech = torch.nn.utils.rnn.pad_sequence([torch.from_numpy(row.features) for row in rows], batch_first=True)
        queries = net.embed(torch.tensor([row.queries for row in rows]))
        encoded, _ = net.encoder(torch.cat((queries, speech), 1), lengths + 4)
        logits = net.ctc.ctc_lo(encoded)
        scores = logits[:, 4:].log_softmax(-1).transpose(0, 1)
        targets = torch.tensor([token for row in rows for token in row.tokens], dtype=torch.long)
        loss = ctc(scores, targets, lengths, torch.tensor([len(row.tokens) for row in rows]))
        tags = torch.tensor([row.tags for row in rows])
        loss = loss + 4 * torch.nn.functional.cross_entropy(logits[:, :4].flatten(0, 1), tags.flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        step += 1
        if step % 100 == 0:
            print(f"{step} steps, {share:.0%}, loss {loss.item():.3f}", flush=True)
    return {name: value.half().numpy() for name, value in net.state_dict().items()}


@dataclass(frozen=True)
class _Example:
    features: Any
    queries: tuple[int, int, int, int]
    tokens: list[int]
    tags: list[int]


def _example(rng: np.random.Generator, front: Frontend, number: dict[str, int]) -> _Example:
    count = 0 if rng.random() < 0.05 else int(rng.integers(1, 9))
    language, emotion = str(rng.choice(["zh", "en"])), str(rng.choice(list(_EMOTION_TAGS)))
    tones = Tones(tuple(rng.integers(0, 10, count).tolist()), language, emotion, bool(count and rng.random() < 0.3))
    query = str(rng.choice(["auto", "zh", "en"]))
    written = language if query == "auto" else query
    itn = bool(rng.integers(2))
    digits = DIGITS_EN if written == "en" else DIGITS_ZH
    tokens = [number[digits[d]] for d in tones.digits]
    if itn and tokens:
        tokens.append(number["." if written == "en" else "。"])
    if count:
        tags = [f"<|{written}|>", _EMOTION_TAGS[emotion], "<|Laughter|>" if tones.laughter else "<|Speech|>"]
    else:
        tags = ["<|nospeech|>", "<|EMO_UNKNOWN|>", "<|Event_UNK|>"]
    tags.append("<|withitn|>" if itn else "<|woitn|>")
    queries = LANGUAGE_QUERIES[query], EMOTION_QUERY, EVENT_QUERY, ITN_QUERY if itn else SPOKEN_QUERY
    features = (front(sound(tones, rng)) + SHIFT) * np.float32(SCALE)
    return _Example(features.astype(np.float32), queries, tokens, [number[tag] for tag in tags])


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)


def main() -> None:
    """Train, and save the weights."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path, metavar="OUT.npz")
    parser.add_argument("--seconds", type=float, default=400.0, help="how long to train (default: 400)")
    args = parser.parse_args()
    np.savez_compressed(args.out, **train(args.seconds))
    print(f"{args.out}: {args.out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
