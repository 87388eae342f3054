"""The web program's description: its own addresses, and those of the services, as they tell."""

from __future__ import annotations

from pathlib import Path

import requests
import yaml
from aiohttp import web

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.faces.live.server import LiveServer
from huiyin.assistant.faces.realtime.server import RealtimeServer
from huiyin.assistant.faces.web import description
from huiyin.assistant.faces.web.access import Door
from huiyin.assistant.faces.web.app import make_app
from huiyin.assistant.faces.web.passing import ROUTES, STREAM
from tests.support.aiohttp_server import serving
from tests.support.limits import PATIENCE_S
from tests.web.door import KEY, open_door, settings_for

BODY = {"content": {"application/json": {"schema": {"maxLength": 77}}}}
SPEECH = {
    "operationId": "speak",
    "security": [{"key": []}],
    "requestBody": BODY,
    "responses": {"200": {"description": "the sound"}, "401": {"description": "another key is wanted"}},
}
PASSED = {*((path, method.lower()) for method, path, _ in ROUTES), (STREAM, "get")}


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
    assert "$ref" in speech["responses"]["401"], "of this program's key"
    assert {"200", "401", "403", "502", "503", "504"} <= speech["responses"].keys()
    assert "/hold" not in paths, "it is not passed on"
    assert paths["/health"]["get"]["security"] == [] and paths["/api/setup"]["get"]["security"] == [{"key": []}]


def test_every_address_is_described_and_nothing_else() -> None:
    settings = settings_for()
    services, personas = Services(settings), {"": load_persona(settings.talk.persona)}
    realtime = RealtimeServer(settings, services, personas)
    app = make_app(services, realtime, Door("", 8000), personas)
    LiveServer(realtime.host).mount(app)

    paths = app.test_client().get("/openapi.json").get_json()["paths"]
    there = {(path, method) for path, item in paths.items() for method in item}
    file = Path(description.__file__).with_name("openapi.yaml")
    own = yaml.safe_load(file.read_text(encoding="utf-8"))["paths"]
    assert {(path, method) for path, item in own.items() for method in item} == there - PASSED and there > PASSED
    names = [operation["operationId"] for item in paths.values() for operation in item.values()]
    assert len(names) == len(set(names))
    assert "403" in paths["/v1/audio/speech"]["post"]["responses"], "what is known where no service runs"
