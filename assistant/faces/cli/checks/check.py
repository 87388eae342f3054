"""What a check of `huiyin doctor` finds."""

from __future__ import annotations

from typing import Literal

from huiyin.configs.messages import Message

Level = Literal["ok", "warn", "fail"]


class Check(Message):
    """A finding, in the words of `configs/messages/doctor.toml`: `text` says what, `hint` what to do.

    'warn': something will not work, or not well; 'fail': a conversation cannot work.
    """

    def __init__(self, level: Level, key: str, /, **facts: object) -> None:
        super().__init__(key, **facts)
        self.level: Level = level
