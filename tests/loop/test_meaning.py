"""`means: TEXT`: a language model judges a reply; what it was asked and what it said stand in the report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from xml.etree import ElementTree as xml

import numpy as np
import pytest

from huiyin.assistant.scenario.api import Result, ScenarioError, parse, simulate
from huiyin.assistant.scenario.meaning import FORMS, Question, read_answer
from huiyin.assistant.scenario.meaning_judge import MeaningJudge
from huiyin.assistant.scenario.needs import lacking
from huiyin.assistant.scenario.report import json_report, junit_report
from huiyin.configs.settings import SimulateSettings, load
from tests.support.service_process import free_port
from tests.support.simple_agent import good
from tests.support.stub_upstream import Answer, Stub, completion
from tests.support.virtual_agent import play_to

CLAIM = "It is thirty metres high."
TALK = parse(
    {"turns": [{"user": "How tall is it?", "reply": "Thirty metres, without the lamp.", "expect": {"means": CLAIM}}]}
)


@pytest.fixture
def server() -> Iterator[Stub]:
    with Stub("large") as stub:
        yield stub


def judge(url: str, model: str = "") -> MeaningJudge:
    settings = replace(load(environ={}), simulate=SimulateSettings(url, model))
    return MeaningJudge(settings, {"HUIYIN_JUDGE_API_KEY": "sk-test"})


def judged(server: Stub, answer: str) -> Result:
    server.behave = lambda each: each.whole(completion(answer))
    return simulate(TALK).judged(judge(server.url))


def test_with_simulated_services_in_virtual_time_nobody_judges_and_the_report_says_so() -> None:
    result = simulate(TALK)
    assert result.passed and len(result.outcomes) == 0
    assert "0/0 expectations, 1 not judged" in result.report()
    assert f"means “{CLAIM}”: not judged" in result.report(verbose=True)
    (case,) = json.loads(json_report([result]))["scenarios"]
    assert case["not_judged"][0]["claim"] == CLAIM
    assert "not judged" in (xml.fromstring(junit_report([result]).encode()).findtext("testcase/system-out") or "")


def test_a_reply_that_means_it_is_met_and_the_report_has_the_prompt(server: Stub) -> None:
    result = judged(server, '{"reason": "thirty metres is said", "verdict": "yes"}')
    assert result.passed and not result.not_judged
    (case,) = json.loads(json_report([result]))["scenarios"]
    verdict = case["expectations"][0]["verdict"]
    sent = server.asked[0]
    assert (verdict["decision"], verdict["model"], verdict["forced"]) == ("yes", "stub", True)
    assert verdict["prompt"] == "\n".join(f"[{each['role']}]\n{each['content']}" for each in sent.body["messages"])
    for part in ("How tall is it?", "Thirty metres, without the lamp.", CLAIM):
        assert part in verdict["prompt"]
    assert sent.headers["authorization"] == "Bearer sk-test"
    assert (sent.body["temperature"], sent.body["response_format"]["type"]) == (0, "json_schema")
    assert verdict["prompt"].splitlines()[-1] in result.report(verbose=True)


def test_a_reply_that_does_not_mean_it_fails_with_the_reason(server: Stub) -> None:
    result = judged(server, '{"reason": "it says forty", "verdict": "no"}')
    assert [each.problem for each in result.failures] == [
        f"means “{CLAIM}”: no: it says forty (the reply: “Thirty metres, without the lamp.”)"
    ]
    failure = xml.fromstring(junit_report([result]).encode()).find("testcase/failure")
    assert failure is not None and "it says forty" in failure.get("message", "")
    assert "asked of stub:" in (failure.text or "") and CLAIM in (failure.text or "")
    assert "  | Claim about the reply" in result.report()


@pytest.mark.parametrize("answer", ["It may well be.", '{"verdict": "perhaps"}', "", '["yes"]'])
def test_what_is_no_verdict_is_undecided_and_fails_in_its_own_words(server: Stub, answer: str) -> None:
    (failure,) = judged(server, answer).failures
    assert f"undecided, the judge wrote “{answer}”" in failure.problem


@pytest.mark.parametrize("answer", ["Yes.", '```json\n{"verdict": "yes"}\n```', ' {"verdict": "yes", "reason": "so"}'])
def test_a_verdict_is_read_where_nothing_forces_its_form(answer: str) -> None:
    assert read_answer(answer)[0] == "yes"


def test_a_server_that_knows_no_form_is_asked_without(server: Stub) -> None:
    def refuses(each: Answer) -> None:
        known = "response_format" not in each.seen.body
        each.whole(completion("no") if known else {"error": {"message": "unknown field"}}, 200 if known else 400)

    server.behave = refuses
    ask = judge(server.url)
    question = Question(1, 1, 0.0, "How tall?", "Forty metres.", CLAIM)
    assert [(each.decision, each.forced) for each in (ask(question), ask(question))] == [("no", False)] * 2
    assert len(server.asked) == 3, "what was refused is not sent again"
    assert FORMS[1].items() <= server.asked[-1].body.items()


def test_a_judge_that_breaks_down_meanwhile_has_not_decided(server: Stub) -> None:
    server.behave = lambda each: each.whole({"error": {"message": "out of memory"}}, 500)
    (failure,) = simulate(TALK).judged(judge(server.url)).failures
    assert "undecided" in failure.problem and "out of memory" in failure.problem


def test_the_first_model_of_a_server_is_asked_or_the_one_that_is_named(server: Stub) -> None:
    server.behave = lambda each: each.whole(completion("yes"))
    for named, asked in (("", "large"), ("small", "small")):
        ask = judge(server.url.removesuffix("/v1"), named)
        ask.check()
        ask(Question(1, 1, 0.0, "", "a", "b"))
        assert server.asked[-1].body["model"] == asked


def test_where_no_model_runs_it_is_said_before_anything_is_played() -> None:
    with pytest.raises(ScenarioError, match="judged by a language model, and none answers at") as refusal:
        judge(f"http://127.0.0.1:{free_port()}/v1").check()
    assert "huiyin serve llm" in refusal.value.hint
    settings = load(environ={}, overrides=[f"llm.port={free_port()}"])
    with pytest.raises(ScenarioError, match="none answers"):
        simulate(replace(TALK, depths=("live",)), settings=settings)


def test_no_reply_means_nothing() -> None:
    result = play_to(np.zeros_like, TALK, lambda sound: "words")
    assert [each.problem for each in result.failures] == [f"means “{CLAIM}”: nothing was said"]


def test_of_an_agent_it_is_judged_by_the_words_that_were_recognised(server: Stub) -> None:
    server.behave = lambda each: each.whole(completion("yes"))
    result = play_to(good().exchange, TALK, lambda sound: "it has thirty metres").judged(judge(server.url))
    assert [each.met for each in result.outcomes] == [True]
    assert '"it has thirty metres"' in server.asked[0].body["messages"][1]["content"]
    assert len(play_to(good().exchange, TALK).unseen) == 1, "without a recogniser there are no words"


def test_a_scripted_reply_does_not_keep_it_from_real_services() -> None:
    assert lacking(TALK, "live", real_services=True) is None
