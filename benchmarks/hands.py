"""What tools and memory cost: ``python -m benchmarks.hands [calls] [prompts] [memory]``, by default all.

calls: from a model's call of a tool of an MCP server, a program on this machine, to its result in the next prompt; the
tool itself takes no time. prompts: what the embedded model has to read with no, 3 and 40 tools, before the first turn
and in each. memory: a turn with 500 remembered facts beside one with none, of which none fits the words, or some do.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import product
from pathlib import Path

from benchmarks.command import as_command
from benchmarks.llm import ask
from benchmarks.output import show, tell
from huiyin.assistant.conversation.hands import Hands
from huiyin.assistant.conversation.http_stages import NoVoice
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.stages import Parts, TurnSoFar
from huiyin.assistant.conversation.world import Plan, RealWorld, Source
from huiyin.assistant.dialogue.history import History, Message
from huiyin.assistant.dialogue.situation import Situation
from huiyin.assistant.dialogue.tokens import message_tokens
from huiyin.assistant.dialogue.tools import CalledTool, Tool, ToolChoice
from huiyin.assistant.ports.desktop import SilentDevice
from huiyin.assistant.ports.local import LocalPort
from huiyin.assistant.tools.assemble import builtin_tools
from huiyin.assistant.tools.mcp_servers import McpServers
from huiyin.assistant.tools.memory import Memory
from huiyin.assistant.tools.own import own_tool
from huiyin.assistant.tools.reminders import Reminders
from huiyin.assistant.tools.servers_file import ServerSettings
from huiyin.assistant.tools.toolbox import Toolbox, prompt_tokens
from huiyin.assistant.turns.events import Transcript
from huiyin.configs.settings import load
from tests.support import ROOT
from tests.support.service_process import start_service

CALLS = 200
CALL_LIMIT_MS = 15.0
FACTS = 500
LATENCY_LIMIT = 1.05  # times that without facts
REPEATS = 7
_WEATHER = CalledTool("", "weather", '{"city": "Ulm"}')
_NO_FIT = ("How do I sleep better?", "Tell me something about volcanoes.", "怎样才能睡得更好？", "讲讲火山吧。")
_FITS = ("What does Anna like to drink?", "Where does Tom work?", "小丽喜欢喝什么？", "我的车停在哪里？")
_HMS = ("Well", "嗯", "Um", "好", "Listen", "对了", "Right")  # so that no question is asked twice
_PEOPLE = ("Anna", "Tom", "Maria", "Paul", "Lena", "小丽", "老王", "妈妈", "爸爸", "阿强")
_LIKES = (
    "green tea",
    "black coffee",
    "swimming on Sundays",
    "old films",
    "绿茶",
    "爬山",
    "下棋",
    "京剧",
    "cats",
    "jazz",
)
_PLACES = ("the harbour", "a bakery in Ulm", "the town library", "一家医院", "一所中学")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="calls, prompts, memory")
    wanted = parser.parse_args().what
    benchmarks: dict[str, Callable[[], None]] = {"calls": _calls, "prompts": _prompts, "memory": _memory}
    if unknown := set(wanted) - benchmarks.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    for name, benchmark in benchmarks.items():
        if not wanted or name in wanted:
            benchmark()


# -- calls


class _Caller:
    """A recogniser and a model; it calls the weather for each words of the user, and notes when the result came."""

    def __init__(self, done: Callable[[], None]) -> None:
        self.took_s: list[float] = []
        self._done, self._called_s = done, 0.0

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        return Plan([], 0.0)

    def ask(
        self, generation: int, messages: Sequence[Message], tools: Sequence[Tool] = (), tool_choice: ToolChoice = "auto"
    ) -> Source[str | CalledTool]:
        now_s = time.perf_counter()
        if messages[-1]["role"] == "user":
            self._called_s = now_s
            return Plan([(0.0, _WEATHER)], 0.0)
        if messages[-1] != {**messages[-1], "role": "tool", "content": "sunny in Ulm"}:
            raise SystemExit(f"no result, but {messages[-1]}")
        self.took_s.append(now_s - self._called_s)
        self._done()
        return Plan([(0.0, "Sunny.")], 0.0)

    def warm(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> None:
        pass

    def summarise(self, messages: Sequence[Message]) -> Source[str]:
        return Plan([], 0.0)


def _calls() -> None:
    settings, world = load(environ={}), RealWorld()
    things = ServerSettings("things", sys.executable, ("-m", "tests.support.mcp_server"), cwd=str(ROOT))
    with McpServers([things], tell, connect_timeout_s=60, timeout_s=10) as servers:

        def next_turn() -> None:
            if len(caller.took_s) < CALLS:
                world.after(0.05, lambda: session.type("How is the weather?"))
            else:
                world.after(0.05, world.stop)

        caller = _Caller(next_turn)
        port = LocalPort(SilentDevice())
        session = Session(world, port, None, load_persona("huiyin"), Parts(caller, caller, NoVoice()), settings)
        Hands(world, Toolbox([], [servers]), settings).join(session)
        world.at(0.0, session.start)
        next_turn()
        world.run()
        session.close()
        bare_s = []
        for _ in range(CALLS):
            began_s = time.perf_counter()
            servers.call("weather", {"city": "Ulm"}).one()
            bare_s.append(time.perf_counter() - began_s)
    rows = [[name, *_milliseconds(times)] for name, times in (("in a conversation", caller.took_s), ("alone", bare_s))]
    show((f"a call of an MCP server, {CALLS} of them (p50 ≤ {CALL_LIMIT_MS:g} ms)", "p50", "p95"), rows)


def _milliseconds(times_s: Sequence[float]) -> list[str]:
    p95 = sorted(times_s)[int(0.95 * len(times_s))]
    return [f"{value * 1000:.1f} ms" for value in (statistics.median(times_s), p95)]


# -- prompts


class _Things:
    """A source of many tools."""

    def __init__(self, count: int) -> None:
        kinds = product(
            ("open", "close", "dim", "find"), ("lamp", "blind", "door", "heating", "radio"), ("", " upstairs")
        )
        described = [" ".join(words).strip() for words in kinds][:count]
        self.tools = [
            own_tool(words.replace(" ", "_"), f"To {words}, in any room of the house.", lambda arguments: "").tool
            for words in described
        ]

    def call(self, name: str, arguments: object) -> None:
        raise SystemExit(f"{name} was called")


def _prompts() -> None:
    persona = load_persona("huiyin")
    rows = []
    with start_service("llm", upstreams="embedded") as url, tempfile.TemporaryDirectory() as folder:
        own = builtin_tools(Reminders(Path(folder) / "r.db"), Memory(Path(folder) / "m.db", "P"))
        boxes = {
            "none": Toolbox([]),
            "3": Toolbox(own[:3]),
            "those that come with it": Toolbox(own),
            "these and 40 of a server": Toolbox(own, [_Things(40)]),  # type: ignore[list-item]
        }
        for name, box in boxes.items():
            tell(name)
            situation = Situation(datetime(2026, 1, 15, 9, 0), tools=[tool.name for tool in box.offered])
            session, turns = f"tools-{len(rows)}", []
            _, _, first = ask(
                url, persona.messages(History(), "", situation=situation), 1, session, tools=box.offered
            )  # fmt: skip
            for words in _NO_FIT:
                _, _, timings = ask(
                    url, persona.messages(History(), words, situation=situation), 1, session, tools=box.offered
                )  # fmt: skip
                turns.append(timings)
            rows.append(
                [
                    name, str(len(box.all)), str(len(box.offered)), str(prompt_tokens(box.offered)),
                    f"{first['prompt_ms'] / 1000:.1f} s",
                    f"{statistics.median(each['prompt_n'] for each in turns):.0f}",
                    f"{statistics.median(each['prompt_ms'] for each in turns) / 1000:.2f} s",
                ]
            )  # fmt: skip
    heads = ("tools", "of them", "offered", "tokens, estimated", "read once", "tokens a turn", "read in each turn")
    show(heads, rows)


# -- memory


@contextmanager
def _remembered(count: int) -> Iterator[Memory]:
    """A memory of so many facts."""
    with tempfile.TemporaryDirectory() as folder:
        memory = Memory(Path(folder) / "memory.db", "P")
        facts = [f"{who} likes {what}" for who, what in product(_PEOPLE, _LIKES)]
        facts += [f"{who} works at {where}, number {n}" for who, where, n in product(_PEOPLE, _PLACES, range(1, 9))]
        for fact in facts[:count]:
            memory.keep(fact)
        yield memory


def _memory() -> None:
    persona, rows = load_persona("huiyin"), []
    with (
        start_service("llm", upstreams="embedded") as url,
        _remembered(FACTS) as much,
        tempfile.TemporaryDirectory() as folder,
    ):
        nothing = Memory(Path(folder) / "memory.db", "P")
        for what, questions in (("no fact fits", _NO_FIT), ("some fit", _FITS)):
            taken_s: dict[str, list[float]] = {"none": [], "500": []}
            found_s, tokens = [], []
            for repeat, question in product(range(REPEATS), questions):
                words = f"{_HMS[repeat % len(_HMS)]}, {question}"  # none is in the model's cache
                for name, memory in (("none", nothing), ("500", much)):
                    situation = Situation(datetime(2026, 1, 15, 9, 0), recall=_recall(memory))
                    session = f"memory-{name}"
                    ask(url, persona.messages(History(), "", situation=situation), 1, session)
                    began_s = time.perf_counter()
                    messages = persona.messages(History(), words, situation=situation)
                    found_s.append(time.perf_counter() - began_s)
                    ask(url, messages, 1, session)
                    taken_s[name].append(time.perf_counter() - began_s)
                    if name == "500":
                        tokens.append(message_tokens(messages[-1]["content"]) - message_tokens(words))
                tell(f"{what}, {repeat + 1}: {words}")
            ratio = statistics.median(b / a for a, b in zip(taken_s["none"], taken_s["500"], strict=True))
            medians = [f"{statistics.median(times):.2f} s" for times in taken_s.values()]
            rows.append([what, *medians, f"{ratio:.2f}", f"{max(found_s) * 1000:.1f} ms", f"{max(tokens)}"])
    heads = ("", "first token, no facts", f"{FACTS} facts", f"ratio (≤ {LATENCY_LIMIT:g} where none fits)")
    show((*heads, "finding them, at most", "tokens more, at most"), rows)


def _recall(memory: Memory) -> Callable[[str], list[str]]:
    return lambda words: [fact.text for fact in memory.find(words)]


if __name__ == "__main__":
    as_command(main)
