"""Short-lived keys: what they bring to a session, and how long they are good."""

from __future__ import annotations

import time

import aiohttp
import pytest
from openai.types.realtime.client_secret_create_response import ClientSecretCreateResponse

from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.connections.keys import Keys
from tests.realtime.rig import PERSONA
from tests.realtime.test_server import Client, Door

PIRATE = Persona("Pirate", "Say arr.", voice="bones", language="en")


@pytest.fixture
def door() -> Door:
    return Door()


def test_a_short_lived_key_brings_its_session(door: Door) -> None:
    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        wanted = {"type": "realtime", "instructions": "Be a pirate.", "audio": {"output": {"voice": "echo"}}}
        body = {"expires_after": {"anchor": "created_at", "seconds": 60}, "session": wanted}
        async with http.post(f"{url}/v1/realtime/client_secrets", json=body) as answer:
            secret = await answer.json()
        assert answer.status == 200 and secret["value"].startswith("ek_")
        assert secret["session"]["instructions"] == "Be a pirate." and secret["session"]["id"]
        ClientSecretCreateResponse.model_validate(secret)
        assert door.server.accepts(secret["value"]) and not door.server.accepts("ek_other")
        protocols = ("realtime", f"openai-insecure-api-key.{secret['value']}")
        async with http.ws_connect(f"{url}/v1/realtime", protocols=protocols) as socket:
            created = await Client(socket).next()
            assert socket.protocol == "realtime"
            assert created["session"]["instructions"] == "Be a pirate."
            assert created["session"]["audio"]["output"]["voice"] == "echo"
        async with http.post(f"{url}/v1/realtime/client_secrets", json={"session": {"type": "x"}}) as answer:
            assert answer.status == 400 and "session.type" in (await answer.json())["error"]["message"]
        for wrong in (b"[", b"\xff", b"[" * 100_000):
            async with http.post(f"{url}/v1/realtime/client_secrets", data=wrong) as answer:
                assert answer.status == 400

    door.talk(talk)


def test_the_persona_of_a_short_lived_key_is_checked_and_used() -> None:
    door = Door(personas={"test": PERSONA, "pirate": PIRATE})

    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        body = {"session": {"type": "realtime", "huiyin": {"enabled": True, "persona": "parrot"}}}
        async with http.post(f"{url}/v1/realtime/client_secrets", json=body) as answer:
            error = (await answer.json())["error"]
            assert answer.status == 400
            assert "session.huiyin.persona" in error["message"] and "pirate" in error["message"]
        body["session"]["huiyin"]["persona"] = "pirate"  # type: ignore[index]
        async with http.post(f"{url}/v1/realtime/client_secrets", json=body) as answer:
            secret = await answer.json()
        assert secret["session"]["instructions"] == "Say arr."
        protocols = ("realtime", f"openai-insecure-api-key.{secret['value']}")
        async with http.ws_connect(f"{url}/v1/realtime", protocols=protocols) as socket:
            session = (await Client(socket).next())["session"]
            assert session["instructions"] == "Say arr." and session["audio"]["output"]["voice"] == "bones"
            (conversation,) = [ref() for ref in door.sessions]
            assert conversation and conversation.persona.name == "Pirate"

    door.talk(talk)


def test_a_key_does_not_live_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys()
    key = keys.make({}, 10.0)
    assert keys.find(key.value) == key and keys.find("ek_\xe9\udcff") is None
    monkeypatch.setattr(time, "time", lambda: key.expires_at + 1.0)
    assert keys.find(key.value) is None
