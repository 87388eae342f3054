"""POST /end_of_turn: whether the speaker is done, by the words.

The caller has other judges (the sound, the clock) and no time to wait: the model loads in the background, and until it
is ready each answer is an error, at once.
"""

from __future__ import annotations

import logging
import math
import re
import threading
import time
from collections.abc import Mapping
from typing import Any

from huiyin.configs import messages
from huiyin.configs.messages import Message
from huiyin.configs.settings import Settings
from huiyin.services.common.errors import ApiError
from huiyin.services.common.loading import EngineHost
from huiyin.services.common.upstreams.http_client import Watch
from huiyin.services.common.watch import ClientLeft
from huiyin.services.llm.chunks import JsonObject
from huiyin.services.llm.engines.llama_process import TROUBLE
from huiyin.services.llm.engines.turn_model import TurnModel

log = logging.getLogger(__name__)

TEXT_MAX = 2000
"""Characters of a request; two minutes of fast speech."""
_JUDGED = 400  # characters, the last ones: further back nothing changes the end
_STEP = 200  # characters by which the beginning moves: until then the model reads only the new words
_TRAILING = ".。!！?？,，、… \t\r\n\u3000\xa0"  # a recogniser ends every text with a full stop: no sign of an end
WITH_WORDS = f"[^{re.escape(_TRAILING)}]"
"""What is found in a text with words, as a regular expression."""
_SPECIAL = re.compile(r"<\|[^<|>]*\|>")  # also as mere text "<|im_end|>" would raise the probability of an end
_QUEUE_S = 0.5  # a later answer comes too late
_RETRY_S = 60.0  # after a failure to load


def check_turn(body: JsonObject) -> str:
    """The words to judge, never empty. Raises ApiError 400."""
    text = body.get("text")
    if not isinstance(text, str):
        raise ApiError(400, "llm.turn_not_text", code="invalid_value")
    text = text.strip(_TRAILING)
    if len(text) > TEXT_MAX:
        raise ApiError(400, "llm.turn_too_long", code="invalid_value", length=len(text), most=TEXT_MAX)
    text = _plain(text).strip(_TRAILING)
    if not text:
        raise ApiError(400, "llm.turn_without_words", code="invalid_value")
    steps = math.ceil(max(0, len(text) - _JUDGED) / _STEP)
    return text[steps * _STEP :]


class TurnJudge:
    """The turn model of the settings: loaded when first asked, in the background, and again after a crash.

    Safe to use from several threads; one judgement at a time.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._host: EngineHost[TurnModel] | None = None
        self._load_started_s = 0.0
        self._lock = threading.Lock()
        self._slot = threading.Lock()

    @property
    def state(self) -> str:
        """One of "off", "not loaded" (before the first request), "loading", "ready", "failed: …"."""
        host = self._host
        if not self._settings.llm.turn_model:
            return "off"
        if host is None:
            return "not loaded"
        if host.state == "failed":
            return f"failed: {host.error}"
        model = host.peek()
        if model and not model.running:
            return f"failed: {messages.text('llm.process_ended', {})}"
        return host.state

    def facts(self) -> Mapping[str, Any]:
        """For /system."""
        model = self._host.peek() if self._host else None
        return {"state": self.state, "model": self._settings.llm.turn_model or None, **(model.facts() if model else {})}

    def start(self) -> TurnModel | None:
        """The model if it is ready; else None, and it begins to load unless it has just failed to."""
        with self._lock:
            if self._host is None or self._is_over(self._host):
                self._load_started_s = time.monotonic()
                self._host = EngineHost(
                    lambda: TurnModel(self._settings), name=Message("services.turn_model"), wait_s=0
                )
            return self._host.peek()

    def judge(self, text: str, watch: Watch) -> JsonObject:
        """The answer for a text from `check_turn`.

        Raises ApiError: 501 switched off, 503 not loaded, 429 busy; ClientLeft when `watch` says that the client left.
        """
        if not self._settings.llm.turn_model:
            raise ApiError(501, "llm.no_turn_model")
        model = self.start()
        if model is None:
            raise self._absent()
        if not self._slot.acquire(timeout=_QUEUE_S):
            raise ApiError(429, "llm.turn_model_busy", code="busy", retry_after_s=1)
        try:
            if watch():
                raise ClientLeft
            started = time.perf_counter()
            probability = model.probability(text, watch)
            took_s = time.perf_counter() - started
        except TROUBLE as error:
            log.error("the turn model does not answer (%s); the next request starts it again", error)
            model.stop()
            raise ApiError(503, "llm.turn_model_restarts", code="turn_model_loading", retry_after_s=1) from error
        finally:
            self._slot.release()
        return {"probability": round(probability, 4), "model": model.name, "processing_s": round(took_s, 4)}

    def _is_over(self, host: EngineHost[TurnModel]) -> bool:
        """Whether it must be loaded again."""
        if host.state == "failed":
            return self._retry_in_s(host) <= 0
        model = host.peek()
        return model is not None and not model.running

    def _retry_in_s(self, host: EngineHost[TurnModel]) -> float:
        return self._load_started_s + host.load_s + _RETRY_S - time.monotonic()

    def _absent(self) -> ApiError:
        host = self._host
        if host is None or host.state != "failed":
            return ApiError(503, "llm.turn_model_loading", retry_after_s=1)
        return ApiError(503, "llm.turn_model_failed", why=host.error, retry_after_s=max(1.0, self._retry_in_s(host)))


def _plain(text: str) -> str:
    """Without special tokens and unpaired surrogates."""
    return _SPECIAL.sub("", text).encode("utf-8", "replace").decode()
