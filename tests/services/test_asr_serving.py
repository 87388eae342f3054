"""The service under load, over HTTP with its real server; the engine answers from its samples, at once."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests

from huiyin.services.common.audio import SAMPLE_RATE
from tests.support.asr_fakes import fingerprint, speech
from tests.support.limits import PATIENCE_S, until
from tests.support.media import encode, pcm16
from tests.support.service_process import start_service
from tests.support.sse import events_in

pytestmark = pytest.mark.slow

CALLERS = 16
FAKE = ("-m", "tests.support.fake_asr")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with start_service("asr", program=FAKE, queue_wait_s=PATIENCE_S) as base:
        yield base


def post(url: str, data: bytes, session: Any = requests, **options: object) -> requests.Response:
    headers = {"Content-Type": "audio/pcm;rate=16000"}
    answer: requests.Response = session.post(
        url + "/asr", data=data, params=options, headers=headers, timeout=PATIENCE_S
    )
    return answer


def turn(number: int, length_s: float = 0.3) -> tuple[bytes, str]:
    """A unique short recording, and the fake engine's text for it."""
    rng = np.random.default_rng(number)
    data = pcm16(rng.uniform(-0.3, 0.3, round(length_s * SAMPLE_RATE)).astype(np.float32))
    return data, fingerprint(np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768.0))


def system(url: str) -> dict[str, Any]:
    facts: dict[str, Any] = requests.get(url + "/system", timeout=PATIENCE_S).json()
    return facts


def events(response: requests.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    return [json.loads(event) for event in events_in(response.content.decode())]


def test_sixteen_callers_get_their_own_answers_a_thousand_times(url: str) -> None:
    def calls(caller: int) -> list[tuple[int, str, str]]:
        with requests.Session() as session:
            rows = []
            for n in range(caller, 1000, CALLERS):
                data, expected = turn(n)
                answer = post(url, data, session)
                rows.append((answer.status_code, answer.json().get("text", answer.text), expected))
            return rows

    with ThreadPoolExecutor(CALLERS) as pool:
        rows = [row for part in pool.map(calls, range(CALLERS)) for row in part]
    assert len(rows) == 1000 and {status for status, _, _ in rows} == {200}
    assert [text for _, text, _ in rows] == [expected for _, _, expected in rows]


def test_health_answers_and_no_caller_hangs_when_more_come_than_fit(url: str) -> None:
    def call(n: int) -> tuple[int, dict[str, Any], float | None]:
        answer = post(url, turn(5000 + n)[0], prompt="0.25")
        return answer.status_code, answer.json(), float(answer.headers.get("Retry-After", 0))

    with ThreadPoolExecutor(40) as pool:
        answers = [pool.submit(call, n) for n in range(40)]
        until(lambda: system(url)["waiting"] >= 10)
        for _ in range(3):
            assert requests.get(url + "/health", timeout=PATIENCE_S).status_code == 200
        assert not all(answer.done() for answer in answers), "health was answered among them"
        results = [answer.result() for answer in answers]
    served = [body for status, body, _ in results if status == 200]
    refused = [(body["error"]["code"], after) for status, body, after in results if status == 429]
    assert len(served) >= CALLERS and len(served) + len(refused) == 40
    assert all(code == "busy" and after >= 1 for code, after in refused)


def test_a_short_request_does_not_wait_for_a_long_file(url: str) -> None:
    """Two long files keep both workers busy with calls of 0.2 s; turns get in between."""
    long, before = pcm16(speech(*[5.0] * 20)), pieces_of(url)
    with ThreadPoolExecutor(2) as pool:
        files = [pool.submit(post, url, long, prompt="0.2", language=language) for language in ("en", "zh")]
        until(lambda: pieces_of(url) >= before + 2)
        for n in range(3):
            assert post(url, turn(6000 + n)[0]).status_code == 200
        assert not any(file.done() for file in files)
        assert all(len(file.result().json()["segments"]) == 20 for file in files)


def test_a_caller_who_hangs_up_frees_the_model(url: str) -> None:
    """A long file of 0.2 s a piece, and more callers than places: all gone within moments when they hang up."""
    data = pcm16(speech(*[5.0] * 60))
    target = urlsplit(url)
    before = pieces_of(url)
    sockets = []
    for _ in range(6):
        sock = socket.create_connection((target.hostname or "", target.port or 0))
        head = (
            "POST /asr?prompt=0.2&temperature=0.5 HTTP/1.1\r\nHost: localhost\r\nContent-Type: audio/pcm;rate=16000\r\n"
        )
        sock.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        sockets.append(sock)
    until(lambda: system(url)["waiting"] >= 3)
    for sock in sockets:
        sock.close()
    until(lambda: system(url)["waiting"] == 0)
    answer, expected = turn(7000)
    assert post(url, answer).json()["text"] == expected
    until(lambda: system(url)["running"] == 0)
    assert pieces_of(url) - before < 60, "of 360"


def pieces_of(url: str) -> float:
    lines = requests.get(url + "/metrics", timeout=PATIENCE_S).text.splitlines()
    return sum(float(line.split()[1]) for line in lines if line.startswith("huiyin_asr_pieces_total"))


def test_the_same_recording_is_recognised_once(url: str) -> None:
    data = encode(speech(6.0, 6.0, 6.0))
    before = pieces_of(url)
    first = requests.post(url + "/asr", data=data, timeout=PATIENCE_S).json()
    assert first["cached"] is False and pieces_of(url) == before + 3
    again = requests.post(url + "/asr", files={"file": ("b.wav", data)}, timeout=PATIENCE_S).json()
    assert again.pop("cached") is True and {**again, "cached": False} == first
    assert pieces_of(url) == before + 3
    streamed = events(requests.post(url + "/asr?stream=1&deadline_s=20", data=data, timeout=PATIENCE_S))
    assert streamed[-1]["result"]["cached"] is True
    openai = requests.post(
        url + "/v1/audio/transcriptions",
        data={"response_format": "verbose_json"},
        files={"file": data},
        timeout=PATIENCE_S,
    ).json()
    assert openai["text"] == first["text"] and "cached" not in openai
    assert pieces_of(url) == before + 3
    for options in ({"language": "zh"}, {"temperature": "0.5"}, {"temperature": "0.5"}, {"prompt": "0.0"}):
        other = requests.post(url + "/asr", data=data, params=options, timeout=PATIENCE_S).json()
        assert other["cached"] is False, options
    assert pieces_of(url) == before + 15
    facts = system(url)["cache"]
    assert facts["hits"] >= 3 and 0 < facts["entries"] <= facts["most"] == 256


def test_a_stream_from_the_cache_has_the_same_events(url: str) -> None:
    data = encode(speech(6.0, 6.0, 6.0, gap_s=2.0), "flac", "flac")
    fresh, known = (events(requests.post(url + "/asr?stream=1", data=data, timeout=PATIENCE_S)) for _ in range(2))
    assert len(fresh) == 5 and fresh[:-1] == known[:-1]
    assert known[-1]["result"].pop("cached") is True and fresh[-1]["result"].pop("cached") is False
    assert fresh[-1] == known[-1]


def test_a_deadline_ends_a_request_and_can_only_be_shortened() -> None:
    data = pcm16(speech(*[5.0] * 20))
    with start_service("asr", program=FAKE, deadline_s=1, cache_entries=0) as url:
        for options, limit_s in (({}, 1), ({"deadline_s": "100"}, 1), ({"deadline_s": "0.8"}, 0.8)):
            answer = post(url, data, prompt="0.25", **options)
            assert (answer.status_code, answer.json()["error"]["code"]) == (504, "deadline")
            message = re.search(r"within (.*) s; the first (.*) s of the recording", answer.json()["error"]["message"])
            assert message and float(message[1]) == limit_s
            assert 0 < float(message[2]) <= (limit_s / 0.25 + 1) * 5.6  # pieces of 5 s and a pause, 0.25 s each
        *parts, last = events(post(url, data, prompt="0.25", stream="1"))
        assert parts and parts[0]["segments"] and last["error"]["code"] == "deadline"
        assert post(url, turn(1)[0], deadline_s="-1").json()["error"]["code"] == "bad_deadline_s"
        assert post(url, turn(1)[0]).json()["cached"] is False
        assert post(url, turn(1)[0]).json()["cached"] is False, "the cache is off"


def test_system_and_metrics_describe_the_service(url: str) -> None:
    facts = system(url)
    assert (facts["workers"], facts["waiting"], facts["vad"]) == (2, 0, "loudness")
    assert (facts["piece_s"], facts["batch_s"], facts["device"]) == (15.0, 0.0, "cpu")
    metrics = requests.get(url + "/metrics", timeout=PATIENCE_S).text
    for name in (
        "huiyin_asr_queue_wait_seconds_count",
        "huiyin_asr_cache_hits_total",
        "huiyin_asr_waiting",
        "huiyin_requests",
    ):
        assert name in metrics, name
