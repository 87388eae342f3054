"""``huiyin serve all --ray`` on a cluster of two nodes: conversations, the page, a replica that is killed."""

from __future__ import annotations

import asyncio
import json
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import numpy as np
import pytest
import requests

from huiyin.services.common.audio import SAMPLE_RATE
from tests.support.limits import PATIENCE_S, until
from tests.support.media import pcm16
from tests.support.ray_nodes import Served

pytestmark = [pytest.mark.ray, pytest.mark.slow]


def words(url: str, number: int, **options: str) -> requests.Response:
    """A short recording of its own, recognised."""
    sound = np.random.default_rng(number).uniform(-0.3, 0.3, SAMPLE_RATE // 4).astype(np.float32)
    headers = {"Content-Type": "audio/pcm;rate=16000"}
    return requests.post(f"{url}/asr", data=pcm16(sound), params=options, headers=headers, timeout=PATIENCE_S)


def replicas_of(url: str) -> set[str]:
    """The names of those whose metrics the router has."""
    text = requests.get(f"{url}/metrics", timeout=PATIENCE_S).text
    return {part.partition('"')[0] for part in text.split('process_start_time_seconds{replica="')[1:]}


async def reply_events(url: str) -> list[str]:
    """The types of a Realtime session's events, up to the end of its first reply."""
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}/v1/realtime?model=huiyin") as ws:
        kinds: list[str] = []
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello?"}]}
        await ws.send_json({"type": "conversation.item.create", "item": item})
        await ws.send_json({"type": "response.create"})
        while not kinds or kinds[-1] not in ("response.done", "error"):
            kinds.append((await ws.receive_json(timeout=PATIENCE_S))["type"])
        return kinds


@pytest.mark.usefixtures("ab")
def test_a_realtime_session_speaks_through_the_router(all_of_it: Served) -> None:
    kinds = asyncio.run(reply_events(all_of_it.urls["web"]))
    assert kinds[0] == "session.created" and kinds[-1] == "response.done"
    assert "response.output_audio.delta" in kinds


def test_a_short_lived_key_is_good_at_the_replica_that_made_it(all_of_it: Served) -> None:
    url = all_of_it.urls["web"]

    async def opened(key: str) -> str:
        protocols = ("realtime", f"openai-insecure-api-key.{key}")
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url + "/v1/realtime", protocols=protocols) as ws,
        ):
            return str((await ws.receive_json(timeout=PATIENCE_S))["session"]["instructions"])

    for number in range(4):
        session = {"type": "realtime", "instructions": f"You are number {number}."}
        made = requests.post(f"{url}/v1/realtime/client_secrets", json={"session": session}, timeout=PATIENCE_S)
        assert f"number {number}" in asyncio.run(opened(made.json()["value"]))


def test_the_page_and_its_facts_come_through_the_router(all_of_it: Served) -> None:
    url = all_of_it.urls["web"]
    assert "<html" in requests.get(url, timeout=PATIENCE_S).text
    assert "asr" in json.dumps(requests.get(f"{url}/api/system", timeout=PATIENCE_S).json())


def test_a_replica_that_is_killed_is_replaced_and_every_caller_gets_an_answer_or_a_reason(all_of_it: Served) -> None:
    url, before = all_of_it.urls["asr"], all_of_it.replicas("asr")
    names = replicas_of(url)
    assert len(before) == len(names) == 2
    stopped: list[bool] = []

    def call(caller: int) -> list[tuple[int, Any]]:
        answers, number = [], 1000 * (caller + 1)
        while not stopped:
            answer = words(url, number := number + 1)
            answers.append((answer.status_code, answer.json()))
        return answers

    with ThreadPoolExecutor(4) as pool:
        callers = [pool.submit(call, caller) for caller in range(4)]
        try:
            assert words(url, 1).status_code == 200
            before[0].send_signal(signal.SIGKILL)
            until(lambda: len(replicas_of(url)) == 2 and replicas_of(url) != names)
        finally:
            stopped.append(True)
        answers = [answer for each in callers for answer in each.result()]
    assert {status for status, _ in answers} <= {200, 502, 503}
    assert all(body["error"]["hint"] for status, body in answers if status != 200)
    assert sum(status == 200 for status, _ in answers) > len(answers) / 2
