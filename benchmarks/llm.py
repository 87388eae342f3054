"""How fast the embedded model answers in a conversation: ``python -m benchmarks.llm [--turns 40]``.

A service is started and asked as `huiyin talk` asks it: it reads the persona before the first turn, and the history,
trimmed in steps, after each reply, in the background. As long as the prompt cache holds all that, the time to the
first word is that of the user's words alone. With ``--together 4`` four users talk at once, each 6 s after a reply.
(What the proxy adds: ``python -m benchmarks.llm_proxy``.)
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from benchmarks.command import as_command, language_model, one_or_more, two_or_more
from benchmarks.output import show, tell
from benchmarks.sentences import TEXTS
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.dialogue.history import HeardClause, History, HistoryLimit, Message
from huiyin.assistant.dialogue.tools import Tool
from huiyin.configs import settings as config
from tests.support.service_process import start_service

TURNS = TEXTS["llm"]["turns"]
EARLY = 2
LATE = 10
TARGET = 1.3  # first word of turn LATE / turn EARLY, at most
REPLY_TOKENS = 40
LONG_TOKENS = 128
TIMEOUT_S = 300.0
PAUSE_S = 6.0  # of several users at once: they listen to the reply, and speak


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", type=language_model, help="GGUF in the model store, or a path (default: the settings')"
    )
    parser.add_argument("--persona", default="huiyin", help="name or path (default huiyin)")
    parser.add_argument(
        "--turns", type=two_or_more, default=LATE, help="of a conversation; 40 shows the trimming (default 10)"
    )
    parser.add_argument("--conversations", type=one_or_more, default=1, help="one after the other; medians (default 1)")
    parser.add_argument("--together", type=one_or_more, default=1, help="conversations at once; medians (default 1)")
    args = parser.parse_args()
    settings = {"model": args.model} if args.model else {}
    started = time.perf_counter()
    with start_service("llm", upstreams="embedded", **settings) as url:
        ready_s = time.perf_counter() - started
        pause_s = PAUSE_S if args.together > 1 else 0.0
        with ThreadPoolExecutor(args.together) as users:
            numbers = range(args.conversations * args.together)
            talks = list(users.map(lambda number: _converse(url, args.persona, args.turns, number, pause_s), numbers))
        firsts = [statistics.median(times) for times in zip(*talks, strict=True)]
        story = [{"role": "user", "content": "请讲一个很长很长的故事。"}]
        _, _, timings = ask(url, story, LONG_TOKENS)
        facts = requests.get(f"{url}/system").json()
    rows = [
        ["ready after the start", f"{ready_s:.2f} s"],
        ["first word of turn 1", f"{firsts[0]:.2f} s"],
        ["of the other turns, p50", f"{statistics.median(firsts[1:]):.2f} s"],
        ["of the other turns, longest", f"{max(max(times[1:]) for times in talks):.2f} s"],
        ["a long reply", f"{timings['predicted_per_second']:.1f} tokens/s"],
        ["memory", f"{facts['rss_mb'] + facts['upstreams'][0]['rss_mb']:.0f} MB"],
    ]
    if len(firsts) >= LATE:
        ratio = firsts[LATE - 1] / firsts[EARLY - 1]
        rows.append([f"first word of turn {LATE} / turn {EARLY} (≤ {TARGET:g})", f"{ratio:.2f}"])
    show((facts["model"], ""), rows)


def _converse(url: str, name: str, turns: int, number: int, pause_s: float) -> list[float]:
    """Seconds to the first word of each turn. `number` makes conversations differ, so that none is in the cache."""
    persona, history, talk = load_persona(name), History(), config.load().talk
    limit = HistoryLimit(talk.history_tokens, talk.history_turns)
    session = f"benchmark-{number}"
    persona_s, _, _ = ask(url, persona.messages(history, ""), 1, session)
    tell(f"conversation {number + 1}: the persona is read in {persona_s:.2f} s")
    firsts = []
    for at in range(turns):
        words = TURNS[at % len(TURNS)] if at else f"你好，我是{number + 1}号。"
        first_s, text, timings = ask(url, persona.messages(history, words), REPLY_TOKENS, session)
        firsts.append(first_s)
        history.commit(words, [HeardClause(text, 1.0)], interrupted=False)
        dropped = len(history.surplus(limit))
        history.forget(dropped, history.summary)
        ahead_s, _, _ = ask(url, persona.messages(history, ""), 1, session, background=True)
        tell(
            f"turn {at + 1}: first word {first_s:.3f} s, prompt of {timings['prompt_n']} new tokens and "
            f"{timings['cache_n']} cached, {timings['predicted_per_second']:.1f} tokens/s, read ahead {ahead_s:.2f} s,"
            f" {dropped} old turns dropped"
        )
        time.sleep(pause_s)
    return firsts


def ask(
    url: str, messages: Sequence[Message], tokens: int, session: str = "", *, background: bool = False,
    tools: Sequence[Tool] = (),
) -> tuple[float, str, dict[str, Any]]:  # fmt: skip
    """Seconds to the first word, the reply, and the model's own timings."""
    body: dict[str, Any] = {"messages": messages, "max_tokens": tokens, "stream": True, "temperature": 0}
    if tools:
        body["tools"] = [tool.as_openai() for tool in tools]
    started = time.perf_counter()
    headers = {"X-Huiyin-Session": session, "X-Huiyin-Priority": "background" if background else "normal"}
    answer = requests.post(f"{url}/v1/chat/completions", json=body, headers=headers, stream=True, timeout=TIMEOUT_S)
    answer.raise_for_status()
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
    as_command(main)
