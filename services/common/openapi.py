"""The OpenAPI description of a service: what its addresses take and answer (``/openapi.json``).

What an address is for stands in its view's docstring (first line: summary, rest: description); what it takes and
answers in a YAML file beside the service's app: path -> method -> operation, as OpenAPI has it, and shorter forms:

    errors: [404, 4XX]      answers with these statuses are errors in our own form; those of every address are added
    optional: {…}           properties of a JSON object that may also be null
    $formats                a value of the program's, which `operations` is given, in place of this text
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from flask import Flask

from huiyin.configs.version import version
from huiyin.services.common.routes import additions

Operations = Mapping[str, Mapping[str, Any]]
"""Path -> method -> operation."""

_DOCUMENT = Path(__file__).with_name("openapi.yaml")
_OF_EVERY_ADDRESS = (403, 417, 500, 503)  # 503: too many connections
_WITH_A_KEY = 401
_WITH_A_BODY = (400, 408, 413, 507)  # and of those with parameters, 400
_VALUE = re.compile(r"\$[a-z_]+")
_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>|\{(\w+)(?::[^}]*)?\}")  # Flask's and aiohttp's


def operations(path: Path, **values: Any) -> Operations:
    """The operations of a YAML file, with `values` in their places. Raises KeyError for one that is missing."""
    return dict(_filled(_read(path), values)["paths"])


def describe(app: Flask, name: str, own: Operations, *, needs_key: bool) -> dict[str, Any]:
    """The whole document for the service `name`; `own` are the operations beside those of every service."""
    shared = _filled(_read(_DOCUMENT), {})
    known = {**shared["paths"], **own}
    paths: dict[str, dict[str, Any]] = {}
    for path, method, view in _routes(app):
        operation = dict(known.get(path, {}).get(method.lower(), {}))
        paths.setdefault(path, {})[method.lower()] = _operation(path, method.lower(), view, operation, needs_key)
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": f"Huiyin {name}", "version": version()},
        "paths": paths,
        "components": shared["components"],
    }
    if not needs_key:
        del document["components"]["securitySchemes"]
    return document


def any_case(word: str) -> str:
    """A word in upper or lower case as a regular expression: those of JSON Schema have no flag for it."""
    return "".join(f"[{char}{char.upper()}]" if char.isalpha() else re.escape(char) for char in word)


def _routes(app: Flask) -> Iterable[tuple[str, str, Any]]:
    """(path, method, function) of every address, as OpenAPI writes paths."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield _path(rule.rule), method, app.view_functions[rule.endpoint]
    for route in additions(app).routes:
        yield _path(route.path), route.method, route.handler


def _path(route: str) -> str:
    return _VARIABLE.sub(lambda match: f"{{{match[1] or match[2]}}}", route)


def _operation(path: str, method: str, view: Any, known: dict[str, Any], needs_key: bool) -> dict[str, Any]:
    summary, _, rest = (inspect.getdoc(view) or "").partition("\n")
    errors = {*known.pop("errors", ()), *_OF_EVERY_ADDRESS}
    if "requestBody" in known:
        errors |= {*_WITH_A_BODY}
    if "parameters" in known:
        errors.add(400)
    name = "_".join([method, *re.findall(r"\w+", path)])
    operation: dict[str, Any] = {"operationId": name, "summary": summary}
    if rest.strip():
        operation["description"] = rest.strip()
    if needs_key and "security" not in known:
        errors.add(_WITH_A_KEY)
        operation["security"] = [{"key": []}]
    responses = {str(status): answer for status, answer in known.pop("responses", {}).items()}
    for status in sorted(errors, key=str):
        responses.setdefault(str(status), {"$ref": "#/components/responses/error"})
    return {**operation, **known, "responses": responses}


@cache
def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _filled(part: Any, values: Mapping[str, Any]) -> Any:
    """A copy of `part` with the values of those texts that name one."""
    if isinstance(part, dict):
        filled = {key: _filled(value, values) for key, value in part.items()}
        for name, schema in filled.pop("optional", {}).items():
            filled.setdefault("properties", {})[name] = {"anyOf": [schema, {"type": "null"}]}
        return filled
    if isinstance(part, list):
        return [_filled(each, values) for each in part]
    if isinstance(part, str) and _VALUE.fullmatch(part):
        return values[part[1:]]
    return part
