"""What benchmarks say: everyday sentences with numbers, 40 in each language and 40 in both; and the texts of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from huiyin.configs.layers import read_toml

DATA = Path(__file__).with_name("data")

ENGLISH, CHINESE, MIXED = (
    (DATA / f"sentences_{name}.txt").read_text(encoding="utf-8").splitlines() for name in ("en", "zh", "mixed")
)

TEXTS: dict[str, Any] = read_toml(DATA / "texts.toml")
"""By benchmark."""
