"""How fast the embedded model answers, and what the proxy adds: ``python -m benchmarks.llm [embedded|proxy]``.

embedded: a service of its own is started; a conversation of ten turns, each asked once, shows the time to the first
word with a cold and a warm prefix, the rate, and the memory. proxy: a stub upstream on this machine answers at once;
it is asked directly and through the proxy by turns, so that whatever else the machine does hits both.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import multiprocessing
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

import requests

from tests.service_process import start_service
from tests.stub_upstream import Answer, Stub

PERSONA = (
    "你是回音，一个语音助手。你的回答会被朗读出来，所以要简短、口语化，不用列表、表情或标记。先回应对方的心情，"
    "再回答问题。用户说中文就用中文回答，说英文就用英文回答。You are Huiyin, a voice assistant. Your replies are "
    "spoken aloud, so keep them short and plain. If a line in brackets describes how the user sounds, let it shape "
    "your answer, but never mention it."
)
TURNS = (
    "你好，今天天气怎么样？",
    "我昨天考试没有考好，心里有点难过。",
    "那我应该怎么办呢？",
    "Could you tell me a joke?",
    "What is the capital of France?",
    "给我讲一个短故事吧。",
    "你喜欢什么颜色？",
    "How do airplanes fly?",
    "谢谢你，我感觉好多了。",
    "那我们明天再聊。",
)
REPLY_TOKENS = 40
LONG_TOKENS = 128
STUB_WORDS = 20
STREAMS = 50
CROWD_WORDS_S = 20.0  # as a large model on a good machine
ROUND = 20  # requests one way, then the other
TIMEOUT_S = 120.0


def main() -> int:
    """Prints the tables. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("all", "embedded", "proxy"), default="all")
    parser.add_argument("--model", default="", help="GGUF in the model store, or a path (default: the settings')")
    parser.add_argument("--repeats", type=int, default=200, help="replies timed each way")
    args = parser.parse_args()
    if args.what != "proxy":
        _embedded({"model": args.model} if args.model else {})
    if args.what != "embedded":
        _proxy(args.repeats)
    return 0


def _embedded(settings: dict[str, str]) -> None:
    started = time.perf_counter()
    with start_service("llm", upstreams="embedded", **settings) as url:
        ready_s = time.perf_counter() - started
        facts = requests.get(f"{url}/system").json()
        print(f"{facts['model']}: /ready {ready_s:.2f} s after the start (model loaded in {facts['load_s']:.2f} s)")
        print("turn  first word s  prompt tokens: new (known)  tokens/s")
        talk: list[dict[str, str]] = [{"role": "system", "content": PERSONA}]
        firsts = []
        for number, words in enumerate(TURNS, 1):
            talk.append({"role": "user", "content": words})
            first_s, text, timings = _ask(url, talk, REPLY_TOKENS)
            talk.append({"role": "assistant", "content": text})
            firsts.append(first_s)
            known = f"{timings['prompt_n']:>4} ({timings['cache_n']})"
            print(f"{number:>4}  {first_s:>12.3f}  {known:>27}  {timings['predicted_per_second']:>8.1f}")
        story = [{"role": "user", "content": "请讲一个很长很长的故事。"}]
        _, _, timings = _ask(url, story, LONG_TOKENS)
        facts = requests.get(f"{url}/system").json()
        memory_mb = facts["rss_mb"] + facts["upstreams"][0]["rss_mb"]
        print(
            f"first word: cold {firsts[0]:.2f} s, then p50 {statistics.median(firsts[1:]):.2f} s; "
            f"turn 10 / turn 2: {firsts[9] / firsts[1]:.2f}; "
            f"a long reply: {timings['predicted_per_second']:.1f} tokens/s; resident {memory_mb:.0f} MB\n"
        )


def _ask(url: str, messages: list[dict[str, str]], tokens: int) -> tuple[float, str, dict[str, Any]]:
    """Seconds to the first word, the reply, and the model's own timings."""
    body = {"messages": messages, "max_tokens": tokens, "stream": True, "temperature": 0}
    started = time.perf_counter()
    answer = requests.post(f"{url}/v1/chat/completions", json=body, stream=True, timeout=TIMEOUT_S)
    first_s, text, timings = 0.0, "", {}
    for line in answer.iter_lines(1):
        if not line.startswith(b"data: {"):
            continue
        chunk = json.loads(line[6:])
        timings = chunk.get("timings", timings)
        word = chunk["choices"][0]["delta"].get("content")
        if word:
            first_s = first_s or time.perf_counter() - started
            text += word
    return first_s, text, timings


def _proxy(repeats: int) -> None:
    with _stub() as upstream, start_service("llm", upstreams=upstream, service__threads=STREAMS + 10) as proxy:
        ways = {"direct": upstream, "proxied": f"{proxy}/v1"}
        for streams in (0, STREAMS):
            times: dict[str, list[float]] = {way: [] for way in ways}
            while len(times["direct"]) < repeats:
                for way, url in ways.items():
                    with _crowd(url, streams):
                        times[way] += [_first_word_ms(url) for _ in range(ROUND)]
            _show(f"{streams} other streams", times)


@contextmanager
def _crowd(base_url: str, streams: int) -> Iterator[None]:
    """Other callers, each with a stream of CROWD_WORDS_S words a second, until the block ends."""
    over, begun = threading.Event(), threading.Barrier(streams + 1)
    threads = [threading.Thread(target=_listen, args=(base_url, begun, over)) for _ in range(streams)]
    for thread in threads:
        thread.start()
        time.sleep(1 / CROWD_WORDS_S / streams)  # spread, as real callers are
    begun.wait(TIMEOUT_S)
    yield
    over.set()
    for thread in threads:
        thread.join()


def _listen(base_url: str, begun: threading.Barrier, over: threading.Event) -> None:
    connection, answer = _open(base_url, pace_s=1 / CROWD_WORDS_S)
    begun.wait(TIMEOUT_S)
    while not over.is_set() and answer.read1(65536):
        pass
    connection.close()


def _open(base_url: str, **more: object) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    host, _, path = base_url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=TIMEOUT_S)
    body = json.dumps({"messages": [{"role": "user", "content": "hi"}], "stream": True, "model": "", **more})
    connection.request("POST", f"/{path}/chat/completions", body, {"Content-Type": "application/json"})
    return connection, connection.getresponse()


def _first_word_ms(base_url: str) -> float:
    """Time to the first word of one streamed reply, read to its end."""
    started = time.perf_counter()
    connection, answer = _open(base_url)
    said = answer.read1(65536)
    while b'"word' not in said:
        said += answer.read1(65536)
    first_ms = (time.perf_counter() - started) * 1000
    said += answer.read()
    connection.close()
    words = [said.find(b'"word%d ' % number) for number in range(STUB_WORDS)]
    assert words == sorted(words) and words[0] > 0, "words were lost or came in another order"
    return first_ms


def _show(title: str, times: dict[str, list[float]]) -> None:
    direct, proxied = (_quantiles(times[way]) for way in ("direct", "proxied"))
    print(f"first word of a stub upstream, {title} ({len(times['direct'])} each): ms p50 / p99")
    print(f"  direct   {direct[0]:7.2f} {direct[1]:7.2f}\n  proxied  {proxied[0]:7.2f} {proxied[1]:7.2f}")
    print(f"  added    {proxied[0] - direct[0]:7.2f} {proxied[1] - direct[1]:7.2f}")


def _quantiles(values: list[float]) -> tuple[float, float]:
    return statistics.median(values), statistics.quantiles(values, n=100)[98]


@contextmanager
def _stub() -> Iterator[str]:
    """A stub upstream in a process of its own; gives its base URL."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run_stub, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("stop")
        process.join(10)


def _run_stub(pipe: Connection) -> None:
    def behave(answer: Answer) -> None:
        answer.start()
        if pace_s := answer.seen.body.get("pace_s"):
            with contextlib.suppress(OSError):
                while True:
                    answer.say("word ", done=False)
                    time.sleep(pace_s)
        answer.say(*(f"word{number} " for number in range(STUB_WORDS)))

    with Stub("stub") as stub:
        stub.behave = behave
        pipe.send(stub.url)
        pipe.recv()


if __name__ == "__main__":
    raise SystemExit(main())
