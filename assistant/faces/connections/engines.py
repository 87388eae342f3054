"""What a session with a client is made of, whatever protocol it speaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from huiyin.assistant.conversation.session import Ear
from huiyin.assistant.conversation.stages import Model, Parts, Recogniser, Voice
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.ports.port import Pcm16

DEFAULT_VOICE = "default"
"""The speech service chooses a voice for the language."""


@dataclass(frozen=True)
class Limits:
    """Of one session."""

    uncommitted_s: float = 120.0
    """sound that waits to be committed, or to be heard"""
    items: int = 5000
    """in the conversation"""


class Wishes(Protocol):
    """What a client may wish of the stages."""

    @property
    def voice(self) -> str:
        """Its name, or `DEFAULT_VOICE`."""

    @property
    def speed(self) -> float:
        """Times the usual pace of speech."""

    @property
    def max_tokens(self) -> int | None:
        """Of a reply; None: as the settings have it."""

    @property
    def language(self) -> str:
        """The code of the language that the user speaks; '' where the client has not said."""


@dataclass(frozen=True)
class Engines:
    """The stages, and what else there is beside them.

    `make_ear`: threshold of voice activity -> an ear, whose sound begins then. `…_for`: what suits a client's wishes;
    None: always that of `parts`.
    """

    parts: Parts
    voice_for: Callable[[Wishes], Voice]
    make_ear: Callable[[float], Ear]
    personas: Mapping[str, Persona]
    prepared: Callable[[Persona], dict[str, Pcm16]] = lambda persona: {}
    model_for: Callable[[Wishes], Model] | None = None
    recogniser_for: Callable[[Wishes], Recogniser] | None = None
