"""Agents behind real links: a child process, pipecat's WebSocket; one that hangs up; the same from pytest."""

from __future__ import annotations

import asyncio
import shlex
import sys

import numpy as np
import pytest
from aiohttp import web

from huiyin.assistant.clients.services import Services
from huiyin.assistant.scenario.agents.line import AgentError
from huiyin.assistant.scenario.agents.pipecat_frames import decode, encode
from huiyin.assistant.scenario.agents.targets import play, play_all, target_of
from huiyin.assistant.scenario.api import parse
from huiyin.assistant.scenario.pytest_plugin import AgentUnderTest
from huiyin.assistant.scenario.result import Result
from huiyin.assistant.scenario.script import Scenario
from huiyin.configs.settings import load
from tests.commands.test_simulate_running import Recognises
from tests.live.test_server import live_door
from tests.support import ROOT
from tests.support.live_server import running
from tests.support.simple_agent import BLOCK, good
from tests.support.stub_upstream import Stub

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow

PROGRAM = f"command:{shlex.quote(sys.executable)} {shlex.quote(str(ROOT / 'tests/support/simple_agent.py'))}"
SCRIPT = """\
depth: room
voice: formants
turns:
  - user: Hello!
    expect: [{event: reply starts, within_ms: 1500}]
hang_up: reply starts + 300 ms
huiyin: scenario
"""


def hello() -> Scenario:
    """A question, and the beginning of its answer."""
    expected = [{"event": "reply starts", "within_ms": 1500}]
    return parse(
        {"voice": "formants", "turns": [{"user": "Hello!", "expect": expected}], "hang_up": "reply starts + 300 ms"}
    )


def test_a_program_that_hangs_up_has_failed_with_its_last_words() -> None:
    result = play(hello(), target_of(f"{PROGRAM} --good --leave-after 2.2"))
    assert [outcome.problem for outcome in result.failures][-1] == "the agent ended with status 3: I have to go"
    assert result.agent_log == ("listening", "I have to go")


def test_a_program_that_is_not_there_is_called_that() -> None:
    with pytest.raises(AgentError, match="cannot be started"):
        play(hello(), target_of("command:/no/such/program"))


def test_conversations_are_played_to_an_agent_from_pytest(pytester: pytest.Pytester) -> None:
    (pytester.mkdir("conversations") / "hello.yaml").write_text(SCRIPT, encoding="utf-8")
    pytester.makepyfile(f"""
        import pytest

        @pytest.mark.agent({PROGRAM!r})
        def test_a_bad_agent_is_late(agent):
            result = agent.play("conversations/hello.yaml")
            assert "came 2" in result.failures[0].problem
    """)
    outcome = pytester.runpytest_subprocess("--huiyin-agent", f"{PROGRAM} --good", "--junitxml", "report.xml")
    outcome.assert_outcomes(passed=2)
    assert 'name="agent"' in (pytester.path / "report.xml").read_text(encoding="utf-8")


class Pipeline:
    """A pipecat pipeline's WebSocket transport: 24 kHz, faster than it is played, with interruptions."""

    def __init__(self) -> None:
        self.agent = good()
        self.messages: list[str] = []

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One client."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            kind, frame = decode(message.data)
            if kind == "message":
                self.messages.append(frame.data)
            if kind != "audio":
                continue
            was_speaking = self.agent.left_s > 0
            sound = self.agent.exchange(np.frombuffer(frame.audio, "<i2"))
            if was_speaking and not self.agent.left_s:
                await socket.send_bytes(encode("interruption"))
            audio = np.repeat(sound, 3)[::2][: BLOCK * 3 // 2].astype("<i2").tobytes()
            await socket.send_bytes(encode("audio", audio=audio, sample_rate=24_000, num_channels=1))
        return socket


async def _through(pipeline: Pipeline) -> Result:
    app = web.Application()
    app.router.add_get("/", pipeline.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    target = target_of(f"pipecat:ws://127.0.0.1:{port}/")
    try:
        return (await play_all([(hello(), 1)], target, Services(load()), words=False))[0]
    finally:
        await runner.cleanup()


def test_a_pipecat_pipeline_is_heard_through_its_transport() -> None:
    pipeline = Pipeline()
    result = asyncio.run(_through(pipeline))
    assert result.passed, result.report()
    assert "client-ready" in pipeline.messages[0]


def test_a_realtime_server_gets_the_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUIYIN_WEB_KEY", "open-sesame")
    with Stub() as server, pytest.raises(AgentError, match="no conversation begins"):
        AgentUnderTest(f"ws://127.0.0.1:{server.port}/v1/realtime").play(hello())
    assert server.seen[0].headers["authorization"] == "Bearer open-sesame"


def test_where_no_pipeline_is_the_address_is_named() -> None:
    with pytest.raises(AgentError, match=r"ws://127\.0\.0\.1:9"):
        play(hello(), target_of("pipecat:ws://127.0.0.1:9/"))


def test_a_live_server_tells_its_words() -> None:
    question = {"user": "Hello!", "expect": [{"event": "reply starts"}, {"said": {"contains": "first sentence"}}]}
    script = parse({"voice": "formants", "turns": [question], "hang_up": "reply ends + 100 ms"})
    with running(live_door(stages=Recognises()).app) as url:
        result = play(script, target_of(f"live:{url.replace('http', 'ws')}/v1/live/sessions"))
    assert result.passed, result.report(verbose=True)
