"""Everyday sentences with numbers, for `benchmarks.tts_*`: 40 in each language and 40 in both."""

from __future__ import annotations

from pathlib import Path

DATA = Path(__file__).with_name("data")

ENGLISH, CHINESE, MIXED = (
    (DATA / f"sentences_{name}.txt").read_text(encoding="utf-8").splitlines() for name in ("en", "zh", "mixed")
)
