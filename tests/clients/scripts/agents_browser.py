"""A talk with the npm package `@openai/agents` in Chromium: `agents_browser.html`, over a WebSocket or WebRTC.

``agents_browser.py websocket|webrtc URL FOLDER HOME CHROMIUM``: `HOME` has the npm packages. The page stands at the
server's own address, as a page that comes with it would, though it is Playwright that answers for its files. The
microphone is a file, so that what is said is said at fixed times: the pauses are long enough for an answer on a busy
machine.
"""

from __future__ import annotations

import sys
import tempfile
import wave
from pathlib import Path
from typing import Any

from playwright.sync_api import Route, sync_playwright
from user import RATE, STORY, TIME, WEATHER, tell

_PAGE = Path(__file__).with_suffix(".html")
_BUNDLE = "node_modules/@openai/agents-realtime/dist/bundle"
_PAUSES_S = {"": 5.0, WEATHER: 8.0, STORY: 5.0, TIME: 60.0}  # after each; first: while the page connects
_LIMIT_S = 90.0
_NOISE = 3  # of int16: a room is never silent


def run(over: str, url: str, folder: Path, home: Path, chromium: str) -> None:
    is_over: list[bool] = []

    def told(event: str, facts: dict[str, Any] | None = None) -> None:
        if event == "over":
            is_over.append(True)
        else:
            tell(event, **(facts or {}))

    def answer(route: Route) -> None:
        name = route.request.url.partition("?")[0].rpartition("/")[2]
        route.fulfill(path=_PAGE if name == _PAGE.name else home / _BUNDLE / name)

    with tempfile.TemporaryDirectory() as place, sync_playwright() as api:
        heard = _microphone(Path(place) / "microphone.wav", folder)
        fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
        fake += [f"--use-file-for-fake-audio-capture={heard}%noloop", "--autoplay-policy=no-user-gesture-required"]
        fake += ["--disable-features=LocalNetworkAccessChecks"]  # Playwright answers for the page: it has no network
        browser = api.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--mute-audio", *fake])
        page = browser.new_page()
        page.on("pageerror", lambda error: tell("error", error=str(error)))
        page.on("console", lambda line: line.type == "error" and tell("console", text=line.text))
        page.expose_function("tell", told)
        page.route("**/client/*", answer)
        page.goto(f"{url}/client/{_PAGE.name}?over={over}")
        for _ in range(round(_LIMIT_S / 0.1)):
            if is_over:
                break
            page.wait_for_timeout(100)
        else:
            tell("failed", waited_for="the end of the talk")
        browser.close()
    sys.exit(0 if is_over else 1)


def _microphone(path: Path, folder: Path) -> Path:
    """A recording of all that the user says."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        noise = b"".join((i % (2 * _NOISE + 1) - _NOISE).to_bytes(2, "little", signed=True) for i in range(RATE))
        for name, pause_s in _PAUSES_S.items():
            if name:
                file.writeframes((folder / f"{name}.pcm").read_bytes())
            file.writeframes(noise * round(pause_s))
    return path


run(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]), sys.argv[5])
