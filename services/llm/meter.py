"""Metrics of replies: how soon their first word comes, how fast the others, how many are on their way."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from huiyin.services.llm.proxy import Proxy
from huiyin.services.llm.stream import ReplyStream

_FIRST_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20)
_PACE = (1, 2, 5, 10, 15, 20, 30, 50, 75, 100, 150, 200)
_FEW = 2  # tokens: fewer have no pace


class ReplyMeter:
    """The metrics of one service, in its registry. Thread-safe."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._first = Histogram(
            "huiyin_llm_first_word_seconds",
            "Time from a request to the first word of its streamed reply.",
            ["upstream"],
            buckets=_FIRST_S,
            registry=self.registry,
        )
        self._pace = Histogram(
            "huiyin_llm_tokens_per_second",
            "Of a streamed reply, after its first word.",
            ["upstream"],
            buckets=_PACE,
            registry=self.registry,
        )
        self._tokens = Counter(
            "huiyin_llm_tokens",
            "Tokens of streamed replies: as the upstream counts them, else its pieces.",
            ["upstream"],
            registry=self.registry,
        )
        self._replies = Gauge("huiyin_llm_replies", "Replies on their way or waited for.", registry=self.registry)

    def count_in(self) -> None:
        """A request was let in."""
        self._replies.inc()

    def count_out(self) -> None:
        """It has been answered, or given up."""
        self._replies.dec()

    def first_word(self, upstream: str, seconds: float) -> None:
        """The first word of a streamed reply has come."""
        self._first.labels(upstream).observe(seconds)

    def ended(self, stream: ReplyStream) -> None:
        """A streamed reply is over."""
        upstream = stream.upstream.name
        self._tokens.labels(upstream).inc(stream.tokens)
        if stream.tokens >= _FEW and stream.writing_s > 0:
            self._pace.labels(upstream).observe((stream.tokens - 1) / stream.writing_s)

    def watch(self, proxy: Proxy) -> None:
        """Tell of the queue of the embedded model, where there is one, and of circuits that are open."""
        waiting = Gauge("huiyin_llm_waiting", "Requests that wait for the embedded model.", registry=self.registry)
        waiting.set_function(lambda: float(sum(up.facts().get("waiting", 0) for up in proxy.chain.upstreams)))
        skipped = Gauge("huiyin_llm_upstreams_skipped", "Upstreams whose circuit is open.", registry=self.registry)
        skipped.set_function(lambda: float(sum(f["breaker"] == "open" for f in proxy.chain.facts())))
