"""Tools of MCP servers (Model Context Protocol): programs on this machine, or addresses.

All servers share one thread with an event loop. One that ends, or does not answer, is connected to again after 1, 2, 4
… 60 s; meanwhile its tools stay offered, and a call says that it is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.dialogue.tools import Effect, Tool
from huiyin.assistant.tools.own import ToolError
from huiyin.assistant.tools.servers_file import ServersError, ServerSettings
from huiyin.configs.messages import said

log = logging.getLogger(__name__)

_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0  # before a server is connected to again
_LONGEST_NAME = 64  # of a tool, as OpenAI has it
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]+")
_CLOSE_LIMIT_S = 5.0


@dataclass
class _Server:
    settings: ServerSettings
    ready: asyncio.Event = field(default_factory=asyncio.Event)  # its tools are known, or it cannot be had
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    broken: asyncio.Event = field(default_factory=asyncio.Event)  # it has to be connected to again
    client: Any = None
    tools: Sequence[Any] = ()
    failure: str = ""


@dataclass(frozen=True)
class _ServersTool:
    tool: Tool
    server: _Server
    name: str  # at the server


class McpServers:
    """A context manager: the servers run, and their tools are known, within it."""

    def __init__(
        self,
        servers: Sequence[ServerSettings],
        tell: Callable[[str], None],
        *,
        connect_timeout_s: float,
        timeout_s: float,
    ) -> None:
        """`tell` gets what the user should know. Raises ServersError where the package `mcp` is not installed."""
        try:
            import mcp  # noqa: F401
        except ImportError:
            raise ServersError("tools.no_mcp") from None
        self._tell, self._connect_timeout_s, self._timeout_s = tell, connect_timeout_s, timeout_s
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mcp", daemon=True)
        self._settings = servers
        self._servers: list[_Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._tools: dict[str, _ServersTool] = {}

    def __enter__(self) -> McpServers:
        self._thread.start()
        self._on_loop(self._connect()).result()
        return self

    def __exit__(self, *exc: object) -> None:
        with contextlib.suppress(TimeoutError):
            self._on_loop(self._close()).result(_CLOSE_LIMIT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CLOSE_LIMIT_S)

    @property
    def tools(self) -> list[Tool]:
        """Those of all servers that answered, in the order of the file, then as each server lists them."""
        return [each.tool for each in self._tools.values()]

    def call(self, name: str, arguments: Mapping[str, Any]) -> Stream[str]:
        """The output of a tool, once. Fails with ToolError."""
        return Stream(lambda: self._output(self._tools[name], arguments))

    async def _output(self, tool: _ServersTool, arguments: Mapping[str, Any]) -> AsyncGenerator[str, None]:
        yield await asyncio.wrap_future(self._on_loop(self._call(tool, arguments)))

    def wait_for(self, name: str) -> bool:
        """Wait until this server is connected, for as long as connecting may take; whether it is."""
        (server,) = [each for each in self._servers if each.settings.name == name]
        with contextlib.suppress(TimeoutError, FutureTimeoutError):
            self._on_loop(server.connected.wait()).result(self._connect_timeout_s)
        return server.connected.is_set()

    # -- in the servers' own loop

    async def _connect(self) -> None:
        self._servers = [_Server(each) for each in self._settings]
        self._tasks = [asyncio.create_task(self._keep(server)) for server in self._servers]
        for server in self._servers:
            await server.ready.wait()
            if server.failure:
                self._tell(said("notices.tools_missing", name=server.settings.name, why=server.failure))
            self._offer(server)

    def _offer(self, server: _Server) -> None:
        for each in server.tools:
            name = _NOT_IN_NAMES.sub("_", each.name)[:_LONGEST_NAME]
            if name in self._tools:
                name = _NOT_IN_NAMES.sub("_", f"{server.settings.name}_{each.name}")[:_LONGEST_NAME]
            hints = each.annotations
            title = each.title or (hints and hints.title) or ""
            tool = Tool(name, each.description or "", each.input_schema, title, _effect(hints))
            self._tools[name] = _ServersTool(tool, server, each.name)

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, server: _Server) -> None:
        """Stay connected, until this is cancelled."""
        wait_s = _FIRST_WAIT_S
        while True:
            connection = asyncio.create_task(self._stay(server))
            known = asyncio.create_task(server.connected.wait())
            try:
                await asyncio.wait(
                    [connection, known], timeout=self._connect_timeout_s, return_when=asyncio.FIRST_COMPLETED
                )
                if server.connected.is_set():
                    wait_s = _FIRST_WAIT_S
                    await asyncio.wait([connection])
                elif not connection.done():
                    server.failure = f"no answer within {self._connect_timeout_s:g} s"
            finally:
                known.cancel()
                connection.cancel()
                await asyncio.wait([connection, known])
            log.info("MCP server %s: %s", server.settings.name, server.failure)
            server.ready.set()
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)

    async def _stay(self, server: _Server) -> None:
        """Connect, and stay so until the server breaks. It ends in the task in which it began: `mcp` needs that."""
        try:
            async with _client(server.settings) as client:
                server.tools = await _listed(client)
                server.client, server.failure = client, ""
                server.broken.clear()
                server.ready.set()
                server.connected.set()
                await server.broken.wait()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # a program that is not there, an address that refuses, a strange answer
            server.failure = _in_words(error)
        finally:
            server.client = None
            server.connected.clear()

    async def _call(self, tool: _ServersTool, arguments: Mapping[str, Any]) -> str:
        from mcp import MCPError

        server = tool.server
        if server.client is None:
            raise ToolError("tools.server_gone", server=server.settings.name, why=server.failure)
        try:
            result = await server.client.call_tool(tool.name, dict(arguments), read_timeout_seconds=self._timeout_s)
        except MCPError as error:
            if "closed" in str(error).lower():
                _break(server)
                raise ToolError("tools.server_ended", server=server.settings.name) from error
            raise ToolError("tools.refused", why=error) from error
        except (OSError, RuntimeError) as error:
            _break(server)
            raise ToolError("tools.server_gone", server=server.settings.name, why=_in_words(error)) from error
        output = _text(result)
        if result.is_error:
            raise ToolError("tools.refused", why=output or "it failed")
        return output

    def _on_loop(self, work: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)


def _break(server: _Server) -> None:
    """It is to be connected to again; until then there is no client."""
    server.client, server.failure = None, "it has ended"
    server.connected.clear()
    server.broken.set()


def _client(server: ServerSettings) -> AbstractAsyncContextManager[Any]:
    from mcp import Client, StdioServerParameters

    if not server.command:
        return _http_client(server)
    program = StdioServerParameters(
        command=server.command, args=list(server.args), env=dict(server.env) or None, cwd=server.cwd or None
    )
    return _stdio_client(program, Client)


@contextlib.asynccontextmanager
async def _stdio_client(program: Any, client: Any) -> AsyncGenerator[Any, None]:
    from mcp import stdio_client

    with open(os.devnull, "w") as nowhere:  # what it logs would tear up the captions
        async with client(stdio_client(program, errlog=nowhere)) as connected:
            yield connected


@contextlib.asynccontextmanager
async def _http_client(server: ServerSettings) -> AsyncGenerator[Any, None]:
    from mcp import Client
    from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

    async with (
        create_mcp_http_client(headers=dict(server.headers)) as http,
        Client(streamable_http_client(server.url, http_client=http)) as connected,
    ):
        yield connected


async def _listed(client: Any) -> list[Any]:
    """All tools of a server, page by page."""
    tools: list[Any] = []
    cursor: str | None = None
    while True:
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if not cursor:
            return tools


def _effect(hints: Any) -> Effect:
    """What a server says of a tool; where it says nothing, the tool acts."""
    if hints is None:
        return "acts"
    if hints.read_only_hint:
        return "reads"
    return "dangerous" if hints.destructive_hint else "acts"


def _text(result: Any) -> str:
    """What a result says, in text."""
    parts = []
    for content in result.content:
        kind = content.type
        if kind == "text":
            parts.append(content.text)
        elif kind == "resource" and (text := getattr(content.resource, "text", "")):
            parts.append(text)
        elif kind != "resource":
            parts.append(f"({kind})")
    if not parts and result.structured_content is not None:
        parts.append(json.dumps(result.structured_content, ensure_ascii=False))
    return "\n".join(parts)


def _in_words(error: BaseException) -> str:
    while within := getattr(error, "exceptions", ()):  # a group of them
        error = within[0]
    if isinstance(error, FileNotFoundError):
        return f"no such program: {error.filename}"
    return str(error) or type(error).__name__
