"""An MCP server of tests, over standard input and output: `python -m tests.support.mcp_server`."""

from __future__ import annotations

import os
import sys
import time

from mcp.server import MCPServer
from mcp.types import ToolAnnotations

server = MCPServer("things")


@server.tool(annotations=ToolAnnotations(readOnlyHint=True))
def weather(city: str) -> str:
    """The weather of a city."""
    return f"sunny in {city}"


@server.tool(title="Switch the lamp")
def lamp(on: bool) -> dict[str, bool]:
    """Switch the lamp on or off."""
    return {"on": on}


@server.tool(annotations=ToolAnnotations(destructiveHint=True))
def wipe() -> str:
    """Delete everything."""
    return "wiped"


@server.tool()
def fail() -> str:
    """Always fails."""
    raise RuntimeError("the lamp is not plugged in")


@server.tool()
def die() -> str:
    """Ends the server."""
    sys.stderr.write("I die\n")
    os._exit(3)


@server.tool()
def sleep(seconds: float) -> str:
    """Takes long."""
    time.sleep(seconds)
    return "slept"


if __name__ == "__main__":
    server.run("stdio")
