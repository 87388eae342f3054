"""Speech that is made before it is needed.

Openers are wanted at once; apologies because the stage that fails may be the voice itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from pathlib import Path

import numpy as np

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.trace import AUDIBLE
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.configs.files import write_whole
from huiyin.configs.settings import StoreSettings

_TIMEOUT_S = 30.0  # no reply waits for it
_BEFORE_S = 0.02  # of silence that is left: voices begin with up to 0.4 s of it
_AFTER_S = 0.1  # what follows an opener is a new breath


def prepared_folder(settings: StoreSettings) -> Path:
    """Where it is kept, beside the models (may not exist yet)."""
    return settings.path.parent / "prepared"


class PreparedSpeech(dict[str, Pcm16]):
    """Sentence -> its sound (int16, 16 kHz). Filled in the background, kept on disk for the next start unless the
    conversation is private."""

    def __init__(self, services: Services, persona: Persona) -> None:
        super().__init__()
        self._services, self._persona = services, persona
        self._folder = prepared_folder(services.settings.store)
        missing = [text for text in persona.all_prepared() if not self._load(text)]
        self.ready = threading.Event()  # set when the background is done
        threading.Thread(target=self._make, args=(missing,), name="prepared speech", daemon=True).start()

    def _path(self, text: str) -> Path:
        settings = self._services.settings.tts
        name = f"{settings.engine}|{settings.voice}|{self._persona.voice}|{SAMPLE_RATE}|{text}"
        if self._persona.pronunciations:
            name += f"|{sorted(self._persona.pronunciations.items())}"
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.pcm"

    def _load(self, text: str) -> bool:
        try:
            self[text] = np.fromfile(self._path(text), "<i2").astype(np.int16)
        except OSError:
            return False
        return len(self[text]) > 0

    def _make(self, texts: list[str]) -> None:
        for text in texts:
            try:
                pieces = self._services.speak(
                    text, self._persona.voice, timeout_s=_TIMEOUT_S, pronunciations=self._persona.pronunciations
                )
                sound = np.concatenate([*pieces, np.zeros(0, np.int16)])
            except ServiceError:
                continue  # an apology without sound is still shown, such an opener left out
            self[text] = sound = _trimmed(sound)
            if not self._services.settings.talk.private:
                self._keep(self._path(text), sound)
        self.ready.set()

    @staticmethod
    def _keep(path: Path, sound: Pcm16) -> None:
        with contextlib.suppress(OSError):  # a cache that cannot be written costs a second at the next start
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, sound.astype("<i2").tobytes())


def _trimmed(sound: Pcm16) -> Pcm16:
    """Without the silence before and after, but for some."""
    audible = np.flatnonzero(np.abs(sound.astype(np.int32)) > AUDIBLE)
    if not len(audible):
        return sound
    first = max(0, audible[0] - round(_BEFORE_S * SAMPLE_RATE))
    return sound[first : audible[-1] + 1 + round(_AFTER_S * SAMPLE_RATE)]
