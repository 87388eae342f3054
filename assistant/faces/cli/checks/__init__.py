"""What `huiyin doctor` looks at: one function a question, each yields its findings with what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from huiyin.configs.settings import Settings

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Check:
    """A finding. 'warn': something will not work, or not well; 'fail': a conversation cannot work."""

    level: Level
    what: str
    advice: str = ""


Question = Callable[[Settings], Iterator[Check]]


def questions() -> list[Question]:
    """All of them, in the order in which a person would ask."""
    from huiyin.assistant.faces.cli.checks import computer, model_files, network, sound

    return [
        computer.python,
        computer.libraries,
        computer.processors,
        computer.memory,
        sound.library,
        sound.echo,
        sound.devices,
        sound.microphone,
        model_files.files,
        model_files.disk,
        network.services,
        network.language_models,
    ]
