"""A language model in a process of its own: starts `llama_child.py`, loads and warms the model, asks and suspends it.

The system chooses the port; a random key keeps other users of the machine out.
"""

from __future__ import annotations

import contextlib
import http.client
import importlib.metadata
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from huiyin.configs import messages
from huiyin.services.common.child import module_command
from huiyin.services.common.errors import ModelError
from huiyin.services.common.supervisor import STOP_LIMIT_S, Child
from huiyin.services.common.upstreams.http_client import HttpClient, Watch
from huiyin.services.common.upstreams.trouble import reason
from huiyin.services.llm.chunks import JsonObject
from huiyin.services.llm.engines import llama_child
from huiyin.services.llm.engines.llama_child import Options, Start

TROUBLE = (OSError, http.client.HTTPException, ValueError)
"""What `LlamaProcess.ask` raises when the model does not answer as it should; TimeoutError is an OSError."""

_WARM_UP_S = 60.0  # for the first token on a busy machine
_ANSWER_LIMIT = 2**20  # bytes
_NO_SPINNING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}  # measured: docs/llm.md


class LlamaProcess:
    """One life of the process with the model of `path`, loaded and warm.

    `warm_up` makes the first request before the given time, so that no caller's pays for memory that was never touched.
    `without` is the key of what completes "install huiyin[embedded], or …". Raises ModelError.
    """

    def __init__(
        self,
        path: Path,
        options: Options,
        *,
        connect_timeout_s: float,
        warm_up: Callable[[LlamaProcess, float], None],
        without: str,
    ) -> None:
        self._suspending = threading.Lock()
        self._resume_timer: threading.Timer | None = None
        start: Start = {"model": str(path), "name": path.name, "key": secrets.token_urlsafe(32), **options}
        self._child = Child(module_command(llama_child.__name__), own_errors=True, defaults=_NO_SPINNING)
        self._handle = psutil.Process(self._child.pid)  # knows when the number is another's
        try:
            self._child.write(json.dumps(start))
            answer = json.loads(self._child.first_line() or "{}")
            if "address" not in answer:
                if not answer:
                    self._child.wait(STOP_LIMIT_S)
                raise _not_loaded(answer.get("error", ""), path, self._child.status, without)
            headers = {"Authorization": f"Bearer {start['key']}"}
            self.client = HttpClient(answer["address"], headers, connect_timeout_s=connect_timeout_s)
            try:
                warm_up(self, time.monotonic() + _WARM_UP_S)
            except TROUBLE as error:
                raise ModelError("llm.model_silent", model=path.name, why=reason(error)) from error
        except BaseException:
            self.stop()
            raise

    @property
    def status(self) -> int | None:
        """The status with which the process has ended; None while it runs."""
        return self._child.status

    def ask(self, path: str, body: JsonObject | None, until: float, watch: Watch = lambda: False) -> JsonObject:
        """The whole answer to a POST, or a GET where `body` is None. `until` is a time of `time.monotonic`.

        Raises one of TROUBLE, or ClientLeft when `watch` says that the client has left.
        """
        request = ("GET", path) if body is None else ("POST", path, json.dumps(body).encode())
        with contextlib.closing(self.client.exchange(*request)) as exchange:
            status = exchange.head(until, watch).status
            answer = exchange.rest(until, watch, _ANSWER_LIMIT)
        if status != 200:
            raise http.client.HTTPException(f"status {status}")
        return dict(json.loads(answer))

    def suspend(self, seconds: float) -> None:
        """Suspend the process for `seconds`, from now; 0: resume it. It stops within 1 ms (POSIX: SIGSTOP)."""
        with self._suspending, contextlib.suppress(psutil.Error):
            if self._resume_timer is not None:
                self._resume_timer.cancel()
                self._resume_timer = None
            self._handle.resume()  # also where somebody else has stopped it
            if seconds:
                self._resume_timer = threading.Timer(seconds, self.suspend, (0.0,))
                self._resume_timer.daemon = True
                self._resume_timer.start()
                self._handle.suspend()

    def stop(self) -> None:
        """End it now."""
        self._child.kill()

    def facts(self) -> Mapping[str, Any]:
        """For /system: its software, and resident memory in MB (None: the process has ended)."""
        try:
            rss_mb = round(self._handle.memory_info().rss / 2**20, 1)
        except psutil.Error:
            rss_mb = None
        return {"engine": f"xllamacpp {importlib.metadata.version('xllamacpp')}", "rss_mb": rss_mb}


def _not_loaded(error: str, path: Path, status: int | None, without: str) -> ModelError:
    """`error` is what the child said, '' where it ended without a word, with this exit status."""
    if "ImportError" in error or "ModuleNotFoundError" in error:
        instead = messages.text(without, {})
        return ModelError("llm.package_missing", model=path.name, error=error, instead=instead)
    why = error or messages.text("llm.reason_ended", {"status": status})
    return ModelError("llm.model_not_loaded", path=path, why=why)
