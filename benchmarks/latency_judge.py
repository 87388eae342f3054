"""The LLM service of Huiyin's side in `benchmarks.latency`: it judges the words, and passes on other requests.

The judgements are those of the real model. In virtual time they come from the cache folder, unless the model or its
prompt has changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.output import tell
from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.services import Services
from huiyin.assistant.turns.text_judge import can_be_judged
from huiyin.configs.files import write_whole
from huiyin.configs.settings import Settings, as_arguments
from huiyin.services.llm.engines import turn_model
from tests.support.service_process import free_port

_UNUSED = "http://127.0.0.1:9/v1"  # an upstream that is never asked
_LOAD_LIMIT_S = 600.0  # the first time it is fetched
_ANSWER_LIMIT_S = 10.0


class LlmService:
    """A real LLM service that has loaded the model that judges words. `settings` are its own and its clients'."""

    def __init__(self, settings: Settings, upstream: str = _UNUSED) -> None:
        """`upstream`: base URL of the language model."""
        port = free_port()
        self.settings = replace(settings, llm=replace(settings.llm, port=port, upstreams=(upstream,)))
        self._services = Services(self.settings)
        chosen = [f"llm.port={port}", f"llm.upstreams={upstream}", "llm.upstream_model=simulated"]
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(Launcher(self.settings, as_arguments(None, chosen))).start(["llm"])
        until_s = time.monotonic() + _LOAD_LIMIT_S
        while True:
            try:
                self.judge("How long does it take")
                return
            except ServiceError as error:
                if error.status != 503 or time.monotonic() > until_s:
                    self.close()
                    raise
                time.sleep(0.2)

    def judge(self, text: str) -> float:
        """How complete `text` is, 0..1. Raises ServiceError."""
        return self._services.judge_words(text, timeout_s=_ANSWER_LIMIT_S).one()

    def close(self) -> None:
        """End it."""
        self._stack.close()


class CachedJudge:
    """The model's judgements, kept in a file; the service is started when a text is new."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        prompt = hashlib.sha256(Path(turn_model.__file__).read_bytes()).hexdigest()[:8]
        self._file = folder / f"judged-{settings.llm.turn_model}-{prompt}.json"
        self._known: dict[str, float] = json.loads(self._file.read_text("utf-8")) if self._file.is_file() else {}
        self._service: LlmService | None = None

    def __call__(self, text: str) -> float | None:
        """How complete `text` is, 0..1; None where there are too few words to tell."""
        if not can_be_judged(text):
            return None
        if text not in self._known:
            if self._service is None:
                tell("starting the model that judges the words …")
                self._service = LlmService(self._settings)
            self._known[text] = self._service.judge(text)
        return self._known[text]

    def close(self) -> None:
        """Write new judgements, and end the service."""
        if self._service is not None:
            self._service.close()
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._file, json.dumps(self._known, ensure_ascii=False, indent=0).encode())
