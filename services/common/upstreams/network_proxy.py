"""The proxy of the environment (HTTPS_PROXY and its kin) for an address, as `requests` and `curl` find it."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
from urllib.parse import SplitResult, unquote, urlsplit

from requests.utils import get_environ_proxies, select_proxy
from urllib3.util import make_headers

from huiyin.configs.settings import SettingsError
from huiyin.services.common.shown_url import shown_url

_SOCKS = ("socks", "socks4", "socks4a", "socks5", "socks5h")
_SOCKS_PORT = 1080
_NO_DELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)


def find_proxy(url: SplitResult) -> SplitResult | None:
    """The proxy for `url`; None for this machine itself, and where NO_PROXY or the environment has none.

    Raises SettingsError for one that is not an address.
    """
    host = url.hostname or ""
    if _is_here(host) or _is_excepted(host):
        return None
    address = select_proxy(url.geturl(), get_environ_proxies(url.geturl(), no_proxy=None)) or ""
    if not address:
        return None
    try:
        proxy = urlsplit(address if "//" in address else f"//{address}")
        _ = proxy.port, (proxy.hostname or "").encode("idna")  # both raise ValueError, too
    except ValueError:
        raise SettingsError("upstreams.bad_proxy", address=shown_url(address), url=shown_url(url.geturl())) from None
    return proxy if proxy.hostname else None


def is_socks(proxy: SplitResult | None) -> bool:
    """Whether it is a SOCKS proxy, of whose connections HTTP sees nothing."""
    return proxy is not None and proxy.scheme in _SOCKS


def proxy_headers(proxy: SplitResult | None) -> dict[str, str]:
    """What an HTTP proxy is told: the name and password in its address, if there are any."""
    if not proxy or not proxy.username:
        return {}
    return dict(make_headers(proxy_basic_auth=f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"))


def place_of(url: SplitResult) -> tuple[str, int]:
    """Host and port."""
    default = _SOCKS_PORT if url.scheme in _SOCKS else 443 if url.scheme == "https" else 80
    return url.hostname or "", url.port or default


def connect_by_socks(proxy: SplitResult, url: SplitResult, timeout_s: float) -> socket.socket:
    """A connection to the host of `url`. socks5h and socks4a have the proxy resolve its name. Raises OSError."""
    import socks  # where there is such a proxy

    host, port = place_of(proxy)
    connection: socket.socket = socks.create_connection(
        place_of(url),
        timeout=timeout_s,
        proxy_type=socks.SOCKS4 if proxy.scheme.startswith("socks4") else socks.SOCKS5,
        proxy_addr=host,
        proxy_port=port,
        proxy_rdns=proxy.scheme in ("socks", "socks5h", "socks4a"),
        proxy_username=unquote(proxy.username) if proxy.username else None,
        proxy_password=unquote(proxy.password) if proxy.password else None,
        socket_options=_NO_DELAY,
    )
    return connection


def _is_here(host: str) -> bool:
    """Whether it is this machine: 127.0.0.1, and 0.0.0.0, which servers print as their address."""
    name = host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
        return address.is_loopback or address.is_unspecified
    return False


def _is_excepted(host: str) -> bool:
    """Whether `host` is an address in a network of NO_PROXY, such as 10.0.0.0/8 or fd00::/8; names are `requests`'."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    for word in re.split(r"[,\s]+", os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""):
        with contextlib.suppress(ValueError):
            if address in ipaddress.ip_network(word.strip("[]"), strict=False):
                return True
    return False
