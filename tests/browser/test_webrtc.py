"""A page that is not ours, with Chromium's own WebRTC: it speaks, is answered, and hears the answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiortc", reason="needs huiyin[webrtc]")

from flask import Flask

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.stages import Parts
from huiyin.assistant.faces.connections.engines import Engines
from huiyin.assistant.faces.realtime.server import RealtimeServer
from huiyin.configs.settings import load
from tests.browser.conftest import launch, microphone, until, wait_until, watched
from tests.realtime.rig import PERSONA, LoudEar
from tests.realtime.test_webrtc import Tones
from tests.support.live_server import running

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><title>WebRTC</title><script type="module">
window.events = [];
window.loudest = 0;
const connection = new RTCPeerConnection();
const microphone = await navigator.mediaDevices.getUserMedia({audio: true});
connection.addTrack(microphone.getTracks()[0]);
connection.ontrack = ({track}) => {
  const context = new AudioContext(), meter = context.createAnalyser();
  const element = new Audio();                 // Chromium gives no sound to Web Audio without it
  element.srcObject = new MediaStream([track]);
  element.muted = true;
  element.play();
  context.createMediaStreamSource(new MediaStream([track])).connect(meter);
  const samples = new Float32Array(meter.fftSize);
  setInterval(() => {
    meter.getFloatTimeDomainData(samples);
    window.loudest = Math.max(window.loudest, ...samples.map(Math.abs));
  }, 20);
};
const channel = connection.createDataChannel("oai-events");
channel.onmessage = ({data}) => window.events.push(JSON.parse(data));
await connection.setLocalDescription();
const answer = await fetch("/v1/realtime/calls?model=huiyin", {
  method: "POST", body: connection.localDescription.sdp, headers: {"Content-Type": "application/sdp"},
});
window.answer = [answer.status, answer.headers.get("Location")];
await connection.setRemoteDescription({type: "answer", sdp: await answer.text()});
window.hangUp = () => connection.close();
</script>"""


@pytest.fixture
def server() -> RealtimeServer:
    settings, stages = load(environ={}), Tones()
    engines = Engines(Parts(stages, stages, stages), lambda config: stages, LoudEar)
    return RealtimeServer(settings, Services(settings), {"test": PERSONA}, engines=engines)


@pytest.fixture
def page(playwright: Any, server: RealtimeServer, tmp_path: Path) -> Iterator[Any]:
    app = Flask("webrtc")
    app.add_url_rule("/", view_func=lambda: PAGE)
    server.mount(app)
    file = microphone(tmp_path / "microphone.wav", 2.0, 1.5)
    with running(app) as url:
        chromium = launch(playwright, "--autoplay-policy=no-user-gesture-required", heard=file)
        page = watched(chromium.new_page())
        page.goto(url)
        yield page
        chromium.close()


def test_a_page_speaks_and_hears_the_answer(page: Any, server: RealtimeServer) -> None:
    until(page, "window.events.some(event => event.type === 'output_audio_buffer.stopped')")
    assert page.evaluate("window.answer[0]") == 201
    assert page.evaluate("window.answer[1]").startswith("/v1/realtime/calls/rtc_")
    kinds = page.evaluate("window.events.map(event => event.type)")
    assert kinds[0] == "session.created"
    order = ["input_audio_buffer.speech_started", "response.created", "output_audio_buffer.started", "response.done"]
    assert [kind for kind in kinds if kind in order][:4] == order
    until(page, "window.loudest > 0.1")
    assert page.errors == []
    page.evaluate("window.hangUp()")
    wait_until(page, lambda: server.facts()["open"] == 0)
