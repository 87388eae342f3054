"""Metrics of speech: how soon its first sound comes, how much was made by which engine, what the cache saved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from huiyin.services.tts.sound import RATE
from huiyin.services.tts.voice_engine import Sound

_FIRST_S = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10)


class SpeechMeter:
    """The metrics of one service, in its registry. Thread-safe."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._first = Histogram(
            "huiyin_tts_first_sound_seconds",
            "Time from a request to its first sound.",
            ["engine"],
            buckets=_FIRST_S,
            registry=self.registry,
        )
        self._sound = Counter("huiyin_tts_sound_seconds", "Seconds of sound made.", ["engine"], registry=self.registry)
        self._busy = Counter(
            "huiyin_tts_busy_seconds", "Seconds it took, with the waiting.", ["engine"], registry=self.registry
        )

    def metered(self, sound: Iterator[Sound], engine: str) -> Iterator[Sound]:
        """`sound`, measured from now on; the time in which its reader does something else does not count."""
        asked_s, is_first = time.perf_counter(), True
        while True:
            began_s = time.perf_counter()
            piece = next(sound, None)
            ended_s = time.perf_counter()
            self._busy.labels(engine).inc(ended_s - began_s)
            if piece is None:
                return
            if is_first:
                self._first.labels(engine).observe(ended_s - asked_s)
            is_first = False
            self._sound.labels(engine).inc(len(piece) / RATE)
            yield piece

    def watch(self, waiting: Callable[[], int], cache: Callable[[], tuple[int, int]]) -> None:
        """Tell of callers that wait for an engine, and of the cache: texts found in it, and texts not found."""
        gauge = Gauge("huiyin_tts_waiting", "Requests that wait for an engine.", registry=self.registry)
        gauge.set_function(lambda: float(waiting()))
        self.registry.register(_CacheCounters(cache))


class _CacheCounters(Collector):
    """What the cache has counted itself."""

    def __init__(self, cache: Callable[[], tuple[int, int]]) -> None:
        self._cache = cache

    def collect(self) -> Iterator[Metric]:
        """See `prometheus_client.registry.Collector`."""
        hits, misses = self._cache()
        yield CounterMetricFamily("huiyin_tts_cache_hits", "Short texts found in the cache.", value=hits)
        yield CounterMetricFamily("huiyin_tts_cache_misses", "Short texts not found in the cache.", value=misses)
