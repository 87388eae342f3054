"""Settings of a service that lets servers elsewhere do its work; how they are read stands in `settings.py`."""

from __future__ import annotations

from dataclasses import dataclass

from huiyin.configs.layers import setting

EMBEDDED = "embedded"
"""The upstream that runs here."""


@dataclass(frozen=True)
class UpstreamSettings:
    """Who does the work: upstreams, in order, and what is done when one fails."""

    upstreams: tuple[str, ...] = setting((EMBEDDED,))
    """tried in order: 'embedded', which runs here, or the base URL of any OpenAI-compatible server such as
    http://127.0.0.1:11434/v1; keys come from HUIYIN_ASR_API_KEY, HUIYIN_LLM_API_KEY and HUIYIN_TTS_API_KEY: one, or one
    a URL, with commas between"""
    key_file: str = setting("")
    """a file of keys outside the checkout, readable by you alone, used when the environment has none"""
    upstream_model: str = setting("")
    """the model to ask an upstream for when the request names none: one, or one a URL, with commas between; empty: the
    first that a server of language models lists, whisper-1 of a recogniser, tts-1 of a voice"""
    connect_timeout_s: float = setting(3.0, low=0.1, high=60)
    """a host that is off must not hold up the next one"""
    breaker_failures: int = setting(3, low=1, high=100)
    """time-outs, refusals and errors in a row, then an upstream is skipped for a while"""
    breaker_rest_s: float = setting(10.0, low=0.1, high=600)
    """an upstream that has failed is skipped for so long, then one request tries it; a 429 with Retry-After gives
    its own time"""

    @property
    def is_embedded(self) -> bool:
        """Whether what runs here is the first to be asked: it shares this machine's cores."""
        return self.upstreams[0] == EMBEDDED

    @property
    def has_embedded(self) -> bool:
        """Whether what runs here is asked at all."""
        return EMBEDDED in self.upstreams

    @property
    def urls(self) -> list[str]:
        """The upstreams elsewhere."""
        return [spec for spec in self.upstreams if spec != EMBEDDED]
