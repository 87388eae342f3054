"""Upstreams that fail are skipped for a cooldown; and the `openai` SDK raises its own exceptions with our words."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import openai
import pytest
from flask import Flask

from huiyin.configs.settings import LlmSettings, ServiceSettings, Settings
from huiyin.services.common.breaker import MAX_COOLDOWN_S, CircuitBreaker
from huiyin.services.common.upstreams.trouble import UpstreamError
from huiyin.services.llm.app import make_app
from tests.support.limits import PATIENCE_S, until
from tests.support.live_server import running
from tests.support.service_process import free_port
from tests.support.stub_upstream import Answer, Stub, delta

Sdk = Callable[..., openai.OpenAI]
HELLO: list[Any] = [{"role": "user", "content": "hello"}]
FAILURES = 2
COOLDOWN_S = 30.0  # no test waits for its end: a test that does makes its own


@pytest.fixture
def ab() -> Iterator[tuple[Stub, Stub]]:
    with Stub("model-a", "both") as first, Stub("model-b", "both") as second:
        yield first, second


def app_of(*stubs: Stub, **settings: Any) -> Flask:
    more = {"breaker_failures": FAILURES, "breaker_rest_s": COOLDOWN_S, "first_token_timeout_s": PATIENCE_S, **settings}
    return make_app(Settings(llm=LlmSettings(upstreams=tuple(stub.url for stub in stubs), **more)))


@pytest.fixture
def sdk() -> Iterator[Sdk]:
    """The SDK on a service, over HTTP."""
    with contextlib.ExitStack() as stack:

        def connect(app: Flask, key: str = "") -> openai.OpenAI:
            url = stack.enter_context(running(app, ServiceSettings(api_key=key)))
            return openai.OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0, timeout=PATIENCE_S)

        yield connect


def ask(app: Flask, **body: Any) -> Any:
    return app.test_client().post("/v1/chat/completions", json={"messages": HELLO, "model": "both", **body})


def breakers(app: Flask, path: str = "/ready") -> list[str]:
    return [upstream["breaker"] for upstream in app.test_client().get(path).get_json()["upstreams"]]


def refuse(status: int, body: Any = None, **headers: str) -> Callable[[Answer], None]:
    return lambda answer: answer.whole(body or {"error": {"message": "no luck"}}, status, **headers)


def silent(answer: Answer) -> None:
    answer.start()
    answer.event(delta(role="assistant", content=""))
    answer.wait_for_leaving()


# --- the machine ------------------------------------------------------------------------------------------------------


def failure() -> UpstreamError:
    return UpstreamError(502, "upstreams.upstream_failed", who="it", answer=500, words="it fell over")


def test_cooldowns_grow_while_it_goes_on_failing_and_begin_anew_when_it_has_answered() -> None:
    now = [0.0]
    breaker: CircuitBreaker[Exception] = CircuitBreaker(1, 30.0, lambda: now[0], growth=2.0, max_cooldown_s=100.0)
    for cooldown_s in (30.0, 60.0, 100.0, 100.0):
        assert breaker.admit()
        breaker.failed(OSError("no answer"))
        assert breaker.wait_s == cooldown_s
        now[0] += cooldown_s
    assert breaker.admit()
    breaker.succeeded()
    breaker.failed(OSError("no answer"))
    assert breaker.wait_s == 30.0


def test_it_opens_after_failures_in_a_row_lets_one_trial_through_and_closes_when_that_is_answered() -> None:
    now = [100.0]
    breaker = CircuitBreaker(3, 10.0, lambda: now[0])
    for _ in range(2):
        breaker.failed(failure())
    breaker.succeeded()  # not in a row
    for _ in range(3):
        assert breaker.admit() and breaker.state == "closed"
        breaker.failed(failure())
    assert (breaker.admit(), breaker.state, breaker.wait_s) == (False, "open", 10.0)
    now[0] += 10.0
    assert breaker.state == "half-open"
    assert (breaker.admit(), breaker.admit()) == (True, False), "one trial only"
    breaker.failed(failure())
    assert (breaker.admit(), breaker.wait_s) == (False, 10.0), "a failed trial is enough for another cooldown"
    now[0] += 10.0
    assert breaker.admit()
    breaker.abandoned()
    assert breaker.admit(), "a trial that was given up leaves room for the next"
    breaker.succeeded()
    assert (breaker.state, breaker.admit(), breaker.admit()) == ("closed", True, True)
    assert breaker.facts() == {"breaker": "closed", "failures": 0, "retry_after_s": 0.0, "last_failure": None}


def test_a_retry_after_opens_it_at_once_for_ten_minutes_at_most() -> None:
    breaker = CircuitBreaker(3, 10.0, lambda: 0.0)
    breaker.failed(failure(), retry_after_s=42)
    assert (breaker.admit(), breaker.wait_s) == (False, 42)
    breaker.failed(failure())  # one that was on its way
    assert breaker.wait_s == 42
    breaker.failed(failure(), retry_after_s=1e9)
    assert breaker.wait_s == MAX_COOLDOWN_S


# --- in the service ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", [refuse(500), refuse(503), refuse(429), lambda answer: answer.drop()])
def test_an_upstream_that_keeps_failing_is_skipped_and_the_next_one_answers(
    ab: tuple[Stub, Stub], fault: Callable[[Answer], None], stream: bool
) -> None:
    ab[0].behave = fault
    app = app_of(*ab)
    asked = []
    for _ in range(FAILURES + 2):
        answer = ask(app, stream=stream)
        assert (answer.status_code, answer.headers["X-Huiyin-Upstream"]) == (200, ab[1].url)
        answer.close()
        asked.append(len(ab[0].asked))
    assert 0 < asked[0] < asked[1] == asked[2] == asked[3]
    assert breakers(app) == breakers(app, "/system") == ["open", "closed"]


def test_a_first_word_that_never_comes_counts_and_what_the_request_did_wrong_does_not(ab: tuple[Stub, Stub]) -> None:
    app = app_of(*ab, first_token_timeout_s=0.5, breaker_failures=1)
    ab[0].behave = refuse(400)
    assert ask(app).status_code == 400
    assert breakers(app) == ["closed", "closed"]
    ab[0].behave = silent
    ask(app, stream=True).close()
    assert breakers(app) == ["open", "closed"]


@pytest.mark.slow
def test_the_last_upstream_has_twice_as_long_for_its_first_word(ab: tuple[Stub, Stub]) -> None:
    ab[0].behave = ab[1].behave = silent
    answer = ask(app_of(*ab, first_token_timeout_s=0.2), stream=True)
    assert answer.status_code == 504
    first, second, *_ = answer.get_json()["error"]["message"].split("; ")
    assert ab[0].url in first and "within 0.2 s" in first
    assert ab[1].url in second and "within 0.4 s" in second


@pytest.mark.slow
def test_a_prompt_that_is_read_ahead_may_take_as_long_as_a_whole_reply(ab: tuple[Stub, Stub]) -> None:
    ab[0].behave = silent
    app = app_of(ab[0], first_token_timeout_s=0.2, reply_timeout_s=1.0)
    assert "within 1 s" in ask(app, stream=True, max_tokens=1).get_json()["error"]["message"]
    assert "within 0.4 s" in ask(app, stream=True, max_tokens=2).get_json()["error"]["message"]


def test_an_upstream_that_is_off_is_not_waited_for_again_also_for_its_models(ab: tuple[Stub, Stub]) -> None:
    off = f"http://127.0.0.1:{free_port()}/v1"
    settings = LlmSettings(upstreams=(off, ab[1].url), breaker_failures=1, breaker_rest_s=COOLDOWN_S)
    app = make_app(Settings(llm=settings))
    for _ in range(2):
        assert ask(app).status_code == 200
    assert breakers(app) == ["open", "closed"]
    listed = app.test_client().get("/v1/models").get_json()
    assert [model["id"] for model in listed["data"]] == ["model-b", "both"]
    assert listed["unreachable"][0]["upstream"] == off and "refused" in listed["unreachable"][0]["error"]


def in_five_minutes() -> str:
    return format_datetime(datetime.now(timezone.utc) + timedelta(seconds=300), usegmt=True)


@pytest.mark.parametrize(("wish", "low_s", "high_s"), [(lambda: "300", 240, 300), (in_five_minutes, 240, 300)])
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_as_seconds_or_as_a_date_keeps_it_out_for_that_time(
    ab: tuple[Stub, Stub], status: int, wish: Callable[[], str], low_s: int, high_s: int
) -> None:
    ab[0].behave = refuse(status, Retry_After=wish())
    app = app_of(*ab)
    for _ in range(3):
        assert ask(app).headers["X-Huiyin-Upstream"] == ab[1].url
    assert len(ab[0].asked) == 1
    (state, _) = app.test_client().get("/ready").get_json()["upstreams"]
    assert state["breaker"] == "open" and low_s <= state["retry_after_s"] <= high_s
    assert "no luck" in state["last_failure"]


def test_after_its_cooldown_it_is_tried_and_trusted_again(ab: tuple[Stub, Stub]) -> None:
    app = app_of(*ab, breaker_failures=1, breaker_rest_s=0.3)
    ab[0].behave = refuse(500)
    assert ask(app).headers["X-Huiyin-Upstream"] == ab[1].url
    ab[0].reset()
    until(lambda: ask(app).headers["X-Huiyin-Upstream"] == ab[0].url, "it is never tried again")
    assert breakers(app) == ["closed", "closed"]


def test_when_all_are_skipped_the_caller_is_told_so_and_when_to_come_back(ab: tuple[Stub, Stub], sdk: Sdk) -> None:
    app = app_of(*ab, breaker_failures=1)
    ab[0].behave, ab[1].behave = refuse(500, {"error": {"message": "boom"}}), refuse(429, Retry_After="300")
    ask(app)
    asked = len(ab[0].asked) + len(ab[1].asked)
    with pytest.raises(openai.InternalServerError) as caught:
        sdk(app).chat.completions.create(model="both", messages=HELLO)
    assert len(ab[0].asked) + len(ab[1].asked) == asked
    assert "boom" in caught.value.message and "is skipped for" in caught.value.message
    assert 1 <= int(caught.value.response.headers["Retry-After"]) <= 300


def test_each_upstream_has_its_own_model_and_the_lack_of_it_is_not_a_failure(ab: tuple[Stub, Stub]) -> None:
    for stub in ab:
        stub.models = None  # no list: the upstream itself must say that it has no such model
    app = app_of(*ab, upstream_model="big-one, second")
    ab[0].behave = refuse(404, {"error": {"message": "no such model", "code": "model_not_found"}})
    for _ in range(FAILURES + 1):
        assert ask(app, model="").headers["X-Huiyin-Upstream"] == ab[1].url
    assert [ab[0].asked[0].body["model"], ab[1].asked[0].body["model"]] == ["big-one", "second"]
    assert breakers(app) == ["closed", "closed"]


def test_no_more_replies_at_once_than_the_settings_allow(ab: tuple[Stub, Stub], sdk: Sdk) -> None:
    app = app_of(*ab, streams=1)
    first = app.test_client().post("/generate", json={"prompt": "hi"}, buffered=False)
    with pytest.raises(openai.RateLimitError, match="on their way"):
        sdk(app).chat.completions.create(model="", messages=HELLO)
    first.close()
    assert ask(app).status_code == 200
    ab[0].behave = ab[1].behave = refuse(400)
    for stream in (True, False, True):
        assert ask(app, stream=stream).status_code == 400, "a place was not freed"


# --- what the SDK makes of it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (401, openai.InternalServerError),  # the upstream's refusal of *our* key is not the caller's fault
    ],
)
def test_an_upstreams_refusal_is_the_sdks_own_exception(
    ab: tuple[Stub, Stub], sdk: Sdk, status: int, error: type[openai.APIStatusError], stream: bool
) -> None:
    ab[0].behave = ab[1].behave = refuse(status)
    with pytest.raises(error) as caught:
        sdk(app_of(*ab)).chat.completions.create(model="both", messages=HELLO, stream=stream)
    assert caught.value.code and caught.value.type and caught.value.body["hint"]  # type: ignore[index, call-overload]


def test_the_services_own_refusals_are_too(ab: tuple[Stub, Stub], sdk: Sdk) -> None:
    settings = LlmSettings(upstreams=(ab[0].url,))
    client = sdk(make_app(Settings(llm=settings, service=ServiceSettings(strict_models=True))))
    with pytest.raises(openai.NotFoundError, match="model-z"):
        client.chat.completions.create(model="model-z", messages=HELLO)
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("model-z")
    with pytest.raises(openai.BadRequestError, match="temperature"):
        client.chat.completions.create(model="", messages=HELLO, temperature=9)
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model="", input="hi")
    locked = make_app(Settings(llm=LlmSettings(upstreams=(ab[0].url,)), service=ServiceSettings(api_key="s3cret")))
    with pytest.raises(openai.AuthenticationError, match="wants a key") as caught:
        sdk(locked, "s3cret").chat.completions.create(model="", messages=HELLO)
    assert "s3cret" not in str(caught.value.body)


def test_a_stream_that_fails_on_the_way_raises_too(ab: tuple[Stub, Stub], sdk: Sdk) -> None:
    def breaks_off(answer: Answer) -> None:
        answer.start()
        answer.say("one", done=False)
        answer.event({"error": {"message": "out of memory", "code": "oom"}})
        answer.end()

    ab[0].behave = breaks_off
    stream = sdk(app_of(ab[0])).chat.completions.create(model="", messages=HELLO, stream=True)
    received = []
    with pytest.raises(openai.APIError, match="out of memory") as caught:
        for chunk in stream:
            received.append(chunk.choices[0].delta.content)
    assert (received, caught.value.code) == (["one"], "oom")
