"""The files of the page: small on the wire, never stale, and nothing foreign runs in it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from huiyin.assistant.faces.web import page_files
from tests.web.conftest import SCRIPT
from tests.web.door import open_door


@pytest.fixture
def url(page: Path) -> Iterator[str]:
    """The web program."""
    with open_door(page) as url:
        yield url


def test_files_come_with_their_types(url: str) -> None:
    index, script = requests.get(url), requests.get(f"{url}/page/parts/talk.js")
    assert index.headers["Content-Type"] == "text/html; charset=utf-8" and "The page" in index.text
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8" and script.text == SCRIPT
    assert requests.head(url).headers["Content-Length"] == index.headers["Content-Length"]


def test_a_file_is_compressed_for_those_who_can_read_that(url: str) -> None:
    plain = requests.get(f"{url}/page/parts/talk.js", headers={"Accept-Encoding": "identity"})
    with requests.get(f"{url}/page/parts/talk.js", headers={"Accept-Encoding": "gzip"}, stream=True) as small:
        sent = small.raw.read()
    assert gzip.decompress(sent) == plain.content and len(sent) < len(plain.content) / 5
    assert plain.headers["ETag"] != small.headers["ETag"]
    assert plain.headers["Vary"] == small.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_a_file_that_the_browser_has_is_not_sent_again(url: str, encoding: str) -> None:
    headers = {"Accept-Encoding": encoding}
    first = requests.get(f"{url}/page/parts/talk.js", headers=headers)
    again = requests.get(f"{url}/page/parts/talk.js", headers={**headers, "If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["Cache-Control"] == "no-cache", "it is asked for each time, so that all files match"


@pytest.mark.parametrize(
    "path",
    ["/page/../secret.js", "/page/%2e%2e/secret.js", "/page/notes.txt", "/page/parts", "/page/", "/page/none.js"],
)
def test_nothing_else_is_served(url: str, path: str) -> None:
    request = requests.Request("GET", url).prepare()
    request.url = url + path  # as it stands: `requests` would tidy it up
    answer = requests.Session().send(request)
    assert answer.status_code == 404 and answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("path", ["/", "/page/parts/talk.js", "/api/setup", "/page/none.js", "/login"])
def test_nothing_foreign_runs_in_the_page_and_no_site_frames_it(url: str, path: str) -> None:
    headers = requests.get(url + path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "*" not in policy and "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "microphone=(self)" in headers["Permissions-Policy"]


def test_every_file_of_the_page_has_a_type() -> None:
    files = [path for path in page_files.FOLDER.rglob("*") if path.is_file()]
    assert files, "the page is there"
    assert [path.name for path in files if path.suffix not in page_files.TYPES] == []
