"""The proxy of the environment, between the LLM service and its upstreams: as other programs find and use it."""

from __future__ import annotations

import contextlib
import time

import pytest

from huiyin.services.common.upstreams.http_client import HttpClient
from tests.support import llm_fixtures
from tests.support.limits import PATIENCE_S
from tests.support.socks_server import socks_server
from tests.support.stub_upstream import Stub

PROXY = ("127.0.0.1", 3128)
no_proxies = llm_fixtures.no_proxies  # a fixture, for every test


def first_hop(url: str) -> tuple[str, int]:
    return HttpClient(url, {}, connect_timeout_s=1).address


@pytest.mark.parametrize(
    ("url", "no_proxy", "is_direct"),
    [
        ("http://10.1.2.3:8000/v1", "", False),
        ("http://10.1.2.3:8000/v1", "10.0.0.0/8", True),
        ("http://10.1.2.3:8000/v1", "192.168.0.0/16, 10.1.0.0/16", True),
        ("http://11.1.2.3:8000/v1", "10.0.0.0/8", False),
        ("http://[fd00::7]:8000/v1", "fd00::/8", True),
        ("http://[fe00::7]:8000/v1", "fd00::/8", False),
        ("http://llm.corp.example/v1", ".corp.example", True),
        ("http://llm.corp.example/v1", "corp.example", True),
        ("http://llm.other.example/v1", "corp.example", False),
        ("http://llm.example/v1", "*", True),
        ("http://127.0.0.1:8000/v1", "", True),
        ("http://127.1.2.3:8000/v1", "", True),
        ("http://0.0.0.0:8000/v1", "", True),
        ("http://[::]:8000/v1", "", True),
        ("http://[::1]:8000/v1", "", True),
        ("http://localhost:8000/v1", "", True),
        ("http://LLM.localhost:8000/v1", "", True),
    ],
)
@pytest.mark.parametrize("upper", [True, False])
def test_which_addresses_are_asked_through_the_proxy(
    monkeypatch: pytest.MonkeyPatch, url: str, no_proxy: str, is_direct: bool, upper: bool
) -> None:
    monkeypatch.setenv("http_proxy", "http://{}:{}".format(*PROXY))
    if no_proxy:
        monkeypatch.setenv("NO_PROXY" if upper else "no_proxy", no_proxy)
    assert (first_hop(url) != PROXY) == is_direct


@pytest.mark.parametrize("name", ["http_proxy", "all_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("address", ["http://127.0.0.1:3128", "127.0.0.1:3128", "socks5://127.0.0.1:3128"])
def test_where_the_proxy_is_named(monkeypatch: pytest.MonkeyPatch, name: str, address: str) -> None:
    monkeypatch.setenv(name, address)
    assert first_hop("http://10.1.2.3:8000/v1") == PROXY


@pytest.mark.parametrize(
    ("scheme", "host"),
    [("socks5", "10.1.2.3"), ("socks5h", "10.1.2.3"), ("socks5h", "llm.example"), ("socks", "llm.example")],
)
def test_a_socks_proxy_is_spoken_to_as_one(monkeypatch: pytest.MonkeyPatch, scheme: str, host: str) -> None:
    with Stub("model-a") as stub, socks_server(stub.port) as (port, asked):
        monkeypatch.setenv("http_proxy", f"{scheme}://127.0.0.1:{port}")
        client = HttpClient(f"http://{host}/v1", {}, connect_timeout_s=PATIENCE_S)
        with contextlib.closing(client.exchange("GET", "/models")) as exchange:
            assert exchange.head(time.monotonic() + PATIENCE_S, lambda: False).status == 200
        assert asked == [(host, 80)]
        assert (stub.seen[0].path, stub.seen[0].headers["host"]) == ("/v1/models", host)


def test_a_socks_proxy_that_is_off_is_an_error_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with socks_server(1) as (port, _):
        pass
    monkeypatch.setenv("http_proxy", f"socks5://127.0.0.1:{port}")
    client = HttpClient("http://10.1.2.3/v1", {}, connect_timeout_s=PATIENCE_S)
    with contextlib.closing(client.exchange("GET", "/models")) as exchange, pytest.raises(OSError, match="SOCKS"):
        exchange.head(time.monotonic() + PATIENCE_S, lambda: False)
