"""The LLM service with the real embedded model, over HTTP, with clients that people use."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import openai
import psutil
import pytest
import requests

from huiyin.configs import settings as config
from huiyin.configs.store.model_store import ModelStore
from tests.support.limits import PATIENCE_S, until
from tests.support.llm_service import embedded_service, model_process
from tests.support.service_process import start_service

pytestmark = pytest.mark.slow

SMALL = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
CONTEXT_TOKENS = 1024
PERSONA = (
    "You are Huiyin, a friendly voice assistant. Your replies are spoken aloud, so keep them to one or two short "
    "sentences, without lists, markup or emoji. Answer in the language of the user. 用户说中文时，请用中文简短回答。"
)


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The service with the small model where the store has it, else the default one."""
    settings = config.load()
    here = [state.path.name for state in ModelStore(settings.store).look() if state.is_here]
    model = SMALL if SMALL in here else settings.llm.model
    with embedded_service(model=model, context_tokens=CONTEXT_TOKENS) as url:
        yield url


@pytest.fixture
def client(service: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{service}/v1", api_key="none", max_retries=0, timeout=PATIENCE_S)


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def timings(service: str, messages: list[Any], tokens: int = 1, session: str = "") -> dict[str, Any]:
    """The model's own measurements of its work on `messages`."""
    body = {"messages": messages, "max_tokens": tokens, "temperature": 0}
    headers = {"X-Huiyin-Session": session}
    answer = requests.post(f"{service}/v1/chat/completions", json=body, headers=headers, timeout=PATIENCE_S).json()
    return dict(answer["timings"])


def test_system_and_models_name_the_model(service: str) -> None:
    (upstream,) = requests.get(f"{service}/system").json()["upstreams"]
    assert (upstream["name"], upstream["context_tokens"]) == ("embedded", CONTEXT_TOKENS)
    (model,) = requests.get(f"{service}/v1/models").json()["data"]
    assert (model["id"], model["upstreams"]) == (upstream["model"], ["embedded"])
    (state,) = requests.get(f"{service}/ready").json()["upstreams"]
    assert (state["name"], state["reachable"], state["error"], state["breaker"]) == ("embedded", True, None, "closed")


@pytest.mark.parametrize("model", ["", "huiyin", None])
def test_the_sdk_gets_a_whole_answer_that_knows_something(client: openai.OpenAI, model: str | None) -> None:
    model = client.models.list().data[0].id if model is None else model
    reply = client.chat.completions.create(
        model=model, messages=user("What is the capital of France?"), max_tokens=24, temperature=0
    )
    assert "Paris" in (reply.choices[0].message.content or "")
    assert reply.usage is not None and reply.usage.completion_tokens <= 24


def test_the_sdk_gets_a_streamed_answer_in_pieces(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="", messages=user("法国的首都是哪里？"), max_tokens=24, temperature=0, stream=True
    )
    pieces = [chunk.choices[0].delta.content for chunk in stream if chunk.choices[0].delta.content]
    assert len(pieces) >= 2
    assert "巴黎" in "".join(pieces)


def test_generate_streams_text(service: str) -> None:
    body = {"model": "", "prompt": "Count from one to five.", "max_new_tokens": 24, "temperature": 0}
    answer = requests.post(f"{service}/generate", json=body, stream=True, timeout=PATIENCE_S)
    pieces = list(answer.iter_content(None, decode_unicode=True))
    assert len(pieces) >= 3
    assert "2" in "".join(pieces) or "two" in "".join(pieces).lower()


def test_a_reply_keeps_to_its_length(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(model="", messages=user("Tell me a long story."), max_tokens=5)
    assert reply.choices[0].finish_reason == "length"
    assert reply.usage is not None and reply.usage.completion_tokens == 5


def test_the_prefix_stays_warm_over_turns_other_callers_and_replies_that_are_cut_short(service: str) -> None:
    talk = [{"role": "system", "content": PERSONA}, *user("你好！")]
    cold = timings(service, talk)
    assert cold["cache_n"] < cold["prompt_n"], "nothing of this conversation was known before"
    talk += [{"role": "assistant", "content": "你好，很高兴见到你。"}, *user("今天我有点累。")]
    next_turn = timings(service, talk)
    assert next_turn["cache_n"] > cold["prompt_n"] - 16 and next_turn["prompt_n"] < 40

    timings(service, user("Something else entirely, from another program: name three rivers in Europe."))
    body = {"messages": [*talk[:-1], *user("今天我有点累，因为")], "max_tokens": 200, "stream": True}
    cut_short = requests.post(f"{service}/v1/chat/completions", json=body, stream=True, timeout=PATIENCE_S)
    next(cut_short.iter_content(None))
    cut_short.close()

    after = timings(service, [*talk[:-1], *user("今天我有点累，因为昨晚没睡好。")])
    assert after["cache_n"] >= next_turn["cache_n"] and after["prompt_n"] < 40


def test_each_session_finds_its_own_prefix_again_after_the_others(service: str) -> None:
    talks: dict[str, list[Any]] = {
        name: [{"role": "system", "content": PERSONA}, *user(f"My name is {name}. {colour} is my favourite colour.")]
        for name, colour in (("Ann", "Blue"), ("Bob", "Dark red"), ("Cleo", "Green"), ("Dan", "Light grey"))
    }
    read = {name: timings(service, talk, session=name) for name, talk in talks.items()}
    for _ in range(2):
        for name, talk in talks.items():
            talk += [{"role": "assistant", "content": "That is a nice colour indeed."}, *user("And yours?")]
            turn = timings(service, talk, session=name)
            assert turn["cache_n"] >= read[name]["cache_n"] + read[name]["prompt_n"] - 8, name
            assert turn["prompt_n"] < 40, name
            read[name] = turn


def test_a_reply_does_not_wait_for_a_prefix_being_read(service: str) -> None:
    prefix = user("Listen. " + "The lighthouse keeper walked down to the sea. " * 80)
    headers = {"X-Huiyin-Session": "reader", "X-Huiyin-Priority": "background"}
    answers: list[requests.Response] = []

    def read_ahead() -> None:
        body = {"messages": prefix, "max_tokens": 900}
        answers.append(requests.post(f"{service}/v1/chat/completions", json=body, headers=headers, timeout=PATIENCE_S))

    reader, model = threading.Thread(target=read_ahead), model_process(service)
    used_s = sum(model.cpu_times()[:2])
    reader.start()
    while sum(model.cpu_times()[:2]) < used_s + 0.2:
        assert reader.is_alive()
        time.sleep(0.01)
    timings(service, user("hi"), session="talker")
    reader.join()
    assert (answers[0].status_code, answers[0].json()["error"]["code"]) == (503, "preempted")


def test_a_client_that_leaves_frees_the_model(service: str) -> None:
    address = service.removeprefix("http://").split(":")
    body = json.dumps({"messages": user("Tell me a very long story."), "max_tokens": 900, "stream": True}).encode()
    with socket.create_connection((address[0], int(address[1]))) as leaver:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        leaver.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
        assert b"200 OK" in leaver.recv(4096)
    model = model_process(service)
    used_s = model.cpu_times().user
    timings(service, user("hi"))
    assert model.cpu_times().user - used_s < 10, "900 tokens take this model more than 20 s"


def test_callers_at_once_are_all_answered(service: str) -> None:
    replies: dict[int, str] = {}

    def one(number: int) -> None:
        body = {"prompt": f"Say the number {number}.", "max_new_tokens": 12, "temperature": 0}
        replies[number] = requests.post(f"{service}/generate", json=body, timeout=PATIENCE_S).text

    threads = [threading.Thread(target=one, args=(number,)) for number in (3, 5, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(replies[number].strip() for number in (3, 5, 8)), replies


def still_answers(service: str) -> bool:
    answer = requests.post(f"{service}/generate", json={"prompt": "hi", "max_new_tokens": 2}, timeout=PATIENCE_S)
    return answer.status_code == 200 and bool(answer.text)


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"messages": user("你好 " * 250_000)}, 400, "context_length_exceeded"),
    ({"messages": user("word " * CONTEXT_TOKENS)}, 400, "context_length_exceeded"),
    ({"messages": user("hi"), "max_tokens": -1}, 400, "invalid_value"),
    ({"messages": []}, 400, "invalid_value"),
    ({"messages": user("hi"), "n": 5}, 400, "invalid_request_error"),
    ({"messages": user("hi"), "grammar": "root ::= ("}, 400, "invalid_request_error"),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/y.png"}}]}]},
        400,
        "unsupported_content",
    ),
]


@pytest.mark.parametrize(("body", "status", "code"), BAD)
@pytest.mark.parametrize("stream", [False, True])
def test_a_bad_request_is_refused_and_the_next_one_answered(
    service: str, body: dict[str, Any], status: int, code: str, stream: bool
) -> None:
    answer = requests.post(f"{service}/v1/chat/completions", json={**body, "stream": stream}, timeout=PATIENCE_S)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, code), error
    assert error["message"]
    assert still_answers(service)


def test_the_models_own_port_is_closed_to_others(service: str) -> None:
    listening = [c.laddr for c in model_process(service).net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    (address,) = listening
    assert address.ip == "127.0.0.1"
    answer = requests.post(f"http://127.0.0.1:{address.port}/v1/chat/completions", json={"messages": user("hi")})
    assert answer.status_code == 401


def suspend(service: str, seconds: object) -> requests.Response:
    return requests.post(f"{service}/hold", json={"seconds": seconds}, timeout=PATIENCE_S)


def words_of_a_story(service: str) -> Iterator[bytes]:
    body = {"prompt": "Tell me a very long story.", "max_new_tokens": 400}
    with requests.post(f"{service}/generate", json=body, stream=True, timeout=PATIENCE_S) as answer:
        yield from answer.iter_content(None)


def until_stopped(process: psutil.Process, stopped: bool) -> None:
    """All of its threads are stopped, or none is."""
    until(
        lambda: states(process) == {psutil.STATUS_STOPPED} if stopped else psutil.STATUS_STOPPED not in states(process)
    )


def states(process: psutil.Process) -> set[str]:
    if not psutil.LINUX:
        return {process.status()}
    found = set()
    for thread in process.threads():
        with contextlib.suppress(psutil.NoSuchProcess):
            found.add(psutil.Process(thread.id).status())
    return found


def test_a_suspended_model_computes_nothing_until_it_is_resumed(service: str) -> None:
    model, story = model_process(service), words_of_a_story(service)
    next(story)
    assert suspend(service, 5).json() == {"held": True}
    until_stopped(model, True)
    used = model.cpu_times()
    assert requests.get(f"{service}/ready").status_code == 200
    assert model.cpu_times() == used
    assert suspend(service, 0).json() == {"held": True}
    until_stopped(model, False)
    assert next(story)


def test_a_suspended_model_is_resumed_after_its_time(service: str) -> None:
    suspend(service, 0.2)
    until_stopped(model_process(service), False)
    assert still_answers(service)


def test_a_request_for_a_reply_resumes_a_suspended_model(service: str) -> None:
    suspend(service, 5)
    suspend(service, 5)
    started = time.monotonic()
    assert timings(service, user("hi"))
    assert time.monotonic() - started < 4.5


@pytest.mark.parametrize("seconds", [-1, 6, "long", True, None, float("nan")])
def test_a_suspension_of_a_wrong_length_is_refused(service: str, seconds: object) -> None:
    text = json.dumps({"seconds": seconds})
    answer = requests.post(f"{service}/hold", data=text, headers={"Content-Type": "application/json"})
    assert (answer.status_code, "seconds" in answer.json()["error"]["message"]) == (400, True), answer.text
    assert model_process(service).status() != psutil.STATUS_STOPPED


def test_a_model_that_is_suspended_when_its_service_dies_ends_with_it(service: str) -> None:
    model = requests.get(f"{service}/system").json()["model"]
    with start_service("llm", model=model, context_tokens=512, upstreams="embedded") as url:
        process = model_process(url)
        suspend(url, 5)
        until_stopped(process, True)
        process.parent().kill()
        process.wait(PATIENCE_S)


def test_a_model_that_crashed_is_started_again(service: str) -> None:
    crashed = model_process(service)
    crashed.kill()
    until(
        lambda: not requests.get(f"{service}/ready").json()["upstreams"][0]["reachable"],
        "/ready does not show that the model has ended",
    )
    assert still_answers(service)
    assert model_process(service) != crashed


def test_the_service_answers_while_it_loads_and_leaves_no_process_behind(service: str) -> None:
    model = requests.get(f"{service}/system").json()["model"]
    with start_service("llm", wait_ready=False, model=model, context_tokens=512, upstreams="embedded") as url:
        states = set()
        while "ready" not in states:
            states.add(requests.get(f"{url}/ready", timeout=PATIENCE_S).json()["status"])
            assert requests.get(f"{url}/health", timeout=PATIENCE_S).status_code == 200
        assert states == {"loading", "ready"}
        process = model_process(url)
    process.wait(PATIENCE_S)


def test_a_file_that_is_not_a_model_is_an_error_of_ready_and_of_every_request(tmp_path: Any) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"not a model")
    with start_service("llm", wait_ready=False, model=broken, upstreams="embedded") as url:
        answer = requests.post(f"{url}/generate", json={"prompt": "hi"}, timeout=PATIENCE_S)
        assert answer.status_code == 503
        assert "broken.gguf" in answer.json()["error"]["message"]
        ready = requests.get(f"{url}/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "failed")
        assert requests.get(f"{url}/health").status_code == 200
