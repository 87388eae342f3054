"""Who may ask: the Host that a request names, the Origin of the page that sent it, and the key. No I/O.

A service that listens on this machine alone is still open to every web page that its user visits: the page may send
requests to 127.0.0.1, and a page whose name resolves to 127.0.0.1 (DNS rebinding) may read the answers. Both name
themselves, in the headers Origin and Host, and no page can change these. Where a page sends no Origin, as for a link or
a picture, the browser still says in Sec-Fetch-Site that it is of another site.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache

from huiyin.configs.layers import SettingsError
from huiyin.services.common.errors import ApiError

_HOST = r"(\[[0-9a-f:.]+\]|[^][\s:@/\\?#]+)(?::\d{0,5})?"
_HOST_HEADER = re.compile(_HOST, re.IGNORECASE)
_ORIGIN = re.compile(rf"[a-z][a-z0-9+.-]*://{_HOST}", re.IGNORECASE)


EVERYWHERE = ("0.0.0.0", "::", "")
"""Addresses to listen on that stand for all of this machine's."""


def called_here(host: str) -> str:
    """How this machine calls an address that is listened on."""
    return "127.0.0.1" if host in EVERYWHERE else host


def url_of(host: str, port: int, scheme: str = "http") -> str:
    """The base URL of a program that listens on `host`, as this machine calls it; without a slash at its end."""
    name = called_here(host)
    return f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}"


@lru_cache
def is_loopback(name: str) -> bool:
    """Whether a name, or an address without brackets, is this machine's own: localhost, 127.0.0.1, ::1."""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def check_key_is_set(listens_on: str, key: str) -> None:
    """Raise SettingsError for a service that other machines can reach and that wants no key."""
    if not key and not is_loopback(listens_on):
        raise SettingsError("services.open_without_key", host=listens_on)


def host_of(header: str) -> str:
    """The name in a Host header: lower case, without brackets and port; '' without a name."""
    return _name(_HOST_HEADER.fullmatch(header))


def host_of_origin(header: str) -> str:
    """The name in an Origin header, as `host_of`; '' for "null", which pages without an origin send."""
    return _name(_ORIGIN.fullmatch(header))


def _name(match: re.Match[str] | None) -> str:
    return match[1].strip("[]").lower() if match else ""


@dataclass(frozen=True)
class Access:
    """Which hosts and origins a program that listens on `listens_on` accepts.

    On a loopback address: requests for this machine, and for `hosts`; pages of these hosts, and of `origins`. Elsewhere
    a request may name any host, and the page must be of the same one, of `hosts`, or of `origins`.
    """

    listens_on: str
    hosts: tuple[str, ...] = ()  # names
    origins: tuple[str, ...] = ()  # with scheme and port, as browsers send them

    def check(self, host: str, origin: str, site: str = "", *, is_page: bool = False) -> None:
        """Raise ApiError 403 unless a request with these headers ('' if missing) is accepted.

        `site`: Sec-Fetch-Site. `is_page`: it only asks for a page, which any link may lead to.
        """
        here = host_of(host)
        local = is_loopback(self.listens_on)
        if local and not self._is_local(here):
            raise ApiError(403, "services.foreign_host", host=host[:_SHOWN])
        if not origin and site.lower() == "cross-site" and not is_page:
            raise ApiError(403, "services.cross_site")
        if not origin or self.may_read(origin):
            return
        page = host_of_origin(origin)
        if not page or not (self._is_local(page) if local else self._is_same(page, here)):
            raise ApiError(403, "services.foreign_origin", origin=origin[:_SHOWN])

    def may_read(self, origin: str) -> bool:
        """Whether pages of `origin` may read the answers, too: those that are named (`cors.py`)."""
        return origin.lower() in {each.lower().rstrip("/") for each in self.origins}

    def _is_local(self, name: str) -> bool:
        return is_loopback(name) or self._is_named(name)

    def _is_same(self, page: str, host: str) -> bool:
        return page == host or self._is_named(page)

    def _is_named(self, name: str) -> bool:
        return name in {each.lower().strip("[]") for each in self.hosts}


_SHOWN = 80  # characters of a header in a message


def has_key(authorization: str, key: str) -> bool:
    """Whether an Authorization header carries `key`, compared in constant time."""
    return hmac.compare_digest(authorization.encode("utf-8", "surrogateescape"), f"Bearer {key}".encode())
