"""``/openapi.json`` of the web program: its own addresses, and those that it passes on, as the services tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify

from huiyin.assistant.clients.http import ServiceError
from huiyin.assistant.clients.services import NAMES, Name, Services
from huiyin.services.common.openapi import Operations, describe, operations

_PATIENCE_S = 2.0
_WRONG_KEY = "401"  # of a service: here it is 502
_NOT_THERE = (502, 503, 504)  # statuses of an address that is passed on to a service that does not answer


def add_description(app: Flask, services: Services, passed: Iterable[tuple[str, Name]], *, needs_key: bool) -> None:
    """Add the address. `passed`: paths, and the service to which each is passed on."""
    own = operations(Path(__file__).with_name("openapi.yaml"))
    paths = list(passed)

    @app.get("/openapi.json")
    def openapi_json() -> Response:
        """This description. Of an address whose service does not run it says little."""
        with ThreadPoolExecutor(len(NAMES)) as pool:
            told = dict(zip(NAMES, pool.map(lambda name: _paths_of(services, name), NAMES), strict=True))
        theirs = {path: _passed(told[name].get(path, {})) for path, name in paths}
        return jsonify(describe(app, "web", {**theirs, **own}, needs_key=needs_key))


def _paths_of(services: Services, name: Name) -> Operations:
    """What a service says of its addresses; nothing where it does not answer."""
    try:
        return dict(services.get(name, "/openapi.json", _PATIENCE_S)["paths"])
    except (ServiceError, LookupError, TypeError):
        return {}


def _passed(address: Mapping[str, Any]) -> dict[str, Any]:
    """The operations of a service's address as those of this program, whose key is another."""
    return {method: _without_key(operation) | {"errors": _NOT_THERE} for method, operation in address.items()}


def _without_key(operation: Mapping[str, Any]) -> dict[str, Any]:
    answers = {status: answer for status, answer in operation.get("responses", {}).items() if status != _WRONG_KEY}
    return {name: part for name, part in operation.items() if name != "security"} | {"responses": answers}
