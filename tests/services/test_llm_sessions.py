"""Several conversations at one embedded model: turns, background requests, prompt caches, suspension.

The model's process is a stub of its HTTP server; each answer comes when the test says so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from huiyin.configs.settings import LlmSettings, Settings
from huiyin.services.common.model_names import ModelNames
from huiyin.services.common.upstreams.http_client import HttpClient
from huiyin.services.common.upstreams.trouble import UpstreamError
from huiyin.services.common.watch import ClientLeft
from huiyin.services.llm.app import make_app
from huiyin.services.llm.engines import embedded
from huiyin.services.llm.proxy import Proxy
from huiyin.services.llm.upstream import Caller, Request
from tests.support.limits import PATIENCE_S
from tests.support.stub_upstream import Answer, Stub, completion

CHAT = "/v1/chat/completions"


class FakeProcess:
    """In place of `LlamaProcess`: its server is the stub."""

    url = ""
    status: int | None = None

    def __init__(self, *_: Any, **__: Any) -> None:
        self.client = HttpClient(self.url, {}, connect_timeout_s=PATIENCE_S)
        self.suspended_s = 0.0

    def suspend(self, seconds: float) -> None:
        self.suspended_s = seconds

    def facts(self) -> dict[str, Any]:
        return {}


class Model:
    """An embedded model whose answers come when the test says so."""

    def __init__(self, stub: Stub, settings: LlmSettings) -> None:
        self.stub, self.may_answer = stub, dict[str, threading.Event]()
        stub.behave = self._answer
        self.embedded = embedded.Embedded(Settings(llm=settings))
        self.proxy = Proxy([self.embedded], settings, ModelNames(strict=False))
        self.pool = ThreadPoolExecutor(16)

    def ask(
        self, words: str, session: str = "", *, background: bool = False, left: Callable[[], bool] = lambda: False
    ) -> Future[Any]:
        """A request that has joined the queue, and is answered after `answer(words)`."""
        self.may_answer[words] = threading.Event()
        body = {"model": "", "messages": [{"role": "user", "content": words}], "stream": False}
        joined, queue = threading.Event(), self.embedded._queue
        join = queue.join

        def tell(ticket: Any) -> None:
            join(ticket)
            joined.set()

        queue.join = tell  # type: ignore[method-assign]
        future = self.pool.submit(self.proxy.complete, body, Caller(left, session, background))
        assert joined.wait(PATIENCE_S)
        queue.join = join  # type: ignore[method-assign]
        return future

    def answer(self, words: str) -> None:
        self.may_answer[words].set()

    @property
    def asked(self) -> list[str]:
        """What the model has been asked, in order."""
        return [seen.body["messages"][0]["content"] for seen in self.stub.asked]

    def until_asked(self, *words: str) -> None:
        until(lambda: self.asked == list(words), lambda: f"{self.asked}")

    def slots(self) -> list[int]:
        return [seen.body["id_slot"] for seen in self.stub.asked]

    @property
    def suspended_s(self) -> float:
        process: Any = self.embedded._process
        return float(process.suspended_s)

    def _answer(self, answer: Answer) -> None:
        words = answer.seen.body["messages"][0]["content"]
        if words.startswith("never"):
            answer.wait_for_leaving()
            return
        assert self.may_answer[words].wait(PATIENCE_S)
        answer.whole(completion(f"re: {words}"))


def until(condition: Callable[[], bool], state: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, state()
        time.sleep(0.002)


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub() as stub:
        yield stub


@pytest.fixture
def make(stub: Stub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Model]]:
    monkeypatch.setattr(FakeProcess, "url", stub.url)
    monkeypatch.setattr(embedded, "LlamaProcess", FakeProcess)
    monkeypatch.setattr(embedded.ModelStore, "ensure", lambda *_: tmp_path / "model.gguf")
    made: list[Model] = []

    def model(**settings: Any) -> Model:
        made.append(Model(stub, LlmSettings(upstreams=("embedded",), **settings)))
        return made[-1]

    yield model
    for each in made:
        for event in each.may_answer.values():
            event.set()
        each.pool.shutdown()


@pytest.fixture
def model(make: Callable[..., Model]) -> Model:
    return make()


def test_the_model_answers_one_request_at_a_time_and_sessions_in_turn(model: Model) -> None:
    futures = [model.ask(words, words[0]) for words in ("a1", "a2", "a3", "b1", "c1")]
    order = ["a1", "b1", "c1", "a2", "a3"]
    for at, words in enumerate(order, 1):
        model.until_asked(*order[:at])
        model.answer(words)
    assert [f.result(PATIENCE_S).body["choices"][0]["message"]["content"] for f in futures] == [
        f"re: {words}" for words in ("a1", "a2", "a3", "b1", "c1")
    ]


def test_a_prefix_waits_for_replies_and_a_reply_ends_a_prefix_being_read(model: Model) -> None:
    reading = model.ask("never", "a", background=True)
    model.until_asked("never")
    reply = model.ask("b1", "b")
    with pytest.raises(UpstreamError) as preempted:
        reading.result(PATIENCE_S)
    assert (preempted.value.status, preempted.value.code) == (503, "preempted")
    assert model.stub.asked[0].left.wait(PATIENCE_S), "the model goes on reading"
    model.until_asked("never", "b1")
    again = model.ask("a2", "a", background=True)
    other = model.ask("c1", "c")
    for words in ("b1", "c1", "a2"):
        model.answer(words)
    for future in (reply, again, other):
        future.result(PATIENCE_S)
    assert model.asked == ["never", "b1", "c1", "a2"]
    (state,) = model.proxy.chain.reachable()
    assert (state["breaker"], state["failures"]) == ("closed", 0)


def test_a_client_that_leaves_while_it_waits_gives_up_its_turn(model: Model) -> None:
    left = threading.Event()
    first, leaver, last = model.ask("a1", "a"), model.ask("b1", "b", left=left.is_set), model.ask("c1", "c")
    left.set()
    with pytest.raises(ClientLeft):
        leaver.result(PATIENCE_S)
    model.answer("a1")
    model.answer("c1")
    first.result(PATIENCE_S), last.result(PATIENCE_S)
    assert model.asked == ["a1", "c1"]


def test_a_client_that_leaves_while_it_is_answered_frees_the_model(model: Model) -> None:
    left = threading.Event()
    leaver = model.ask("never", "a", left=left.is_set)
    model.until_asked("never")
    left.set()
    with pytest.raises(ClientLeft):
        leaver.result(PATIENCE_S)
    reply = model.ask("b1", "b")
    model.answer("b1")
    reply.result(PATIENCE_S)


def test_who_waits_too_long_for_a_turn_is_told_so_and_the_circuit_stays_closed(make: Callable[..., Model]) -> None:
    model = make(reply_timeout_s=1, breaker_failures=1)
    model.ask("never", "a")
    model.until_asked("never")
    with pytest.raises(UpstreamError) as late:
        model.embedded.post(Request({"messages": []}), Caller(lambda: False, "b"), 0.0)
    assert (late.value.status, late.value.code, late.value.works) == (503, "busy", True)


def test_only_the_session_whose_prompt_the_slot_holds_goes_on_in_it(model: Model) -> None:
    for words in ("a1", "a2", "b1", "a3", "a4", "1", "2"):
        future = model.ask(words, words[:-1])
        model.answer(words)
        future.result(PATIENCE_S)
    assert model.slots() == [-1, 0, -1, -1, 0, -1, -1]


def test_a_suspension_is_for_the_session_that_asks_for_it(model: Model) -> None:
    reply = model.ask("a1", "a")
    model.embedded.suspend(5, "b")
    assert model.suspended_s == 0, "the words of another session"
    model.embedded.suspend(5, "a")
    assert 0 < model.suspended_s <= 5
    other = model.ask("b1", "b")
    assert model.suspended_s == 0
    model.answer("a1")
    model.answer("b1")
    reply.result(PATIENCE_S), other.result(PATIENCE_S)
    until(lambda: model.suspended_s > 0)
    model.embedded.suspend(0, "a")
    assert model.suspended_s == 0


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"X-Huiyin-Session": "a b"}, "session"),
        ({"X-Huiyin-Session": "x" * 65}, "session"),
        ({"X-Huiyin-Session": "会话".encode().decode("latin-1")}, "session"),
        ({"X-Huiyin-Priority": "urgent"}, "Priority"),
    ],
)
def test_headers_of_a_wrong_form_are_refused(stub: Stub, headers: dict[str, str], words: str) -> None:
    app = make_app(Settings(llm=LlmSettings(upstreams=(stub.url,)))).test_client()
    for path, body in ((CHAT, {"messages": [{"role": "user", "content": "x"}]}), ("/generate", {"prompt": "x"})):
        answer = app.post(path, json=body, headers=headers)
        error = answer.get_json()["error"]
        assert (answer.status_code, error["code"], words in error["message"]) == (400, "invalid_value", True)
    assert not stub.asked


@pytest.mark.parametrize("session", [5, "a/b", "x" * 65, ["a"]])
def test_a_suspension_for_a_session_of_a_wrong_name_is_refused(stub: Stub, session: Any) -> None:
    app = make_app(Settings(llm=LlmSettings(upstreams=(stub.url,)))).test_client()
    assert app.post("/hold", json={"seconds": 1, "session": session}).status_code == 400
    assert app.post("/hold", json={"seconds": 1, "session": "a"}).get_json() == {"held": False}


def test_a_server_elsewhere_hears_nothing_of_sessions(stub: Stub) -> None:
    app = make_app(Settings(llm=LlmSettings(upstreams=(stub.url,), upstream_model="m"))).test_client()
    headers = {"X-Huiyin-Session": "kitchen", "X-Huiyin-Priority": "background"}
    body = {"messages": [{"role": "user", "content": "x"}]}
    assert app.post(CHAT, json=body, headers=headers).status_code == 200
    (seen,) = stub.asked
    assert not any("huiyin" in name or "kitchen" in value for name, value in seen.headers.items())
    assert set(seen.body) == {"messages", "model", "stream"}
