"""The LLM service with the embedded model, and the process in which that runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import psutil

from tests.support.limits import PATIENCE_S
from tests.support.service_process import start_service


@contextlib.contextmanager
def embedded_service(**settings: Any) -> Iterator[str]:
    """The base URL of a patient service: also while the model loads again."""
    patient = {"first_token_timeout_s": PATIENCE_S, "idle_timeout_s": PATIENCE_S}
    with start_service("llm", upstreams="embedded", **patient, **settings) as url:
        yield url


def model_process(service: str) -> psutil.Process:
    """The process with the model of this service."""
    port = service.rsplit(":", 1)[1]
    mine = [process for process in psutil.Process().children(recursive=True) if port in process.cmdline()]
    (found,) = {
        child for process in mine for child in process.children() if any("llama_child" in a for a in child.cmdline())
    }
    return found
