"""The tools of a conversation, as the settings have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import entry_points

from huiyin.assistant.tools.builtin.arithmetic import arithmetic_tools
from huiyin.assistant.tools.builtin.clock import clock_tools
from huiyin.assistant.tools.builtin.control import Controls, control_tools
from huiyin.assistant.tools.builtin.memory import memory_tools
from huiyin.assistant.tools.builtin.reminders import reminder_tools
from huiyin.assistant.tools.mcp_servers import McpServers
from huiyin.assistant.tools.memory import Memory, memory_file
from huiyin.assistant.tools.own import OwnTool
from huiyin.assistant.tools.reminders import Reminders, reminders_file
from huiyin.assistant.tools.servers_file import read_servers
from huiyin.assistant.tools.toolbox import Source, Toolbox
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings

_GROUP = "huiyin.tools"
"""Entry points of other packages: each is called without arguments and returns a list of `OwnTool`."""


def local_now() -> datetime:
    """The user's date and time, with their zone."""
    return datetime.now().astimezone()


@dataclass(frozen=True)
class Tools:
    """What a conversation is given: its tools, the reminders that they set, and what is remembered of its user."""

    toolbox: Toolbox
    reminders: Reminders
    memory: Memory

    def recall(self, words: str) -> list[str]:
        """What is remembered that fits these words of the user, best first."""
        return [fact.text for fact in self.memory.find(words)]


def builtin_tools(
    reminders: Reminders,
    memory: Memory,
    controls: Controls | None = None,
    now: Callable[[], datetime] = local_now,
) -> list[OwnTool]:
    """Those that come with Huiyin. Without `controls` none that change the conversation."""
    return [
        *clock_tools(now),
        *arithmetic_tools(),
        *reminder_tools(reminders, now),
        *memory_tools(memory),
        *(control_tools(controls) if controls else []),
    ]


@contextmanager
def open_tools(
    settings: Settings,
    persona: str,
    tell: Callable[[str], None],
    controls: Controls | None = None,
    *,
    every: bool = False,
) -> Iterator[Tools]:
    """The tools of one conversation with this persona; MCP servers run within it.

    `tell` gets what the user should know; `every`: those, too, that the settings would not offer. Raises ServersError.
    """
    rules = settings.tools
    servers = read_servers(rules.servers)
    reminders, memory = Reminders(reminders_file()), Memory(memory_file(), persona)
    is_offered = every or rules.builtin == "on" or (rules.builtin == "auto" and not settings.llm.is_embedded)
    own = builtin_tools(reminders, memory, controls) if is_offered or (servers and rules.builtin != "off") else []
    for point in entry_points(group=_GROUP):
        try:
            own += point.load()()
        except Exception as error:  # a stranger's package must not end a talk
            tell(said("notices.tools_missing", name=point.name, why=error))
    sources: list[Source] = []
    with ExitStack() as opened:
        if servers:
            sources.append(
                opened.enter_context(
                    McpServers(servers, tell, connect_timeout_s=rules.connect_timeout_s, timeout_s=rules.timeout_s)
                )
            )
        yield Tools(Toolbox(own, sources, rules.prompt_tokens), reminders, memory)
