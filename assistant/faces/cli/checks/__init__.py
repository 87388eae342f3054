"""What `huiyin doctor` looks at: one function a question, each yields its findings with what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from huiyin.assistant.faces.cli.checks import computer, model_files, network, sound
from huiyin.assistant.faces.cli.checks.check import Check
from huiyin.configs.settings import Settings

Question = Callable[[Settings], Iterator[Check]]

_COMPUTER: list[Question] = [computer.python, computer.libraries, computer.processors, computer.memory]
_SOUND: list[Question] = [sound.library, sound.echo, sound.devices, sound.microphone]
_MODELS: list[Question] = [model_files.chosen, model_files.files, model_files.disk]
_NETWORK: list[Question] = [network.services, network.web, network.language_models]

QUESTIONS = [*_COMPUTER, *_SOUND, *_MODELS, *_NETWORK]
"""In the order in which a person would ask."""

OF_THE_PAGE = [*_COMPUTER, *_MODELS, *_NETWORK]
"""Without those of this machine's sound devices: a browser has its own, and this machine's microphone stays closed."""
