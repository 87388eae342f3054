"""Tools of a real MCP server, a program on this machine: `tests.support.mcp_server`."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from huiyin.assistant.tools.mcp_servers import McpServers
from huiyin.assistant.tools.own import ToolError
from huiyin.assistant.tools.servers_file import ServerSettings
from tests.support import ROOT

pytestmark = [  # servers are started
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("mcp") is None, reason="tools of MCP servers need huiyin[tools]"),
]

THINGS = ServerSettings("things", sys.executable, ("-m", "tests.support.mcp_server"), cwd=str(ROOT))
WRONG = ServerSettings("wrong", "no-such-program-anywhere")
DEAF = ServerSettings("deaf", sys.executable, ("-c", "import time; time.sleep(60)"))


@pytest.fixture(scope="module")
def told() -> list[str]:
    return []


@pytest.fixture(scope="module")
def servers(told: list[str]) -> Iterator[McpServers]:
    with McpServers([THINGS, WRONG], told.append, connect_timeout_s=60, timeout_s=10) as servers:
        yield servers


def test_tools_are_known_with_what_a_call_does(servers: McpServers) -> None:
    effects = {tool.name: tool.effect for tool in servers.tools}
    assert (effects["weather"], effects["lamp"], effects["wipe"]) == ("reads", "acts", "dangerous")
    (lamp,) = [tool for tool in servers.tools if tool.name == "lamp"]
    assert lamp.spoken_name == "Switch the lamp" and not lamp.is_own
    assert lamp.parameters["required"] == ["on"]


def test_a_server_that_cannot_be_had_is_told_and_the_others_work(servers: McpServers, told: list[str]) -> None:
    assert told == ["the tools of wrong are missing: no such program: no-such-program-anywhere"]


def test_calls_give_text(servers: McpServers) -> None:
    assert servers.call("weather", {"city": "Ulm"}).one() == "sunny in Ulm"
    assert '"on": true' in servers.call("lamp", {"on": True}).one()


def test_a_tool_that_fails_says_so_and_the_server_stays(servers: McpServers) -> None:
    with pytest.raises(ToolError, match="fail"):
        servers.call("fail", {}).one()
    assert servers.call("weather", {"city": "Ulm"}).one() == "sunny in Ulm"


def test_a_server_that_ends_is_gone_and_comes_back(servers: McpServers) -> None:
    with pytest.raises(ToolError, match="things is gone"):
        servers.call("die", {}).one()
    with pytest.raises(ToolError, match="things is gone"):
        servers.call("weather", {"city": "Ulm"}).one()
    assert servers.wait_for("things")
    assert servers.call("weather", {"city": "Ulm"}).one() == "sunny in Ulm"


def test_a_server_that_says_nothing_is_given_up_and_all_ends_clean() -> None:
    told: list[str] = []
    with McpServers([DEAF], told.append, connect_timeout_s=0.5, timeout_s=1) as servers:
        assert servers.tools == []
    assert told == ["the tools of deaf are missing: no answer within 0.5 s"]
    assert "mcp" not in {thread.name for thread in threading.enumerate() if thread.name == "mcp" and not thread.daemon}
