"""The state of a service: absent, another program on its port, loading, ready, or failed."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import Name, Services

_CONNECT_S = 1.0
_PATIENCE_S = 10.0  # a service that loads a model on a busy machine can be silent for seconds


@dataclass(frozen=True)
class ServiceState:
    """`kind` and, for 'other' and 'failed', `why`.

    absent: nothing listens on the port. other: something else listens there. failed: the service runs,
    but has no model or does not accept our key.
    """

    kind: Literal["absent", "other", "loading", "ready", "failed"]
    why: ServiceError | None = None


def look(services: Services, name: Name, patience_s: float = _PATIENCE_S) -> ServiceState:
    """The state of `name` now. Takes a few milliseconds; `patience_s` where a port is open and does not answer."""
    try:
        health = services.get(name, "/health", patience_s)
    except ServiceError as error:
        return ServiceState("other", error) if _is_open(services.url(name)) else ServiceState("absent")
    other = health.get("service") if isinstance(health, dict) else None
    if other != name:
        return ServiceState("other", ServiceError("clients.other_service", name=other))
    try:
        services.get(name, "/ready", patience_s)
        return ServiceState("ready")
    except ServiceError as error:
        body = error.body if isinstance(error.body, dict) else {}
        if body.get("status") == "failed":
            return ServiceState("failed", ServiceError("clients.no_model", words=body.get("error")))
        if error.status == 401:
            return ServiceState("failed", ServiceError("clients.other_key", error=error))
        return ServiceState("loading")


def _is_open(url: str) -> bool:
    address = urlsplit(url)
    try:
        with socket.create_connection((address.hostname or "", address.port or 80), timeout=_CONNECT_S):
            return True
    except OSError:
        return False
