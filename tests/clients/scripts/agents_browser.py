"""A talk with the npm package `@openai/agents` in Chromium: `agents_browser.html`, over a WebSocket or WebRTC.

``agents_browser.py websocket|webrtc URL FOLDER HOME CHROMIUM``: `HOME` has the npm packages. The page stands at the
server's own address, as a page that comes with it would, though it is Playwright that answers for its files. What the
user says is played into the page's microphone when the talk has come so far: a busy machine only takes longer.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Route, sync_playwright
from user import tell

_PAGE = Path(__file__).with_suffix(".html")
_BUNDLE = "node_modules/@openai/agents-realtime/dist/bundle"
_ARGUMENTS = (
    "--no-sandbox",
    "--mute-audio",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=LocalNetworkAccessChecks",  # Playwright answers for the page: it has no network
)


def run(over: str, url: str, folder: Path, home: Path, chromium: str) -> int:
    """Hold the talk. Returns the exit status."""

    def told(event: str, facts: dict[str, Any] | None = None) -> None:
        tell(event, **(facts or {}))

    def answer(route: Route) -> None:
        name = route.request.url.partition("?")[0].rpartition("/")[2]
        if name == _PAGE.name:
            route.fulfill(path=_PAGE)
        else:
            route.fulfill(path=(folder if name.endswith(".pcm") else home / _BUNDLE) / name)

    with sync_playwright() as api:
        browser = api.chromium.launch(executable_path=chromium, args=_ARGUMENTS)
        page = browser.new_page()
        page.on("pageerror", lambda error: tell("error", error=str(error)))
        page.on("console", lambda line: line.type == "error" and tell("console", text=line.text))
        page.expose_function("tell", told)
        page.route("**/client/*", answer)
        page.goto(f"{url}/client/{_PAGE.name}?over={over}")
        try:
            page.evaluate("() => talk()")
        except Error as error:
            tell("broke off", why=str(error))
            return 1
        finally:
            browser.close()
    return 0


sys.exit(run(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), sys.argv[5]))
