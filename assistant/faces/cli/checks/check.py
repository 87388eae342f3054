"""What a check of `huiyin doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Check:
    """A finding. 'warn': something will not work, or not well; 'fail': a conversation cannot work."""

    level: Level
    what: str
    advice: str = ""
