"""``/api/…``: what the page shows about this machine and the services behind it."""

from __future__ import annotations

import importlib.metadata
import platform
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar

import psutil
from flask import Flask, Response, jsonify, request

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.keeper import Standing
from huiyin.assistant.clients.readiness import look
from huiyin.assistant.clients.services import NAMES, Name, Services
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.cli.checks import OF_THE_PAGE
from huiyin.assistant.faces.cli.checks.asking import findings
from huiyin.configs.version import version

_PATIENCE_S = 2.0  # a page that opens must not wait for a service that is busy loading
# A service on whose port nothing listens, by what has become of its process.
_ABSENT: Mapping[Standing, str] = {
    "running": "loading", "restarting": "restarting", "given_up": "given_up", "foreign": "down"
}  # fmt: skip
_LIBRARIES = ("aiohttp", "flask", "numpy", "onnxruntime", "av", "soxr")
_GIB = 2**30
_GPU_LIMIT_S = 5.0

T = TypeVar("T")


def add_facts(
    app: Flask,
    services: Services,
    personas: Mapping[str, Persona],
    *,
    needs_key: bool,
    sessions: Callable[[], Mapping[str, Any]],
    latency: Callable[[], Mapping[str, Any]],
    standing: Callable[[Name], Standing],
) -> None:
    """Add the addresses. `sessions` are those of the Realtime server, `latency` that of their turns; `standing`: of a
    service's process."""
    settings = services.settings
    voices = _Voices(services)
    started_s = time.monotonic()

    def state(name: Name) -> str:
        kind = look(services, name, _PATIENCE_S).kind
        return _ABSENT[standing(name)] if kind == "absent" else "down" if kind == "other" else kind

    def of_system(name: Name) -> dict[str, Any]:
        try:
            return dict(services.get(name, "/system", _PATIENCE_S))
        except ServiceError as error:
            return {"state": state(name), "error": str(error)}

    @app.get("/health")
    def health() -> Response:
        """The program is alive; the services may not be."""
        return jsonify(status="ok", service="web", uptime_s=round(time.monotonic() - started_s, 1))

    @app.get("/api/setup")
    def setup() -> Response:
        """What the page needs at its start."""
        states = _of_each(state)
        return jsonify(
            version=version(),
            personas=[_persona(name, persona) for name, persona in personas.items()],
            default_persona=next(iter(personas)),
            voices=voices.now(),
            limits={
                "max_upload_mb": settings.asr.max_upload_mb,
                "keep_days": settings.jobs.keep_days,
                "max_sessions": sessions().get("limit"),
            },
            languages=list(settings.asr.languages),
            key_required=needs_key,
            private=settings.talk.private,
            services=states,
        )

    @app.get("/api/system")
    def system() -> Response:
        """Models, devices, versions, queues, sessions and latency."""
        return jsonify(
            services=_of_each(of_system),
            web={"python": platform.python_version(), "versions": _versions(), "sessions": dict(sessions())},
            machine=_machine(),
            latency=dict(latency()),
        )

    asking = threading.Lock()

    @app.get("/api/doctor")
    def doctor() -> Response:
        """What `huiyin doctor` says, but for the sound devices of this machine; in Chinese with `?language=zh`."""
        language = "zh" if request.args.get("language") == "zh" else "en"
        with asking:  # some questions are expensive
            found = list(findings(settings, OF_THE_PAGE))
        return jsonify([
            {"name": name, "status": check.level, "text": check.text(language), "hint": check.hint(language)}
            for name, check in found
        ])  # fmt: skip


class _Voices:
    """The voices of the speech service: they do not change while it runs."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: list[dict[str, Any]] = []

    def now(self) -> list[dict[str, Any]]:
        """All of them; none while the service has not answered yet."""
        if not self._known:
            with suppress(ServiceError, LookupError, TypeError):
                listed = self._services.get("tts", "/voices", _PATIENCE_S)["voices"]
                self._known = [{key: v.get(key) for key in ("name", "language", "gender", "engine")} for v in listed]
        return self._known


def _of_each(ask: Callable[[Name], T]) -> dict[str, T]:
    """The answer for each service; all are asked at the same time."""
    with ThreadPoolExecutor(len(NAMES)) as pool:
        return dict(zip(NAMES, pool.map(ask, NAMES), strict=True))


def _persona(name: str, persona: Persona) -> dict[str, str]:
    facts = {"about": persona.about_in("en"), "language": persona.language, "voice": persona.voice}
    return {"name": name, "title": persona.name, **facts}


@cache
def _versions() -> dict[str, str]:
    found = {"huiyin": version()}
    for library in _LIBRARIES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found[library] = importlib.metadata.version(library)
    return found


def _machine() -> dict[str, Any]:
    memory = psutil.virtual_memory()
    return {
        "platform": platform.platform(),
        "cpus": psutil.cpu_count(),
        "memory_gb": round(memory.total / _GIB, 1),
        "memory_free_gb": round(memory.available / _GIB, 1),
        "gpu": _gpus(),
    }


@cache
def _gpus() -> list[dict[str, Any]]:
    """NVIDIA's, by the program that comes with their driver."""
    program = shutil.which("nvidia-smi")
    if not program:
        return []
    try:
        printed = subprocess.run(
            [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"],
            capture_output=True, text=True, timeout=_GPU_LIMIT_S, check=True,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return []
    return gpus_in(printed)


def gpus_in(printed: str) -> list[dict[str, Any]]:
    """Name and memory of each card, from lines such as ``NVIDIA H200, 143771`` (MiB)."""
    found = []
    for line in printed.splitlines():
        name, _, megabytes = line.rpartition(",")
        with suppress(ValueError):
            found.append({"name": name.strip(), "memory_gb": round(float(megabytes) / 1024, 1)})
    return found
