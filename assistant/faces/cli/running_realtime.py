"""A Realtime server that runs already: its address as people write it, and whether it is one."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from huiyin.assistant.faces.cli.shared import UsageError
from huiyin.assistant.faces.realtime.server import PATH
from huiyin.assistant.faces.web.door_key import KEY_VARIABLE, door_key
from huiyin.configs.messages import Message
from huiyin.configs.settings import Settings

_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_LIMIT_S = 10.0  # for a connection, and for the first event
_WANTS_KEY = (401, 403)


def address_of(text: str) -> str:
    """ws://HOST:PORT/v1/realtime for what was written: http is ws, the path may be missing. Raises UsageError."""
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise UsageError("cli.bad_realtime_url", url=text)
    path = PATH if parts.path in ("", "/", "/v1", "/v1/") else parts.path
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, path, parts.query, ""))


def key_for(settings: Settings) -> str:
    """The key of the user's own for a door, else that of the services; '' for none. Raises SettingsError."""
    door = door_key(settings.web)
    return settings.service.api_key if door.is_made or not door.key else door.key


async def look_for(url: str, key: str) -> None:
    """See that a session begins there; it is ended again. Raises UsageError that says why not."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with aiohttp.ClientSession() as http:
            connecting = http.ws_connect(url, headers=headers, max_msg_size=0)
            async with await asyncio.wait_for(connecting, _LIMIT_S) as socket:
                message = await asyncio.wait_for(socket.receive(), _LIMIT_S)
    except aiohttp.WSServerHandshakeError as error:
        if error.status in _WANTS_KEY:
            raise UsageError("cli.realtime_wants_key", url=url, variable=KEY_VARIABLE) from error
        raise UsageError("cli.not_realtime", url=url, why=f"HTTP {error.status}") from error
    except asyncio.TimeoutError as error:
        raise UsageError("cli.not_realtime", url=url, why=Message("shown.no_session_in", limit_s=_LIMIT_S)) from error
    except (aiohttp.ClientError, OSError) as error:
        raise UsageError("cli.no_realtime_server", url=url, why=error) from error
    match _event(message.data):
        case {"type": "session.created"}:
            pass
        case {"type": "error", "error": {"message": str(why)}}:
            raise UsageError("cli.realtime_refuses", url=url, why=why)
        case _:
            raise UsageError("cli.not_realtime", url=url, why=Message("shown.no_session_created"))


def _event(data: object) -> object:
    """None where it is no JSON text."""
    try:
        return json.loads(data) if isinstance(data, str) else None
    except ValueError:
        return None
