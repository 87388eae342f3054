"""A client's spoken question to the real services of the embedded profile: its tool is called, the answer is heard."""

from __future__ import annotations

import json
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from huiyin.assistant.clients.services import NAMES
from huiyin.configs.settings import load
from huiyin.configs.store.model_store import ModelStore
from tests.clients.environments import command_of
from tests.clients.talk_services import SAID, for_client
from tests.support.realtime_server import realtime_server
from tests.support.service_process import start_service
from tests.support.speech_clips import english

pytestmark = [pytest.mark.slow, pytest.mark.clients]

TALK_LIMIT_S = 240.0
# A busy machine is no failure.
PATIENT = [*(f"turns.{stage}_timeout_s=60" for stage in NAMES), "turns.llm_idle_timeout_s=60"]


@pytest.fixture(scope="module")
def models() -> None:
    """All models of the profile are in the store: nothing is downloaded for a test."""
    lacking = [file.file.name for file in ModelStore(load().store).look("embedded") if file.state == "missing"]
    if lacking:
        pytest.skip(f"the models of the embedded profile are not all here (`make models`): {lacking[0]} is missing")


@pytest.mark.usefixtures("models")
def test_embedded_model_calls_the_tool_and_its_answer_is_heard(tmp_path: Path) -> None:
    (tmp_path / "weather.pcm").write_bytes(for_client(english(SAID["weather"])))
    with ExitStack() as stack:
        patient = {"llm__first_token_timeout_s": 60}
        urls = {name: stack.enter_context(start_service(name, **patient)) for name in NAMES}
        ports = [f"{name}.port={url.rpartition(':')[2]}" for name, url in urls.items()]
        url = stack.enter_context(realtime_server(load(environ={}, overrides=[*ports, *PATIENT])))
        command = command_of("openai_once", url, str(tmp_path))
        ran = subprocess.run(command, capture_output=True, text=True, timeout=TALK_LIMIT_S)

    events = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    assert ran.returncode == 0, f"{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"
    turns, calls = events[-1]["turns"], [event for event in events if event["event"] == "tool"]
    assert calls, f"it answered without the tool: {turns}"
    assert len(calls) <= 2, "it goes round in circles"  # 3 of 56 replies to a result are the call again
    for call in calls:
        assert call["name"] == "get_weather" and "Paris" in json.loads(call["arguments"])["city"]
    (_, said), (_, answer) = turns[0], turns[-1]
    assert "weather" in said.lower() and "paris" in said.lower()
    assert "21" in answer or "sunny" in answer.lower() or "twenty" in answer.lower(), answer
