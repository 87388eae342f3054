"""The section `jobs` of the settings: long recordings that are transcribed bit by bit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from huiyin.configs.files import user_folder
from huiyin.configs.layers import setting


@dataclass(frozen=True)
class JobsSettings:
    """What the recogniser keeps of recordings until their transcripts have been fetched."""

    dir: str = setting("")
    """empty: <user data>/huiyin/jobs, which lasts as other data of the user's do; readable by the user alone"""
    keep_days: float = setting(7.0, low=0.01, high=3650)
    """a job that is neither deleted nor continued is deleted after so long: a weekend and a holiday fit"""
    at_once: int = setting(2, low=1, high=64)
    """so that a short recording does not wait for a long one; they share the model"""

    @property
    def path(self) -> Path:
        """The folder."""
        if self.dir:
            return Path(self.dir).expanduser()
        return user_folder("Application Support", "XDG_DATA_HOME", ".local/share") / "huiyin" / "jobs"
