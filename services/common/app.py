"""The Flask app of all three services: health, readiness, system facts, metrics, limits. The key: `front.py`."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import psutil
from flask import Flask, Response, g, jsonify, request
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from huiyin.configs.messages import Message
from huiyin.configs.settings import ServiceSettings
from huiyin.configs.version import version
from huiyin.services.common import errors, openapi
from huiyin.services.common.errors import ApiError
from huiyin.services.common.loading import EngineHost
from huiyin.services.common.openapi import Operations
from huiyin.services.common.routes import additions
from huiyin.services.common.strict_json import DEEPEST, is_deeper, parsed

# Fine steps for the second or two of a spoken turn, coarse ones for long recordings.
_LATENCY_BUCKETS_S = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300)

_WHAT = {"asr": "speech to text", "llm": "one address for language models", "tts": "text to speech"}


def create_app(
    name: str,
    settings: ServiceSettings,
    host: EngineHost[Any],
    *,
    max_upload_mb: int,
    operations: Callable[[], Operations] = dict,
    describe: Callable[[], Mapping[str, Any]],
    ready_facts: Callable[[], Mapping[str, Any]] = dict,
    metrics: CollectorRegistry | None = None,
) -> Flask:
    """A Flask app with the shared routes.

    `name` is 'asr', 'llm' or 'tts'; `operations` describe its other addresses (`openapi`), and are asked for when they
    are; `describe` returns the service's own facts for /system (model, device), `ready_facts` those for /ready,
    quickly; the common metrics are added to `metrics`.
    """
    app = Flask(f"huiyin-{name}", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max_upload_mb * 1024 * 1024
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    errors.install(app)
    started = time.time()

    def document() -> dict[str, Any]:
        return openapi.describe(app, name, operations(), needs_key=bool(settings.api_key))

    @app.get("/")
    def what_this_is() -> Response:
        """What this is: the service, and its addresses."""
        paths = document()["paths"]
        addresses = {
            f"{method.upper()} {path}": operation["summary"]
            for path, operations in sorted(paths.items())
            for method, operation in operations.items()
        }
        return jsonify(program="huiyin", version=version(), service=name, what=_WHAT[name], addresses=addresses)

    @app.get("/health")
    def health() -> Response:
        """The process is alive; the model may not be loaded."""
        return jsonify(status="ok", service=name, uptime_s=round(time.time() - started, 1))

    @app.get("/ready")
    def ready() -> tuple[Response, int]:
        """200 once the model is loaded, 503 before that: "status" is then "loading", or "failed" with the reason."""
        state = host.state
        return jsonify(status=state, service=name, error=host.error, **ready_facts()), 200 if state == "ready" else 503

    @app.get("/system")
    def system() -> Response:
        """Model, device, memory (with that of the processes it has started) and versions."""
        process = psutil.Process()
        own_mb, children = _megabytes(process.memory_info().rss), list(_children(process))
        return jsonify(
            service=name,
            **describe(),
            state=host.state,
            load_s=round(host.load_s, 3),
            rss_mb=own_mb,
            children=children,
            rss_mb_with_children=round(own_mb + sum(c["rss_mb"] for c in children), 1),
            cpus=os.cpu_count(),
            python=platform.python_version(),
            platform=platform.platform(),
        )

    @app.get("/openapi.json")
    def openapi_json() -> Response:
        """This description."""
        return jsonify(document())

    _install_metrics(app, name, metrics or CollectorRegistry())
    return app


def _children(process: psutil.Process) -> Iterator[dict[str, Any]]:
    """The processes that this one has started, such as that of an embedded model."""
    for child in process.children(recursive=True):
        with suppress(psutil.Error):  # it has ended meanwhile
            yield {"pid": child.pid, "name": child.name(), "rss_mb": _megabytes(child.memory_info().rss)}


def _megabytes(size: int) -> float:
    return round(size / 2**20, 1)


def _install_metrics(app: Flask, name: str, registry: CollectorRegistry) -> None:
    ProcessCollector(registry=registry)  # process_*: CPU, memory, open files (Linux)
    requests = Counter("huiyin_requests", "Requests answered.", ["service", "route", "status"], registry=registry)
    seconds = Histogram(
        "huiyin_request_seconds",
        "Time from request to the first byte of the answer.",
        ["service", "route"],
        buckets=_LATENCY_BUCKETS_S,
        registry=registry,
    )

    def count(route: str, status: int, first_byte_s: float | None) -> None:
        requests.labels(name, route, status).inc()
        if first_byte_s is not None:
            seconds.labels(name, route).observe(first_byte_s)

    additions(app).count = count

    @app.before_request
    def start_clock() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def count_view(response: Response) -> Response:
        # The rule, not the path: callers must not be able to add metrics without limit.
        route = request.url_rule.rule if request.url_rule else "(unknown)"
        count(route, response.status_code, time.perf_counter() - g.started)
        return response

    @app.get("/metrics")
    def metrics() -> Response:
        """Prometheus metrics."""
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def json_body() -> dict[str, Any]:
    """The request's JSON object. Raises ApiError 400 or 415."""
    if not request.is_json:
        raise ApiError(415, "services.not_json")
    try:
        body = parsed(request.get_data())
    except ValueError as error:
        raise ApiError(400, "services.bad_json", why=error) from error
    if not isinstance(body, dict) or is_deeper(body, DEEPEST):
        why = Message("services.too_deep") if isinstance(body, dict) else Message("services.no_object")
        raise ApiError(400, "services.bad_json", why=why)
    return body
