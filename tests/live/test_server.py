"""The Live server over real WebSockets, beside the Realtime server."""

from __future__ import annotations

import aiohttp

from huiyin.assistant.faces.live.server import PATH, LiveServer
from tests.realtime.rig import Stages
from tests.realtime.test_server import Door
from tests.support.limits import PATIENCE_S


def live_door(*overrides: str, stages: Stages | None = None) -> Door:
    """A server of both protocols."""
    door = Door(*overrides, stages=stages)
    LiveServer(door.server.host).mount(door.app)
    return door


def test_client_is_spoken_to_and_leaves() -> None:
    door = live_door()

    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        async with http.ws_connect(url + PATH) as socket:
            await socket.send_json({"type": "session.start", "session": {"model": "huiyin"}})
            assert (await socket.receive_json(timeout=PATIENCE_S))["type"] == "session.started"
            assert door.server.facts()["open"] == 1
            await socket.send_json(
                {"type": "session.commentary.append", "content": "Your taxi is here.", "delegation_id": None}
            )
            words = ""
            while words != "Your taxi is here.":
                words += await _words(socket)
            await socket.send_json({"type": "session.close"})
            kinds = [message.json()["type"] async for message in socket]
            assert kinds[-1] == "session.closed"
            assert socket.close_code == aiohttp.WSCloseCode.OK

    door.talk(talk)
    assert door.server.facts()["open"] == 0
    assert door.sessions_left() == 0


async def _words(socket: aiohttp.ClientWebSocketResponse) -> str:
    """The next words of the assistant."""
    while (event := await socket.receive_json(timeout=PATIENCE_S))["type"] != "session.output_transcript.delta":
        pass
    return str(event["delta"])


def test_sessions_of_both_protocols_count_together() -> None:
    door = live_door("realtime.sessions=1")

    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        async with http.ws_connect(f"{url}/v1/realtime") as one:
            await one.receive_json(timeout=PATIENCE_S)
            async with http.ws_connect(url + PATH) as other:
                refused = await other.receive_json(timeout=PATIENCE_S)
                assert refused["error"]["code"] == "session_limit_reached"
                await other.receive(PATIENCE_S)
                assert other.close_code == aiohttp.WSCloseCode.TRY_AGAIN_LATER

    door.talk(talk)


def test_what_is_not_there_is_said_in_words() -> None:
    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        for method, path, code in (
            ("POST", PATH, "only_websocket"),
            ("GET", f"{PATH}/live_1/content", "not_stored"),
            ("GET", f"{PATH}/live_1/attach", "not_stored"),
            ("POST", f"{PATH}/live_1/fork", "not_stored"),
        ):
            async with http.request(method, url + path) as response:
                assert response.status == 501
                assert (await response.json())["error"]["code"] == code

    live_door().talk(talk)
