"""What `huiyin doctor` looks at: one function a question, each yields its findings with what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from huiyin.assistant.faces.cli.checks import computer, model_files, network, sound
from huiyin.assistant.faces.cli.checks.check import Check
from huiyin.configs.settings import Settings

Question = Callable[[Settings], Iterator[Check]]

QUESTIONS: list[Question] = [
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
"""In the order in which a person would ask."""
