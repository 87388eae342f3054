"""The section `tools` of the settings: what the assistant can do besides talking."""

from __future__ import annotations

from dataclasses import dataclass

from huiyin.configs.layers import setting


@dataclass(frozen=True)
class ToolsSettings:
    """Tools, and their limits."""

    builtin: str = setting("auto", choices=("auto", "on", "off"))
    """clock, timers and reminders, arithmetic, ending the conversation; auto: where the model is not the embedded one,
    which calls them badly, or where servers are named"""
    servers: str = setting("")
    """a JSON file with "mcpServers", as other MCP clients have it; empty: mcp.json in the user's configuration folder,
    if it is there"""
    timeout_s: float = setting(20.0, low=0.5, high=3600)
    """a call that takes longer has failed; what it does goes on, for all that is known"""
    connect_timeout_s: float = setting(15.0, low=0.5, high=300)
    """for a server to start and name its tools: npx and uvx may download first"""
    waiting_s: float = setting(1.0, low=0.2, high=60)
    """after so much silence the assistant says, once, that it is at work"""
    confirm_s: float = setting(15.0, low=2, high=120)
    """no answer within it, to whether something dangerous is to be done, is a no"""
    output_characters: int = setting(2000, low=100, high=100_000)
    """of an output, for the model: it reads 20 to 300 tokens a second"""
    calls: int = setting(8, low=1, high=100)
    """at most, before the user says something again: a model may call for ever"""
    prompt_tokens: int = setting(1500, low=50, high=100_000)
    """of tool descriptions; where they are more, the model is offered a search for tools"""
    dangerous: tuple[str, ...] = setting(
        (
            "*delete*",
            "*remove*",
            "*erase*",
            "*drop*",
            "*pay*",
            "*purchase*",
            "*order*",
            "*buy*",
            "*transfer*",
            "*unlock*",
            "*send*",
            "*post*",
        )
    )
    """names, with *, of tools that ask the user first, besides those that say so of themselves"""
    safe: tuple[str, ...] = setting(())
    """names of tools that never ask, whatever else is said of them"""
