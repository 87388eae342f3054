"""Who may use the web program: those who show its key.

A key is shown in one of these ways:

- a cookie, which the printed link or the form at ``/login`` has set: browsers,
- ``Authorization: Bearer KEY``: OpenAI's clients,
- the subprotocol ``openai-insecure-api-key.KEY``: WebSockets of programs that cannot send headers.

For ``/v1/realtime`` and ``/v1/live`` a short-lived key of the Realtime server will do, in the last two ways. Where
there is no key, everything is open: that is so on this machine only. Pages of other sites are refused before that, by
Host and Origin (`services.common.access`).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from huiyin.assistant.faces.connections.keys import keys_in
from huiyin.services.common.errors import ApiError

if TYPE_CHECKING:
    from aiohttp import web

COOKIE_DAYS = 30
_FORM = ("style.css", "icon.svg", "login.js", "look.js", "i18n.js", "state.js")  # files of the page that the form needs
_OPEN = {"/", "/login", "/health", *(f"/page/{name}" for name in _FORM)}  # "/": the form, for those who have no key
_SESSIONS, _MINT = ("/v1/realtime/", "/v1/live/"), "/v1/realtime/client_secrets"


class Door:
    """The key of a web program that listens on `port`; '' where none is needed."""

    def __init__(self, key: str, port: int) -> None:
        self.key = key
        self.cookie_name = f"huiyin-{port}"  # cookies know no ports, and another of us may run beside this one
        # Tells nothing of the key, and stays valid as long as the key.
        self.cookie = hmac.new(key.encode(), b"huiyin web", hashlib.sha256).hexdigest()
        self.accepts_short_lived: Callable[[str], bool] = lambda key: False
        """Whether a short-lived key is valid now."""
        self._invitations: set[str] = set()

    def guard(self, request: web.BaseRequest) -> None:
        """Raises ApiError 401 to those who show no key."""
        if request.path not in _OPEN and not self.admits(
            request.path,
            cookie=request.cookies.get(self.cookie_name, ""),
            authorization=request.headers.get("Authorization", ""),
            subprotocols=",".join(request.headers.getall("Sec-WebSocket-Protocol", ())),
        ):
            raise ApiError(401, "web.unauthorized")

    def admits(self, path: str, *, cookie: str, authorization: str, subprotocols: str = "") -> bool:
        """Whether a request to `path` shows the key, or needs none: by its headers, and its cookie of our name."""
        if not self.key or _same(cookie, self.cookie):
            return True
        shown = [key for key in keys_in(authorization, subprotocols) if key.isascii()]
        if any(_same(key, self.key) for key in shown):
            return True
        is_session = f"{path}/".startswith(_SESSIONS) and path != _MINT
        return is_session and any(self.accepts_short_lived(key) for key in shown)

    def invite(self) -> str:
        """A word that takes the place of the key in one link: other users of this machine see what a browser opens."""
        word = secrets.token_urlsafe()
        self._invitations.add(word)
        return word

    def may_log_in(self, word: str) -> bool:
        """Whether `word` is the key, or an invitation, which is used up by this."""
        if word in self._invitations:
            self._invitations.discard(word)
            return True
        return _same(word, self.key)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode())
