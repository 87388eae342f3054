"""The page's side of `benchmarks.latency`: the real page in Chromium, before a Realtime server.

Its microphone and an ear at its output are worklets of `latency_page.js`; all between them is the page's own.
"""

from __future__ import annotations

import base64
import statistics
import time
from pathlib import Path
from typing import Any

import soxr
from playwright.sync_api import Browser, sync_playwright

from benchmarks.latency_sides import NOISE_DBFS, Answer, answer_heard
from benchmarks.latency_speech import BenchmarkUtterance
from huiyin.assistant.conversation.trace import AUDIBLE
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Samples
from tests.browser.conftest import CHROMIUM

_SCRIPT = Path(__file__).with_name("latency_page.js")
_ARGUMENTS = ("--no-sandbox", "--mute-audio", "--autoplay-policy=no-user-gesture-required")
_CONNECTED = ",".join(f"#orb[data-state={state}]" for state in ("listening", "user", "thinking", "speaking", "paused"))
_WIRE_RATE = 24_000  # of the page's packets


class PageClient:
    """A `Device`: one page that talks, to be used by one thread. Raises RuntimeError without Chromium."""

    def __init__(self, url: str) -> None:
        """`url`: http address of the server."""
        if CHROMIUM is None:
            raise RuntimeError("the page's side needs Chromium")
        self.began_s = 0.0
        self.is_lost = False  # since the last `say`
        self._playwright = sync_playwright().start()
        self._browser: Browser = self._playwright.chromium.launch(executable_path=CHROMIUM, args=list(_ARGUMENTS))
        # The page's policy forbids worklets that do not come from its server.
        self._page = self._browser.new_context(locale="en-US", bypass_csp=True).new_page()
        noise, audible = 10 ** (NOISE_DBFS / 20), AUDIBLE / 32767
        self._page.add_init_script(f"{_SCRIPT.read_text(encoding='utf-8')}({noise}, {audible})")
        self._page.on("websocket", lambda socket: socket.on("close", lambda socket: self._lose()))
        self._page.goto(url)
        self._page.click("#orb-button")
        self._page.wait_for_selector(_CONNECTED)
        self._rate = int(self._page.evaluate("bench.rate"))
        self._ahead_s = time.time() - time.monotonic()  # of the browser's clock

    def say(self, sound: Samples) -> None:
        """Begin to say `sound` (16 kHz); returns when its first block has begun."""
        self._page.wait_for_selector(_CONNECTED)
        self.is_lost = False
        samples = soxr.resample(sound, SAMPLE_RATE, self._rate).astype("<f4")
        said = base64.b64encode(samples.tobytes()).decode()
        self.began_s = self._page.evaluate("said => bench.say(said)", said) - self._ahead_s

    @property
    def audible(self) -> list[float]:
        """Steps of 10 ms, since the last `say`, in which something was audible."""
        return [at_s - self._ahead_s for at_s in self._page.evaluate("bench.audible")]

    def waited_s(self, audible_s: float) -> float:
        """How long sound that was audible at `audible_s`, as the first since the last `say`, had waited in the page."""
        arrived: list[float] = self._page.evaluate("bench.arrived")
        return audible_s - (arrived[0] - self._ahead_s)

    @property
    def buffers(self) -> str:
        """Its two buffers, in words."""
        buffers: dict[str, Any] = self._page.evaluate("bench.buffers")
        packet_ms = 1000 * buffers["packet"] / _WIRE_RATE
        playout = f"{buffers['playoutMs']} ms are buffered before a reply begins ({buffers['underruns']} underruns)"
        return f"Chromium {self._browser.version}; packets of {packet_ms:.0f} ms are captured, {playout}"

    def _lose(self) -> None:
        self.is_lost = True

    def close(self) -> None:
        """End."""
        self._browser.close()
        self._playwright.stop()


class Page:
    """A `Side`."""

    name = "page"

    def __init__(self, url: str) -> None:
        """`url`: http address of the server."""
        self._client = PageClient(url)
        self._waited_s: list[float] = []  # from the arrival of a reply's first sound to its first audible sample

    @property
    def about(self) -> str:
        """Its buffers."""
        if not self._waited_s:
            return self._client.buffers
        return f"{self._client.buffers}: {statistics.median(self._waited_s) * 1000:.0f} ms from arrival to ear, p50"

    def answer(self, utterance: BenchmarkUtterance) -> Answer:
        """Play it in real time; return when the reply is over."""
        self._client.say(utterance.sound)
        answer = answer_heard(self._client, utterance.duration_s)
        if self._client.is_lost:
            return Answer([], is_lost=True)
        if answer.audible:
            self._waited_s.append(self._client.waited_s(self._client.began_s + answer.audible[0]))
        return answer

    def close(self) -> None:
        """End."""
        self._client.close()
