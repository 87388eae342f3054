"""The tools of a conversation, as the settings have them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from importlib.metadata import entry_points
from pathlib import Path

from huiyin.assistant.tools.builtin.arithmetic import arithmetic_tools
from huiyin.assistant.tools.builtin.clock import clock_tools
from huiyin.assistant.tools.builtin.control import Controls, control_tools
from huiyin.assistant.tools.builtin.reminders import reminder_tools
from huiyin.assistant.tools.mcp_servers import McpServers
from huiyin.assistant.tools.own import OwnTool
from huiyin.assistant.tools.reminders import Reminders, reminders_file
from huiyin.assistant.tools.servers_file import read_servers
from huiyin.assistant.tools.toolbox import Source, Toolbox
from huiyin.configs.settings import Settings

_GROUP = "huiyin.tools"
"""Entry points of other packages: each is called without arguments and returns a list of `OwnTool`."""


def local_now() -> datetime:
    """The user's date and time, with their zone."""
    return datetime.now().astimezone()


def builtin_tools(
    reminders: Reminders, controls: Controls | None = None, now: Callable[[], datetime] = local_now
) -> list[OwnTool]:
    """Those that come with Huiyin. Without `controls` none that change the conversation."""
    return [
        *clock_tools(now),
        *arithmetic_tools(),
        *reminder_tools(reminders, now),
        *(control_tools(controls) if controls else []),
    ]


@contextmanager
def open_tools(
    settings: Settings, tell: Callable[[str], None], controls: Controls | None = None, file: Path | None = None
) -> Iterator[tuple[Toolbox, Reminders]]:
    """(the tools, the reminders that they set); MCP servers run within it.

    `tell` gets what the user should know; `file`: of the reminders, None: the usual one. Raises ServersError.
    """
    rules = settings.tools
    servers = read_servers(rules.servers)
    reminders = Reminders(file or reminders_file())
    is_offered = rules.builtin == "on" or (rules.builtin == "auto" and not settings.llm.is_embedded)
    own = builtin_tools(reminders, controls) if is_offered or (servers and rules.builtin != "off") else []
    for point in entry_points(group=_GROUP):
        try:
            own += point.load()()
        except Exception as error:  # a stranger's package must not end a talk
            tell(f"the tools of {point.name} are missing: {error}")
    sources: list[Source] = []
    with ExitStack() as opened:
        if servers:
            sources.append(
                opened.enter_context(
                    McpServers(servers, tell, connect_timeout_s=rules.connect_timeout_s, timeout_s=rules.timeout_s)
                )
            )
        yield Toolbox(own, sources, rules.prompt_tokens), reminders
