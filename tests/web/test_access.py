"""Who may come in: the key and the ways of showing it, pages of other sites, names that lead here."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from huiyin.assistant.faces.web.access import Door
from huiyin.assistant.faces.web.page_files import FOLDER
from tests.support.limits import PATIENCE_S
from tests.web.door import EPHEMERAL, KEY, open_door

ADDRESSES = [
    ("GET", "/page/parts/talk.js"),
    ("GET", "/api/setup"),
    ("GET", "/api/system"),
    ("GET", "/api/doctor"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/whisper-1"),
    ("GET", "/v1/stream"),
    ("GET", "/v1/realtime"),
    ("POST", "/v1/realtime/client_secrets"),
    ("POST", "/v1/audio/transcriptions"),
    ("POST", "/v1/audio/speech"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/asr"),
    ("POST", "/audio"),
    ("GET", "/voices"),
    ("GET", "/there/is/nothing/here"),
]
BEARER = {"Authorization": f"Bearer {KEY}"}


def subprotocols(key: str) -> dict[str, str]:
    """As browsers send them, which cannot send other headers with a WebSocket."""
    return {"Sec-WebSocket-Protocol": f"realtime, openai-insecure-api-key.{key}"}


@pytest.fixture
def locked(page: Path) -> Iterator[str]:
    """A web program that wants `KEY`."""
    with open_door(page, key=KEY) as url:
        yield url


# -- without a key


def test_on_this_machine_no_key_is_needed(page: Path) -> None:
    with open_door(page) as url:
        assert "The page" in requests.get(url).text
        assert requests.get(f"{url}/page/parts/talk.js").ok
        assert requests.get(f"{url}/v1/realtime", headers={"Authorization": "Bearer whatever"}).ok


@pytest.mark.parametrize(("method", "path"), ADDRESSES, ids=lambda value: str(value))
def test_with_a_key_every_address_wants_it(locked: str, method: str, path: str) -> None:
    answer = requests.request(method, locked + path)
    assert answer.status_code == 401
    error = answer.json()["error"]
    assert error["code"] == "unauthorized"
    assert "huiyin web" in error["hint"] and "Bearer" in error["hint"]
    assert KEY not in answer.text


def test_the_page_without_the_key_is_a_form_for_it(locked: str) -> None:
    answer = requests.get(locked)
    assert answer.status_code == 401
    assert "The page" not in answer.text
    assert '<form method="post" action="/login"' in answer.text
    assert "login.wrong" not in answer.text


def test_the_files_of_the_form_need_no_key() -> None:
    with open_door(FOLDER, key=KEY) as url:
        form = requests.get(url).text
        waiting = re.findall(r'(?:href|src)="(/page/[^"]+)"', form)
        seen: set[str] = set()
        while waiting:
            path = waiting.pop()
            answer = requests.get(url + path)
            assert answer.status_code == 200, path
            seen.add(path)
            waiting += {f"/page/{name}" for name in re.findall(r'from "\./([^"]+)"', answer.text)} - seen
        assert "/page/style.css" in seen and "/page/main.js" not in seen


def test_health_needs_no_key(locked: str) -> None:
    assert requests.get(f"{locked}/health").json()["service"] == "web"


@pytest.mark.parametrize(
    "target",
    [
        "//api/setup",
        "/./api/setup",
        "/login/../api/setup",
        "/health/../api/setup",
        "/%2e/api/setup",
        "/api%2fsetup",
        "/%61pi/setup",
        "/login;/api/setup",
        "/api/setup?/login",
        "/api/setup#/login",
        "http://127.0.0.1/api/setup",
    ],
)
def test_no_way_of_writing_an_address_leads_around_the_key(locked: str, target: str) -> None:
    connection = http.client.HTTPConnection(locked.removeprefix("http://"), timeout=PATIENCE_S)
    connection.putrequest("GET", target)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status in (400, 401, 404) and b"personas" not in answer.read()
    connection.close()


# -- the ways of showing it


@pytest.mark.parametrize("headers", [BEARER, {"authorization": f"bearer  {KEY} "}, subprotocols(KEY)])
def test_a_header_with_the_key_opens(locked: str, headers: dict[str, str]) -> None:
    assert requests.get(f"{locked}/v1/realtime", headers=headers).ok
    assert requests.get(f"{locked}/page/parts/talk.js", headers=headers).ok


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": KEY},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer schlüssel".encode()},
        subprotocols("wrong"),
        {"Sec-WebSocket-Protocol": KEY},
        {"Cookie": f"huiyin-8000={KEY}"},
        {"Cookie": "huiyin-8000="},
    ],
    ids=str,
)
def test_a_wrong_key_opens_nothing(locked: str, headers: dict[str, str]) -> None:
    assert requests.get(f"{locked}/v1/realtime", headers=headers).status_code == 401
    assert requests.get(locked, headers=headers).status_code == 401


def test_the_link_gives_a_cookie_that_opens(locked: str) -> None:
    browser = requests.Session()
    answer = browser.get(f"{locked}/login", params={"key": KEY}, allow_redirects=False)
    assert answer.ok, "a redirect would lose a strict cookie where the link stood on another site"
    assert 'content="0; url=/"' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    assert "Secure" not in cookie, "a browser would not send it over plain http"
    assert KEY not in cookie
    assert "The page" in browser.get(locked).text
    assert browser.get(f"{locked}/page/parts/talk.js").ok


def test_the_form_takes_the_key_and_says_when_it_is_wrong(locked: str) -> None:
    browser = requests.Session()
    answer = browser.post(f"{locked}/login", data={"key": "wrong"})
    assert answer.status_code == 401 and "login.wrong" in answer.text
    assert browser.get(locked).status_code == 401
    assert browser.post(f"{locked}/login", data={"key": KEY}).ok
    assert "The page" in browser.get(locked).text


def test_an_invitation_opens_once(page: Path) -> None:
    door = Door(KEY, 8000)
    word = door.invite()
    with open_door(page, door=door) as url:
        first, second = requests.Session(), requests.Session()
        assert first.get(f"{url}/login", params={"key": word}).ok
        assert "The page" in first.get(url).text
        assert second.get(f"{url}/login", params={"key": word}).status_code == 401
        assert requests.get(f"{url}/api/setup", headers={"Authorization": f"Bearer {word}"}).status_code == 401


def test_a_short_lived_key_opens_sessions_alone(locked: str) -> None:
    for headers in ({"Authorization": f"Bearer {EPHEMERAL}"}, subprotocols(EPHEMERAL)):
        assert requests.get(f"{locked}/v1/realtime", headers=headers).ok
        assert requests.get(f"{locked}/v1/models", headers=headers).status_code == 401
        assert requests.post(f"{locked}/v1/realtime/client_secrets", headers=headers).status_code == 401
    assert requests.post(f"{locked}/v1/realtime/client_secrets", headers=BEARER).ok


def test_a_short_lived_key_is_for_live_sessions_too() -> None:
    door = Door(KEY, 8000)
    door.accepts_short_lived = lambda key: key == EPHEMERAL

    assert door.admits("/v1/live/sessions", cookie="", authorization=f"Bearer {EPHEMERAL}")
    assert not door.admits("/v1/live/sessions", cookie="", authorization="Bearer other")
    assert not door.admits("/v1/livestock", cookie="", authorization=f"Bearer {EPHEMERAL}")


def test_the_cookie_is_of_one_key_and_one_port() -> None:
    assert Door(KEY, 8000).cookie != Door("another-key", 8000).cookie
    assert Door(KEY, 8000).cookie_name != Door(KEY, 8001).cookie_name


# -- pages of other sites, and names that lead here


@pytest.mark.parametrize("path", ["/", "/page/parts/talk.js", "/v1/realtime", "/v1/models", "/health"])
def test_a_page_of_another_site_is_refused(page: Path, path: str) -> None:
    with open_door(page) as url:
        for origin in ("https://evil.example", "http://127.0.0.1.evil.example", "null"):
            assert requests.get(url + path, headers={"Origin": origin}).status_code == 403
        assert requests.get(f"{url}/v1/realtime", headers={"Origin": url}).ok


def test_a_page_of_another_site_cannot_use_the_cookie(locked: str) -> None:
    browser = requests.Session()
    browser.get(f"{locked}/login", params={"key": KEY})
    assert browser.get(f"{locked}/v1/realtime", headers={"Origin": "https://evil.example"}).status_code == 403
    assert browser.get(f"{locked}/v1/realtime", headers={"Origin": locked}).ok


def test_a_link_of_another_site_leads_to_the_page_and_to_no_other_address(page: Path) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    with open_door(page) as url:
        assert "The page" in requests.get(url, headers=link).text
        assert requests.get(f"{url}/login", headers=link).ok
        for path in ("/api/system", "/api/doctor", "/v1/models", "/page/parts/talk.js", "/health"):
            assert requests.get(url + path, headers=link).status_code == 403
        assert requests.post(f"{url}/login", headers=link).status_code == 403


def test_a_page_of_another_site_cannot_log_anybody_in(locked: str) -> None:
    answer = requests.post(f"{locked}/login", data={"key": KEY}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403 and "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/v1/realtime", "/api/setup"])
def test_a_name_that_was_made_to_lead_here_is_refused(page: Path, path: str) -> None:
    """DNS rebinding: the page is then of the same site as what it asks."""
    with open_door(page) as url:
        rebound = {"Host": "rebound.example:8000", "Origin": "http://rebound.example:8000"}
        assert requests.get(url + path, headers=rebound).status_code == 403
        assert requests.get(url + path, headers={"Host": "rebound.example"}).status_code == 403


def test_where_others_can_connect_the_page_must_come_from_here(page: Path) -> None:
    with open_door(page, key=KEY, host="0.0.0.0") as url:
        here = {"Host": "192.168.1.5:8000", **BEARER}
        assert requests.get(f"{url}/v1/realtime", headers=here).ok
        assert requests.get(f"{url}/v1/realtime", headers={**here, "Origin": "http://192.168.1.5:8000"}).ok
        assert requests.get(f"{url}/v1/realtime", headers={**here, "Origin": "http://evil.example"}).status_code == 403
        assert requests.get(f"{url}/v1/realtime", headers={"Host": "192.168.1.5:8000"}).status_code == 401
