"""How the user's voice sounds, as a vector that is kept: `huiyin enroll` makes it, a conversation compares with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from huiyin.configs.errors import HuiyinError
from huiyin.configs.files import user_folder, whole_file


class VoiceprintError(HuiyinError):
    """No voice is kept, or its file holds none."""


@dataclass(frozen=True)
class Voiceprint:
    """A voice. `vector`: of length 1. Voices of different `model`s cannot be compared."""

    vector: tuple[float, ...]
    model: str
    speech_s: float
    """Of speech behind it."""

    @staticmethod
    def of(answer: Any) -> Voiceprint:
        """What `POST /speaker` answers. Raises ValueError, KeyError or TypeError for anything else."""
        vector = tuple(float(number) for number in answer["embedding"])
        if not vector:
            raise ValueError("an empty vector")
        return Voiceprint(vector, str(answer["model"]), float(answer["speech_s"]))

    @staticmethod
    def read(path: Path) -> Voiceprint:
        """The one that is kept there. Raises VoiceprintError."""
        try:
            return Voiceprint.of(json.loads(path.read_bytes()))
        except FileNotFoundError:
            raise VoiceprintError("voice.not_enrolled") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise VoiceprintError("voice.unreadable", path=path, error=error) from error

    def keep(self, path: Path) -> None:
        """Write it, for the user's eyes alone. Raises OSError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fields = {"model": self.model, "speech_s": self.speech_s, "embedding": self.vector}
        with whole_file(path, private=True) as file:
            file.write(json.dumps(fields).encode())

    def likeness(self, other: Voiceprint) -> float | None:
        """The cosine, -1..1, of two voices; None for those of different models."""
        if self.model != other.model or len(self.vector) != len(other.vector):
            return None
        return float(np.dot(self.vector, other.vector))


def voice_file() -> Path:
    """Where the user's voice is kept."""
    return user_folder("Application Support", "XDG_DATA_HOME", ".local/share") / "huiyin" / "voice.json"
