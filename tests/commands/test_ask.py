"""`huiyin ask`, with a language model whose answers are stated."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from huiyin.assistant.faces.cli import main
from tests.support.stub_upstream import Answer, Stub, delta


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """What stands at the port of the language model's service, and is taken to run."""
    monkeypatch.setattr("huiyin.assistant.clients.launcher.Launcher.start", lambda self, names: None)
    with Stub() as stub:
        monkeypatch.setenv("HUIYIN_LLM_PORT", str(stub.port))
        yield stub


def cut_off(*pieces: str) -> Callable[[Answer], None]:
    def answers(answer: Answer) -> None:
        answer.start()
        for piece in pieces:
            answer.event(delta(piece))
        answer.event(delta(finish="length"))
        answer.write(b"data: [DONE]\n\n")
        answer.end()

    return answers


def test_an_answer_that_is_cut_off_says_so(service: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    service.behave = cut_off("Once upon a")
    assert main.main(["ask", "tell me a story", "--set", "llm.max_new_tokens=3"]) == 0
    out, err = capsys.readouterr()
    assert out == "Once upon a\n"
    assert (
        err == "huiyin: the answer is cut off at its limit (at most 3 tokens); --set llm.max_new_tokens=N allows more\n"
    )


def test_an_answer_that_is_cut_off_before_its_first_word_says_so(
    service: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    service.behave = cut_off()
    assert main.main(["ask", "tell me a story", "--set", "llm.max_new_tokens=3"]) == 1
    out, err = capsys.readouterr()
    assert (out, "at most 3 tokens" in err, "llm.max_new_tokens=N" in err) == ("", True, True)


def test_a_model_that_is_named_is_the_one_that_answers(service: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["ask", "hi"]) == main.main(["ask", "hi", "--model", "qwen3:8b"]) == 0
    assert capsys.readouterr() == ("hello there\n" * 2, "")
    anything, named = service.asked
    assert "x-huiyin-strict-model" not in anything.headers
    assert (named.headers["x-huiyin-strict-model"], named.body["model"]) == ("true", "qwen3:8b")
