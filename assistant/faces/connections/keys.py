"""Short-lived keys: a page that has one may open sessions for a while, with the settings it was made for."""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from huiyin.assistant.faces.connections.wire import Json

if TYPE_CHECKING:
    from aiohttp import web

PREFIX = "ek_"
_BEARER = "bearer "
_PROTOCOL = "openai-insecure-api-key."  # before a key, among the subprotocols: browsers can set no header
_MOST = 1000  # at once


@dataclass(frozen=True)
class Key:
    """`session`: what `session.update` would carry; `expires_at` in seconds of the epoch."""

    value: str
    expires_at: int
    session: Json


class Keys:
    """The keys that are good."""

    def __init__(self) -> None:
        self._keys: dict[str, Key] = {}

    def make(self, session: Json, lasts_s: float) -> Key:
        """A new one. The oldest is forgotten where there are too many."""
        now_s = time.time()
        self._keys = {value: key for value, key in self._keys.items() if key.expires_at > now_s}
        while len(self._keys) >= _MOST:
            del self._keys[next(iter(self._keys))]
        key = Key(PREFIX + secrets.token_urlsafe(24), int(now_s + lasts_s), session)
        self._keys[key.value] = key
        return key

    def find(self, value: str) -> Key | None:
        """The key with this value, if it is good."""
        shown = value.encode(errors="replace")
        key = next((key for key in self._keys.values() if hmac.compare_digest(key.value.encode(), shown)), None)
        return key if key and key.expires_at > time.time() else None


def keys_in(authorization: str, subprotocols: str) -> list[str]:
    """The keys in a request's headers: Authorization, and the subprotocols of a WebSocket, separated by commas."""
    shown = [authorization[len(_BEARER) :]] if authorization.lower().startswith(_BEARER) else []
    offered = map(str.strip, subprotocols.split(","))
    shown += [name[len(_PROTOCOL) :] for name in offered if name.startswith(_PROTOCOL)]
    return [key for key in map(str.strip, shown) if key]


def key_of(request: web.BaseRequest) -> str:
    """The first of the keys that a request carries; '' where it has no key."""
    headers = request.headers
    shown = keys_in(headers.get("Authorization", ""), ",".join(headers.getall("Sec-WebSocket-Protocol", ())))
    return next(iter(shown), "")
