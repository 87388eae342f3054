"""Clients that people have use the services of the embedded profile, at the web program's one address.

What they run is the code of docs/clients.md, as it stands there; where a program has settings alone, the test sends
what the program sends.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import wave
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest
import requests

from huiyin.assistant.clients.services import NAMES
from huiyin.configs.settings import load
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.common.audio import SAMPLE_RATE, decode
from tests.clients.environments import runner_of
from tests.clients.snippets import ADDRESS, RUNS, code_of
from tests.support.limits import PATIENCE_S
from tests.support.realtime_server import realtime_server
from tests.support.service_process import start_service
from tests.support.speech_clips import english

pytestmark = [pytest.mark.slow, pytest.mark.clients, pytest.mark.xdist_group("service clients")]

QUESTION = "What is the capital of France?"
LIMIT_S = 300.0
PATIENT = {"first_token_timeout_s": PATIENCE_S, "idle_timeout_s": PATIENCE_S}  # a busy machine is no failure


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The web program's, with real services behind it."""
    lacking = [file.file.name for file in ModelStore(load().store).look("embedded") if file.state == "missing"]
    if lacking:
        pytest.skip(f"the models of the embedded profile are not all here (`make models`): {lacking[0]} is missing")
    with ExitStack() as stack:
        urls = {name: stack.enter_context(start_service(name, **(PATIENT if name == "llm" else {}))) for name in NAMES}
        ports = [f"{name}.port={url.rpartition(':')[2]}" for name, url in urls.items()]
        yield stack.enter_context(realtime_server(load(environ={}, overrides=ports)))


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded question: mono, 16 bits."""
    path = tmp_path_factory.mktemp("spoken") / "question.wav"
    silence = np.zeros(SAMPLE_RATE // 2, np.float32)
    sound = np.concatenate([silence, english(QUESTION), silence])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((sound * 32767).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize("section", RUNS)
def test_code_of_the_page_does_its_job(section: str, address: str, question: Path, tmp_path: Path) -> None:
    run = RUNS[section]
    (tmp_path / "question.wav").write_bytes(question.read_bytes())
    command, suffix = runner_of(run.environment, tmp_path)
    code = tmp_path / f"client{suffix}"
    code.write_text(code_of(section).replace(ADDRESS, address), encoding="utf-8")
    script = [str(Path(__file__).parent / "scripts" / f"{run.script}.py")] if run.script else []

    ran = subprocess.run(
        [*command, *script, str(code), *(["question.wav"] if script else [])],
        cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S,
    )  # fmt: skip

    assert ran.returncode == 0, f"{ran.stdout[-2000:]}\n{ran.stderr[-4000:]}"
    assert re.search(run.prints, ran.stdout), f"{ran.stdout}\n{ran.stderr[-2000:]}"
    if run.makes:
        sound = decode((tmp_path / run.makes).read_bytes(), max_duration_s=60).samples
        assert len(sound) > SAMPLE_RATE / 4 and np.abs(sound).max() > 0.05


# -- what programs send that have settings alone


def setting(section: str, name: str) -> str:
    """The value of an environment variable that a section of the page gives."""
    return dict(line.split("=", 1) for line in code_of(section).splitlines())[name]


def test_open_webui_finds_voices_hears_asks_and_speaks(address: str, question: Path) -> None:
    """The requests of its routers/audio.py and routers/openai.py, in their order."""
    speech, hearing, chat = (
        setting("Open WebUI", f"{name}OPENAI_API_BASE_URL").replace(ADDRESS, address)
        for name in ("AUDIO_TTS_", "AUDIO_STT_", "")
    )
    key = {"Authorization": "Bearer none"}
    voices = {voice["id"]: voice["name"] for voice in requests.get(f"{speech}/audio/voices").json()["voices"]}
    models = [model["id"] for model in requests.get(f"{speech}/audio/models").json()["models"]]
    assert {"alloy", "zf_xiaoxiao"} <= voices.keys() and "tts-1" in models
    listed = requests.get(f"{chat}/models", headers=key).json()["data"]

    with question.open("rb") as file:
        heard = requests.post(
            f"{hearing}/audio/transcriptions", headers=key, files={"file": ("a.wav", file)}, data={"model": "whisper-1"}
        ).json()["text"]
    body = {
        "stream": True,
        "model": listed[0]["id"],
        "messages": [{"role": "user", "content": heard}],
        "stream_options": {"include_usage": True},
        "max_tokens": 40,
    }
    with requests.post(f"{chat}/chat/completions", headers=key, json=body, stream=True) as answer:
        lines = [line.removeprefix("data: ") for line in answer.iter_lines(decode_unicode=True) if line]
    chunks = [json.loads(line) for line in lines[:-1]]
    words = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    assert lines[-1] == "[DONE]" and "Paris" in words
    assert any(chunk.get("usage") for chunk in chunks)

    said = requests.post(
        f"{speech}/audio/speech", headers=key, json={"input": words, "voice": "alloy", "model": models[0]}
    )
    assert said.headers["Content-Type"] == "audio/mpeg" and len(decode(said.content, max_duration_s=60).samples)


def test_home_assistant_converses_with_a_tool_hears_and_speaks(
    address: str, question: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls of its integration openai_conversation, at their defaults, on the SDK that it uses."""
    for name in [name for name in os.environ if name.startswith("OPENAI_")]:
        monkeypatch.delenv(name)
    base_url = setting("Home Assistant", "OPENAI_BASE_URL").replace(ADDRESS, address)
    monkeypatch.setenv("OPENAI_BASE_URL", base_url)
    asyncio.run(_as_home_assistant(question))


async def _as_home_assistant(question: Path) -> None:
    client = openai.AsyncOpenAI(api_key="none", max_retries=0, timeout=LIMIT_S)
    assert [model async for model in client.models.list()]
    heard = await client.audio.transcriptions.create(
        model="gpt-4o-mini-transcribe", file=("a.wav", question.read_bytes()), response_format="json", language="en",
        prompt="",
    )  # fmt: skip
    assert "capital of France" in heard.text

    light = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    turn_on = {
        "type": "function", "name": "HassTurnOn", "parameters": light, "strict": False,
        "description": "Turns on a device, given its name",
    }  # fmt: skip
    said: list[Any] = [
        {"type": "message", "role": "developer", "content": "You control a home. Turn on what the user names."},
        {"type": "message", "role": "user", "content": "Please turn on the kitchen light."},
    ]
    options: dict[str, Any] = {
        "model": "gpt-4o-mini", "max_output_tokens": 3000, "top_p": 1.0, "temperature": 1.0, "user": "01HA",
        "store": False, "stream": True, "tools": [turn_on],
    }  # fmt: skip
    call, call_id = "", ""
    async for event in await client.responses.create(input=said, tool_choice="required", **options):
        if event.type == "response.output_item.added" and event.item.type == "function_call":
            call_id, name = event.item.call_id, event.item.name
        elif event.type == "response.function_call_arguments.delta":
            call += event.delta
    assert name == "HassTurnOn" and "kitchen" in json.loads(call)["name"].lower()

    said += [
        {"type": "function_call", "name": name, "arguments": call, "call_id": call_id},
        {"type": "function_call_output", "call_id": call_id, "output": json.dumps({"success": True})},
    ]
    words, ended = "", ""
    async for event in await client.responses.create(input=said, **{**options, "temperature": 0.0}):
        words += event.delta if event.type == "response.output_text.delta" else ""
        ended = event.type
    assert words.strip() and ended == "response.completed"

    async with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="marin", input=words, instructions="None", speed=1.0, response_format="mp3"
    ) as speech:
        sound = b"".join([piece async for piece in speech.iter_bytes()])
    assert len(decode(sound, max_duration_s=120).samples) > SAMPLE_RATE / 4
