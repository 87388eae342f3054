"""Loads the engine of a service in the background, so that /health answers at once and /ready shows the state."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, Literal, TypeVar

from huiyin.configs.messages import Message
from huiyin.configs.packages.extras import told_by_name
from huiyin.services.common.errors import ApiError

log = logging.getLogger(__name__)

E = TypeVar("E")
State = Literal["loading", "ready", "failed"]


class EngineHost(Generic[E]):
    """Loads an engine once, in a thread of its own.

    `load` returns the engine, and may download its files. Its error is the service's answer to every request, as 503
    with the reason, until the service is started again.
    """

    def __init__(self, load: Callable[[], E], *, name: Message | str, wait_s: float) -> None:
        self._load, self._name, self._wait_s = load, name, wait_s
        self._done = threading.Event()
        self._engine: E | None = None
        self._error: Exception | None = None
        self.load_s = 0.0
        threading.Thread(target=self._run, name=f"load-{name}", daemon=True).start()

    def _run(self) -> None:
        started = time.perf_counter()
        try:
            with told_by_name():
                self._engine = self._load()
        except Exception as error:
            self._error = error
            log.error("%s: %s", self._name, self.error, exc_info=log.isEnabledFor(logging.DEBUG))
        self.load_s = time.perf_counter() - started
        self._done.set()

    @property
    def state(self) -> State:
        """The state of loading."""
        if not self._done.is_set():
            return "loading"
        return "failed" if self._error else "ready"

    @property
    def error(self) -> str:
        """Why loading failed, or ''."""
        return str(self._error) if self._error else ""

    def peek(self) -> E | None:
        """The engine; None before it is ready."""
        return self._engine

    def get(self) -> E:
        """The engine; waits while it loads. Raises ApiError 503 when it fails, or takes too long."""
        if not self._done.wait(self._wait_s):
            raise ApiError(503, "services.loading", name=self._name, retry_after_s=2)
        if self._engine is None:
            raise ApiError(503, "services.model_unavailable", name=self._name, why=self._error)
        return self._engine
