"""What a session with a client is made of, whatever protocol it speaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from huiyin.assistant.conversation.assemble import make_listener
from huiyin.assistant.conversation.session import Ear
from huiyin.assistant.conversation.stages import Model, Parts, Recogniser, Voice
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.ports.port import Pcm16
from huiyin.configs.settings import Settings

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


class MakeEar(Protocol):
    """Makes the ear of a session, whose sound begins then."""

    def __call__(self, threshold: float, *, has_echo: bool = False) -> Ear:
        """`threshold` of voice activity, 0..1. `has_echo`: the assistant's own voice is in the client's sound."""


@dataclass(frozen=True)
class Engines:
    """The stages, and what else there is beside them.

    `…_for`: what suits a client's wishes; None: always that of `parts`.
    """

    parts: Parts
    voice_for: Callable[[Wishes], Voice]
    make_ear: MakeEar
    prepared: Callable[[Persona], dict[str, Pcm16]] = lambda persona: {}
    model_for: Callable[[Wishes], Model] | None = None
    recogniser_for: Callable[[Wishes], Recogniser] | None = None


def ears(settings: Settings) -> MakeEar:
    """Those that hear speech by voice activity; with echo, through the echo path as well. They raise StoreError when
    there is no model for it.

    `audio.echo` says which canceller; "off", which is for this machine's headset, a client does not get.
    """

    def make(threshold: float, *, has_echo: bool = False) -> Ear:
        own = settings.audio.echo
        echo = ("both" if own == "off" else own) if has_echo else "off"
        audio = replace(settings.audio, echo=echo, speech_threshold=threshold)
        return make_listener(replace(settings, audio=audio), _ignore)

    return make


def _ignore(warning: str) -> None:
    """`huiyin doctor` says the same; and a client that needs what is missing is refused."""
