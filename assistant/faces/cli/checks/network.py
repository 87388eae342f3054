"""What a conversation calls: the three services on their ports, and a language model of one's own."""

from __future__ import annotations

import contextlib
import json
import os
import ssl
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any

import psutil

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.readiness import look
from huiyin.assistant.clients.services import NAMES, Name, Services, get_json
from huiyin.assistant.faces.cli.checks.check import Check, Level
from huiyin.configs.messages import Message
from huiyin.configs.settings import Settings, SettingsError
from huiyin.services.common.access import called_here
from huiyin.services.common.model_servers import models_in, read_address
from huiyin.services.common.serve import PortTaken, listen
from huiyin.services.common.shown_url import shown_url

_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
_UPSTREAM_TIMEOUT_S = 3.0
_WEB_TIMEOUT_S = 2.0
_NAMES_SHOWN = 3
_WHY_NOT = {
    "services.port_taken": "doctor.in_use",
    "services.port_forbidden": "doctor.forbidden",
    "services.not_our_address": "doctor.not_our_address",
    "services.cannot_listen": "doctor.in_the_systems_words",
}


def services(settings: Settings) -> Iterator[Check]:
    """Each port: free, a huiyin service (ready or not), or another program's."""
    for name in NAMES:
        yield _service(settings, name)
    if settings.service.host not in _THIS_MACHINE and not settings.service.api_key:
        yield Check("warn", "doctor.open_without_key", host=settings.service.host)


def _service(settings: Settings, name: Name) -> Check:
    port = getattr(settings, name).port
    state = look(Services(settings), name)
    if state.kind == "ready":
        return Check("ok", "doctor.service_ready", port=port, service=name)
    if state.kind == "loading":
        return Check("warn", "doctor.service_loading", port=port, service=name)
    if state.kind == "failed":
        return Check("fail", "doctor.service_failed", port=port, service=name, why=state.why)
    if state.kind == "other":
        return Check("fail", "doctor.port_taken", port=port, service=name, owner=_owner(port), why=state.why)
    if problem := _cannot_listen(settings.service.host, port):
        return Check("fail", "doctor.port_unusable", port=port, service=name, why=problem)
    return Check("ok", "doctor.port_free", port=port, service=name)


def _owner(port: int) -> Message:
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            here = getattr(connection.laddr, "port", None) == port  # an empty tuple where there is no address
            if here and connection.status == psutil.CONN_LISTEN and connection.pid:
                name = psutil.Process(connection.pid).name()
                return Message("doctor.process", name=name, number=connection.pid)
    return Message("doctor.another_program")


def _cannot_listen(host: str, port: int) -> Message | None:
    """Why not, or None."""
    try:
        listen(host, port).close()
    except PortTaken as error:
        return Message(_WHY_NOT[error.key], words=error.facts.get("why", ""))
    return None


def web(settings: Settings) -> Iterator[Check]:
    """The port of `huiyin web`: free, ours already, or another program's."""
    host, port = settings.web.host, settings.web.port
    if _is_web(called_here(host), port):
        yield Check("ok", "doctor.web_there", port=port)
    elif problem := _cannot_listen(host, port):
        yield Check("warn", "doctor.web_port_taken", port=port, owner=_owner(port), why=problem)
    else:
        yield Check("ok", "doctor.web_port_free", port=port)


def _is_web(host: str, port: int) -> bool:
    """Whether `huiyin web` answers there: with or without TLS, whatever its certificate, since nothing is told it."""
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    for connection in (
        HTTPConnection(host, port, timeout=_WEB_TIMEOUT_S),
        HTTPSConnection(host, port, timeout=_WEB_TIMEOUT_S, context=unchecked),
    ):
        with contextlib.closing(connection), contextlib.suppress(OSError, HTTPException, ValueError):
            connection.request("GET", "/health")
            health = json.loads(connection.getresponse().read())
            if isinstance(health, dict) and health.get("service") == "web":
                return True
    return False


def language_models(settings: Settings) -> Iterator[Check]:
    """Whether the user's own language models answer, asked where the LLM service asks them."""
    for url in settings.llm.upstreams:
        if url == "embedded":
            continue
        shown = shown_url(url)
        try:
            names = [str(model["id"]) for model in _models_at(url)]
            more = ["…"] if len(names) > _NAMES_SHOWN else []
            yield Check("ok", "doctor.language_model", url=shown, names=[*names[:_NAMES_SHOWN], *more])
        except (ServiceError, SettingsError, ValueError) as error:
            level: Level = "warn" if len(settings.llm.upstreams) > 1 else "fail"
            yield Check(level, "doctor.no_language_model", url=shown, why=_why_silent(error))


def _models_at(url: str) -> list[dict[str, Any]]:
    """The models that a server lists. Raises SettingsError for an address that the LLM service refuses, ServiceError,
    and ValueError where it has no list: what it said at the likeliest place."""
    address, key = read_address(url), os.environ.get("HUIYIN_LLM_API_KEY", "")
    said: list[ServiceError | ValueError] = []
    for path in address.paths:
        place = f"{path}/models{address.query}"
        try:
            found = models_in(get_json("it", address.origin, place, timeout_s=_UPSTREAM_TIMEOUT_S, key=key))
            if found is not None:
                return found
            said.append(ValueError(place))
        except ServiceError as error:
            if not error.status and error.key != "clients.not_json":
                raise  # no other place will answer, either
            said.append(error)
    raise said[0]


def _why_silent(error: Exception) -> object:
    if isinstance(error.__cause__, ConnectionRefusedError):
        return Message("doctor.refused")
    return Message("doctor.no_model_list") if isinstance(error, ValueError) else error
