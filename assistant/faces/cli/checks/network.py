"""What a conversation calls: the three services on their ports, and a language model of one's own."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection

import psutil

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.readiness import look
from huiyin.assistant.clients.services import NAMES, Name, Services, get_json
from huiyin.assistant.faces.cli.checks.check import Check, Level
from huiyin.configs.settings import Settings
from huiyin.services.common.access import called_here

_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")
_UPSTREAM_TIMEOUT_S = 3.0
_WEB_TIMEOUT_S = 2.0
_NAMES_SHOWN = 3


def services(settings: Settings) -> Iterator[Check]:
    """Each port: free, a huiyin service (ready or not), or another program's."""
    for name in NAMES:
        yield _service(settings, name)
    if settings.service.host not in _THIS_MACHINE and not settings.service.api_key:
        yield Check(
            "warn",
            f"the services would listen on {settings.service.host} for everyone, without a key",
            "--set service.api_key=… , or --set service.host=127.0.0.1",
        )


def _service(settings: Settings, name: Name) -> Check:
    port = getattr(settings, name).port
    state = look(Services(settings), name)
    if state.kind == "ready":
        return Check("ok", f"port {port}: the {name} service is ready")
    if state.kind == "loading":
        return Check("warn", f"port {port}: the {name} service is loading its model", "wait a little")
    if state.kind == "failed":
        what = f"port {port}: the {name} service cannot be used: {state.why}"
        return Check("fail", what, "see above; start it again")
    if state.kind == "other":
        change = f"stop it, or --set {name}.port=N"
        return Check("fail", f"port {port}, for {name}, is taken by {_owner(port)} ({state.why})", change)
    problem = _cannot_listen(settings.service.host, port)
    if problem:
        return Check("fail", f"port {port}, for {name}, cannot be listened on: {problem}", f"--set {name}.port=N")
    return Check("ok", f"port {port} is free: the {name} service does not run; talk, web and demo start it")


def _owner(port: int) -> str:
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            here = getattr(connection.laddr, "port", None) == port  # an empty tuple where there is no address
            if here and connection.status == psutil.CONN_LISTEN and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return "another program"


def _cannot_listen(host: str, port: int) -> str:
    """Why not, or ''."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.strerror or str(error)
    return ""


def web(settings: Settings) -> Iterator[Check]:
    """The port of `huiyin web`: free, ours already, or another program's."""
    host, port = settings.web.host, settings.web.port
    is_ours = _is_web(called_here(host), port)
    problem = "" if is_ours else _cannot_listen(host, port)
    if is_ours:
        yield Check("ok", f"port {port}: huiyin web is there")
    elif problem:
        what = f"port {port}, for huiyin web, is taken by {_owner(port)} ({problem})"
        yield Check("warn", what, "stop it, or huiyin web --port N")
    else:
        yield Check("ok", f"port {port} is free for huiyin web")


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
    """Whether the user's own language models answer."""
    for url in settings.llm.upstreams:
        if url == "embedded":
            continue
        try:
            key = os.environ.get("HUIYIN_LLM_API_KEY", "")
            answer = get_json("it", url, "/models", timeout_s=_UPSTREAM_TIMEOUT_S, key=key)
            names = [str(model["id"]) for model in answer["data"]]
            more = " …" if len(names) > _NAMES_SHOWN else ""
            yield Check("ok", f"language model at {url}: {', '.join(names[:_NAMES_SHOWN])}{more}")
        except (ServiceError, KeyError, TypeError, ValueError) as error:
            level: Level = "warn" if len(settings.llm.upstreams) > 1 else "fail"
            why = getattr(error.__cause__, "strerror", None) or error
            advice = "start it; the address usually ends in /v1; its key goes into HUIYIN_LLM_API_KEY"
            yield Check(level, f"no language model answers at {url}: {why}", advice)
