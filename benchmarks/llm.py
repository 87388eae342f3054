"""How fast the embedded model answers in a conversation: ``python -m benchmarks.llm [--turns 40]``.

A service of its own is started and talked to as `huiyin talk` does: the persona is read before the first turn, and the
history, trimmed in steps, after each reply, while it would be spoken. As long as the prompt cache holds all that, the
time to the first word is that of the user's words alone. (What the proxy adds: ``python -m benchmarks.llm_proxy``.)
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from typing import Any

import requests

from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.dialogue.history import HeardClause, History, HistoryLimit
from huiyin.configs import settings as config
from tests.support.service_process import start_service

TURNS = (  # the second and the tenth are equally long: they are compared
    "你好，今天天气怎么样？",
    "我昨天考试没有考好，心里有点难过。",
    "那我应该怎么办呢？",
    "Could you tell me a joke?",
    "What is the capital of France?",
    "给我讲一个短故事吧。",
    "你喜欢什么颜色？",
    "How do airplanes fly?",
    "谢谢你，我感觉好多了。",
    "我明天还要早起，现在该去睡觉了。",
)
EARLY, LATE = 2, 10
WANTED = 1.3  # first word of turn LATE / turn EARLY, at most
REPLY_TOKENS = 40
LONG_TOKENS = 128
TIMEOUT_S = 120.0


def main() -> int:
    """Prints the table. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="", help="GGUF in the model store, or a path (default: the settings')")
    parser.add_argument("--persona", default="huiyin", help="name or path (default huiyin)")
    parser.add_argument("--turns", type=int, default=LATE, help="of a conversation; 40 shows the trimming (default 10)")
    parser.add_argument("--conversations", type=int, default=1, help="one after the other; medians (default 1)")
    args = parser.parse_args()
    settings = {"model": args.model} if args.model else {}
    started = time.perf_counter()
    with start_service("llm", upstreams="embedded", **settings) as url:
        ready_s = time.perf_counter() - started
        facts = requests.get(f"{url}/system").json()
        print(f"{facts['model']}: /ready {ready_s:.2f} s after the start (model loaded in {facts['load_s']:.2f} s)")
        talks = [_converse(url, args.persona, args.turns, number) for number in range(args.conversations)]
        firsts = [statistics.median(times) for times in zip(*talks, strict=True)]
        story = [{"role": "user", "content": "请讲一个很长很长的故事。"}]
        _, _, timings = _ask(url, story, LONG_TOKENS)
        facts = requests.get(f"{url}/system").json()
        memory_mb = facts["rss_mb"] + facts["upstreams"][0]["rss_mb"]
        print(
            f"first word: turn 1 {firsts[0]:.2f} s, then p50 {statistics.median(firsts[1:]):.2f} s, "
            f"longest {max(firsts[1:]):.2f} s; a long reply: {timings['predicted_per_second']:.1f} tokens/s; "
            f"resident {memory_mb:.0f} MB"
        )
        if len(firsts) >= LATE:
            ratio = firsts[LATE - 1] / firsts[EARLY - 1]
            print(f"first word of turn {LATE} / turn {EARLY}: {ratio:.2f}  wanted: at most {WANTED:g}")
    return 0


def _converse(url: str, name: str, turns: int, number: int) -> list[float]:
    """Seconds to the first word of each turn. `number` makes conversations differ, so that none knows another's."""
    persona, history, talk = load_persona(name), History(), config.load().talk
    limit = HistoryLimit(talk.history_tokens, talk.history_turns)
    before_s, _, _ = _ask(url, persona.messages(history, ""), 1)
    print(f"conversation {number + 1}: the persona is read in {before_s:.2f} s")
    print("turn  first word s  prompt tokens: new (known)  tokens/s  read ahead s")
    firsts = []
    for at in range(turns):
        words = TURNS[at % len(TURNS)] if at else f"你好，我是{number + 1}号。"
        first_s, text, timings = _ask(url, persona.messages(history, words), REPLY_TOKENS)
        history.commit(words, [HeardClause(text, 1.0)], interrupted=False)
        gone = len(history.surplus(limit))
        history.forget(gone, history.summary)
        ahead_s, _, _ = _ask(url, persona.messages(history, ""), 1)
        firsts.append(first_s)
        known = f"{timings['prompt_n']:>4} ({timings['cache_n']})"
        rate, note = timings["predicted_per_second"], f"  {gone} old turns go" if gone else ""
        print(f"{at + 1:>4}  {first_s:>12.3f}  {known:>27}  {rate:>8.1f}  {ahead_s:>12.2f}{note}")
    return firsts


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


if __name__ == "__main__":
    raise SystemExit(main())
