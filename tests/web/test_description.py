"""The web program's description: its own addresses, and those of the services, as they tell."""

from __future__ import annotations

from pathlib import Path

import requests
from aiohttp import web

from tests.support.aiohttp_server import serving
from tests.support.limits import PATIENCE_S
from tests.web.door import KEY, open_door, settings_for

BODY = {"content": {"application/json": {"schema": {"maxLength": 77}}}}
SPEECH = {
    "operationId": "speak",
    "security": [{"key": []}],
    "requestBody": BODY,
    "responses": {"200": {"description": "the sound"}},
}


def test_it_describes_its_addresses_and_those_it_passes_on(page: Path) -> None:
    async def openapi(request: web.Request) -> web.StreamResponse:
        return web.json_response({"paths": {"/v1/audio/speech": {"post": SPEECH}, "/hold": {"post": SPEECH}}})

    service = web.Application()
    service.router.add_get("/openapi.json", openapi)
    with serving(service) as port, open_door(page, settings=settings_for(port), key=KEY) as url:
        paths = requests.get(
            f"{url}/openapi.json", headers={"Authorization": f"Bearer {KEY}"}, timeout=PATIENCE_S
        ).json()["paths"]
    speech = paths["/v1/audio/speech"]["post"]
    assert speech["requestBody"] == BODY
    assert {"200", "401", "403", "502", "503", "504"} <= speech["responses"].keys()
    assert "/hold" not in paths, "it is not passed on"
    assert {"/", "/login", "/api/setup", "/v1/realtime", "/v1/models/{name}"} <= paths.keys()
    assert paths["/health"]["get"]["security"] == [] and paths["/api/setup"]["get"]["security"] == [{"key": []}]
    assert {"/asr", "/voices"} <= paths.keys()


def test_without_the_services_it_describes_what_it_knows(page: Path) -> None:
    with open_door(page) as url:
        document = requests.get(f"{url}/openapi.json", timeout=PATIENCE_S).json()
    assert "securitySchemes" not in document["components"]
    assert "403" in document["paths"]["/v1/audio/speech"]["post"]["responses"]
