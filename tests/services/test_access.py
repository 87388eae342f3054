"""Who may use a service: the Host a request names, the Origin of the page that sent it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from flask import Flask

from huiyin.configs.settings import ServiceSettings, load
from huiyin.services.common.access import Access, has_key, host_of, host_of_origin
from huiyin.services.common.errors import ApiError
from tests.support.limits import PATIENCE_S
from tests.support.live_server import running

HERE = Access("127.0.0.1")
ANYWHERE = Access("0.0.0.0")


def refusal(access: Access, host: str, origin: str = "", site: str = "", *, is_page: bool = False) -> str:
    """The code of the refusal; '' where there is none."""
    try:
        access.check(host, origin, site, is_page=is_page)
    except ApiError as error:
        assert error.status == 403 and error.hint
        return error.code
    return ""


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:7870", "LOCALHOST:80", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:7870", "[0:0::1]"],
)
@pytest.mark.parametrize("listens_on", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_may_be_asked_by_its_names(listens_on: str, host: str) -> None:
    assert refusal(Access(listens_on), host) == ""


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example:7870",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "localhost@evil.example",
        "evil.example@localhost",
        "localhost/../evil",
        "localhost evil.example",
        "192.168.1.5",
        "0.0.0.0",
        "[::]",
        "[::1",
        "[evil.example]",
        "127.0.0.1:80:90",
        "ｌｏｃａｌｈｏｓｔ",
        ":80",
    ],
)
def test_a_name_that_only_resolves_to_this_machine_is_refused(host: str) -> None:
    assert refusal(HERE, host) == "foreign_host"


def test_a_named_host_may_be_asked_and_its_pages_may_ask() -> None:
    access = Access("127.0.0.1", hosts=("Voice.Example", "[fd00::5]"))
    for host in ("voice.example", "VOICE.example:8443", "[fd00::5]:80"):
        assert refusal(access, host, f"https://{host}") == ""
    assert refusal(access, "other.example") == "foreign_host"
    assert refusal(access, "voice.example", "https://other.example") == "foreign_origin"


@pytest.mark.parametrize(
    "origin", ["http://localhost:3000", "https://LOCALHOST", "http://127.0.0.1", "http://[::1]:8080"]
)
def test_pages_of_this_machine_may_ask(origin: str) -> None:
    assert refusal(HERE, "127.0.0.1:7870", origin) == ""


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://localhost.evil.example",
        "http://evil.example:7870",
        "null",
        "file://",
        "localhost",
        "http://localhost@evil.example",
        "http://127.0.0.1/x",
        "chrome-extension://abcdef",
    ],
)
def test_pages_of_others_may_not(origin: str) -> None:
    assert refusal(HERE, "localhost", origin) == "foreign_origin"
    assert refusal(ANYWHERE, "192.168.1.5:8000", origin) == "foreign_origin"


def test_a_named_origin_may_ask_exactly_as_it_is_named() -> None:
    for access in (
        Access("127.0.0.1", (), ("https://App.Example:8443/",)),
        Access("::", (), ("https://app.example:8443",)),
    ):
        assert refusal(access, "localhost", "https://app.example:8443") == ""
        assert refusal(access, "localhost", "https://app.example") == "foreign_origin"
        assert refusal(access, "localhost", "http://app.example:8443") == "foreign_origin"


def test_beyond_this_machine_a_page_may_ask_its_own_host() -> None:
    assert refusal(ANYWHERE, "192.168.1.5:8000", "http://192.168.1.5:8000") == ""
    assert refusal(ANYWHERE, "Desk.local:8000", "https://desk.local") == ""
    assert refusal(ANYWHERE, "[fd00::5]:8000", "http://[FD00::5]") == ""
    assert refusal(ANYWHERE, "anything.example") == "", "programs send no Origin"
    assert refusal(ANYWHERE, "") == ""
    assert refusal(ANYWHERE, "", "http://192.168.1.5") == "foreign_origin"
    assert refusal(ANYWHERE, "192.168.1.5", "http://localhost") == "foreign_origin", "that is the caller's own machine"
    assert refusal(Access("0.0.0.0", ("page.example",)), "192.168.1.5", "https://page.example") == ""


@pytest.mark.parametrize("access", [HERE, ANYWHERE])
def test_what_another_site_asks_for_without_an_origin_is_refused_unless_it_is_a_page(access: Access) -> None:
    assert refusal(access, "localhost", site="cross-site") == "cross_site"
    assert refusal(access, "localhost", site="Cross-Site") == "cross_site"
    assert refusal(access, "localhost", site="cross-site", is_page=True) == ""
    assert refusal(access, "localhost", "https://evil.example", "cross-site", is_page=True) == "foreign_origin"
    for site in ("same-origin", "same-site", "none", ""):
        assert refusal(access, "localhost", site=site) == ""


def test_a_named_origin_is_of_another_site_and_may_ask() -> None:
    access = Access("127.0.0.1", (), ("https://app.example",))
    assert refusal(access, "127.0.0.1", "https://app.example", "cross-site") == ""
    assert refusal(access, "127.0.0.1", "http://localhost:3000", "cross-site") == "", "a page of this machine"


def test_names_in_headers() -> None:
    assert [host_of(host) for host in ("A.b:1", "[::1]:2", "[::1]", "a:", "a b", "")] == [
        "a.b",
        "::1",
        "::1",
        "a",
        "",
        "",
    ]
    assert [host_of_origin(each) for each in ("http://A:1", "null", "http://", "//a")] == ["a", "", "", ""]


def test_the_key() -> None:
    assert has_key("Bearer s3cret", "s3cret") and has_key("Bearer 钥匙", "钥匙")
    for header in ("", "s3cret", "Bearer", "bearer s3cret", "Bearer s3cret ", "Bearer s3cre", "Bearer \udce9"):
        assert not has_key(header, "s3cret")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    app = Flask("under-test")
    app.get("/health")(dict)
    settings = ServiceSettings(api_key="s3cret", hosts=("voice.example",), origins=("https://app.example",))
    with running(app, settings) as base:
        yield base


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "voice.example"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://localhost:3000"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_the_server_refuses_before_anything_else(url: str, headers: dict[str, str], status: int) -> None:
    for path in ("/health", "/nowhere"):
        answer = requests.get(url + path, headers=headers, timeout=PATIENCE_S)
        assert answer.status_code == (status if status == 403 else 200 if path == "/health" else 401)


@pytest.mark.parametrize("sent_by", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"])
def test_a_form_of_another_site_is_refused(url: str, kind: str, sent_by: dict[str, str]) -> None:
    """A browser sends forms of these types without asking first."""
    for path in ("/asr", "/v1/audio/transcriptions"):
        answer = requests.post(url + path, b"sound", headers={"Content-Type": kind, **sent_by}, timeout=PATIENCE_S)
        assert answer.status_code == 403


def test_a_named_page_may_ask_with_the_key_and_read_the_answer(url: str) -> None:
    """What a browser does for a page of another host: it asks first, without the key (the Fetch standard, CORS)."""
    page = {"Origin": "https://app.example"}
    wishes = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, x-stainless-os",
    }
    asked = requests.options(f"{url}/health", headers=page | wishes, timeout=PATIENCE_S)
    assert asked.status_code == 204
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert asked.headers["Access-Control-Allow-Headers"] == wishes["Access-Control-Request-Headers"]

    for key, status in (("s3cret", 404), ("wrong", 401)):
        answer = requests.get(f"{url}/nowhere", headers=page | {"Authorization": f"Bearer {key}"}, timeout=PATIENCE_S)
        assert answer.status_code == status, "errors can be read, too"
        for each in (asked, answer):
            assert each.headers["Access-Control-Allow-Origin"] == "https://app.example"
            assert "Origin" in each.headers["Vary"] and "Access-Control-Allow-Credentials" not in each.headers


@pytest.mark.parametrize("origin", ["http://localhost:3000", "https://app.example.org"])
def test_no_other_page_may_read(url: str, origin: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for answer in (
        requests.options(f"{url}/health", headers=headers, timeout=PATIENCE_S),
        requests.get(f"{url}/health", headers=headers, timeout=PATIENCE_S),
    ):
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_the_settings_take_names() -> None:
    settings = load(None, ["service.hosts=a.example, b.example", "service.origins=https://c.example"], {}).service
    assert (settings.hosts, settings.origins) == (("a.example", "b.example"), ("https://c.example",))
