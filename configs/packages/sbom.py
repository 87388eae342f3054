"""A bill of materials in CycloneDX's form (https://cyclonedx.org/docs/1.6/json/): what Huiyin consists of, for tools.

The same parts give the same bytes: there is no time in it, and its serial number is made of its content.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from huiyin.configs.packages.extras import PROJECT
from huiyin.configs.packages.parts import DEVELOPERS, Part

_SPEC = "1.6"
_TYPES = {"package": "library", "library": "library", "model": "machine-learning-model"}


def in_use(parts: Sequence[Part]) -> list[Part]:
    """Those of a release: without the packages of developers."""
    return [part for part in parts if part.extra != DEVELOPERS]


def bill_of_materials(parts: Sequence[Part]) -> dict[str, Any]:
    """The document of what is in use, ready for JSON."""
    used = in_use(parts)
    (project,) = [part for part in used if part.kind == "package" and part.name == PROJECT]
    outer = [part for part in used if not part.within and part is not project]
    components = [_component(part, [inner for inner in used if inner.within == part.name]) for part in outer]
    content = json.dumps(components, sort_keys=True)
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{_SPEC}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": _SPEC,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {"component": {**_component(project, ()), "type": "application"}},
        "components": components,
        "dependencies": [{"ref": _reference(project), "dependsOn": sorted(_reference(part) for part in outer)}],
    }


def _component(part: Part, inside: Iterable[Part]) -> dict[str, Any]:
    within = [_component(inner, ()) for inner in inside]
    return {
        "type": _TYPES[part.kind],
        "bom-ref": _reference(part),
        "name": part.name,
        **({"version": part.version} if part.version else {}),
        **({"description": part.origin} if part.origin else {}),
        **({"hashes": [{"alg": "SHA-256", "content": part.sha256}]} if part.sha256 else {}),
        **({"licenses": [{"expression": part.licence}]} if part.licence else {}),
        **({"purl": _purl(part)} if part.kind == "package" else {}),
        **({"components": within} if within else {}),
        **({"properties": [{"name": f"{PROJECT}:extra", "value": part.extra}]} if part.extra else {}),
    }


def _reference(part: Part) -> str:
    return f"{part.kind}:{part.key}@{part.version}" if part.version else f"{part.kind}:{part.key}"


def _purl(part: Part) -> str:
    return f"pkg:pypi/{quote(part.name)}@{quote(part.version)}"
