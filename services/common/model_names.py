"""Names of models that programs bring along: each stands for the model that is here.

Programs written for OpenAI ask for gpt-4o or gpt-4o-mini-transcribe, and often cannot be told otherwise.
"""

from __future__ import annotations

import logging
import threading

from huiyin.services.common.errors import shortened

log = logging.getLogger(__name__)

_HEADER = "X-Huiyin-Model"
_MOST_LOGGED = 1000  # names, so that callers cannot fill the log


class ModelNames:
    """Decides about the names that no model here has. Thread-safe."""

    def __init__(self, strict: bool) -> None:
        """`strict`: none of them is accepted."""
        self._strict = strict
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def accepts(self, name: str, model: str) -> bool:
        """Whether `name` stands for `model`, which is said in the log the first time."""
        if self._strict:
            return False
        with self._lock:
            is_new = name not in self._seen and len(self._seen) < _MOST_LOGGED
            if is_new:
                self._seen.add(name)
        if is_new:
            log.info("no model is called %s: %s answers (service.strict_models refuses)", shortened(name), model)
        return True


def model_header(model: str) -> dict[str, str]:
    """The header of an answer that names the model which has made it; none for ''."""
    return {_HEADER: "".join(char if " " <= char <= "~" else "?" for char in model)} if model else {}
