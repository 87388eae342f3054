"""A long day and a crowd: five hundred turns leave nothing behind, two hundred streams at once lose nothing."""

from __future__ import annotations

import itertools
from typing import Any

import psutil
import pytest
import requests

from benchmarks.llm_stub import call, stub_upstream
from tests.support.limits import PATIENCE_S
from tests.support.service_process import start_service
from tests.support.stub_upstream import Answer, Stub, completion, delta

pytestmark = pytest.mark.slow

TURNS = 500
WARM_TURNS = 150  # by then threads, buffers and caches are there
GROWTH_MB = 4.0  # of some 70; a leak of a kilobyte a word would be 10
REMEMBERED = 20  # turns of history that go along, as in a conversation
WORDS = 20


def upstream(answer: Answer) -> None:
    """What it does stands in the request."""
    what = answer.seen.body["what"]
    if what == "whole":
        return answer.whole(completion("word " * WORDS))
    if what == "fails":
        return answer.whole({"error": {"message": "boom"}}, 500)
    answer.start()
    answer.event(delta(role="assistant", content=""))
    answer.say("<think>hm</think>", *("word " for _ in range(WORDS)), done=what == "streamed")
    if what == "left":
        answer.wait_for_leaving()
    elif what == "breaks":
        answer.drop()
    return None


def turn(service: str, what: str, history: list[Any]) -> str:
    body = {"messages": history, "stream": what != "whole", "what": what}
    with requests.post(f"{service}/v1/chat/completions", json=body, stream=True, timeout=PATIENCE_S) as answer:
        if what == "left":
            next(answer.iter_lines())
            return ""
        return answer.text


def left_behind(process: psutil.Process) -> tuple[float, int]:
    """Resident MB and open files of a service and its worker."""
    family = [process, *process.children(recursive=True)]
    return sum(p.memory_info().rss for p in family) / 2**20, sum(p.num_fds() for p in family)


@pytest.mark.skipif(not hasattr(psutil.Process, "num_fds"), reason="counts open files as POSIX does")
def test_memory_and_open_files_stay_where_they_are_over_five_hundred_turns() -> None:
    kinds = itertools.cycle(["streamed", "streamed", "whole", "streamed", "left", "streamed", "fails", "breaks"])
    with Stub("stub") as stub, start_service("llm", upstreams=stub.url, breaker_failures=100) as service:
        stub.behave = upstream
        port = service.rsplit(":", 1)[1]
        (process,) = [child for child in psutil.Process().children() if port in child.cmdline()]
        history: list[Any] = [{"role": "system", "content": "You are Huiyin. " * 20}]
        warm = left_behind(process)
        for number, what in zip(range(TURNS), kinds, strict=False):
            history.append({"role": "user", "content": f"{number}: 今天怎么样？"})
            said = turn(service, what, history)
            assert what == "left" or said.count("word ") == (0 if what == "fails" else WORDS), (number, what, said)
            history.append({"role": "assistant", "content": "word " * WORDS})
            history = [history[0], *history[1:][-2 * REMEMBERED :]]
            stub.seen.clear()
            if number == WARM_TURNS:
                warm = left_behind(process)
        mb, files = left_behind(process)
    print(f"{warm[0]:.1f} MB and {warm[1]} files after {WARM_TURNS} turns, {mb:.1f} and {files} after {TURNS}")
    assert mb - warm[0] < GROWTH_MB
    assert files - warm[1] <= 8  # a connection that is just being closed


def test_two_hundred_streams_at_once_lose_no_word_and_keep_their_order() -> None:
    with stub_upstream() as url, start_service("llm", upstreams=url) as service:
        received = call(f"{service}/v1", callers=200, words=80, pace_s=1 / 40, seconds=3)
    assert not received.faults
    assert received.streams >= 200 and received.words == 80 * received.streams
