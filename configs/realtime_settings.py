"""The section `realtime` of the settings: what one client of the Realtime server may take."""

from __future__ import annotations

from dataclasses import dataclass

from huiyin.configs.layers import setting


@dataclass(frozen=True)
class RealtimeSettings:
    """Sessions of the Realtime server, and their limits."""

    sessions: int = setting(0, low=0, high=10_000)
    """conversations at once; 0: four a core, as the models' time is shared"""
    session_s: float = setting(3600.0, low=10, high=86_400)
    """a session lasts so long at most, as OpenAI's do"""
    idle_s: float = setting(900.0, low=5, high=86_400)
    """a session whose client sends nothing for so long is ended: it holds a place that others wait for"""
    message_mb: int = setting(20, low=1, high=64)
    """a client's message, at most: 15 MB of sound, OpenAI's limit, in base64"""
    uncommitted_s: float = setting(120.0, low=10, high=600)
    """sound that waits to be committed, in memory, at 32 kB a second"""
    items: int = setting(5000, low=10, high=100_000)
    """of one conversation: each is kept in memory until the session ends"""
    key_s: float = setting(600.0, low=10, high=7200)
    """a short-lived key is good for so long, where its maker does not say"""
