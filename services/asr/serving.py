"""Everything between a request and the engine: the loaded models, the queue, the plan, the cache."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from huiyin.configs.messages import Message
from huiyin.configs.settings import Settings
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.http.cache import AnswerCache
from huiyin.services.asr.http.request import Job
from huiyin.services.asr.http.stream_session import IDLE_S
from huiyin.services.asr.journal import Journal
from huiyin.services.asr.phrase import phrase_in
from huiyin.services.asr.planner import gpu_free_bytes, make_plan
from huiyin.services.asr.queue import Caller, ModelQueue
from huiyin.services.asr.recogniser import Engine, RecordingTranscript, load_engine
from huiyin.services.asr.signal.voice_activity import load_detectors
from huiyin.services.asr.speakers.embedding import SpeakerEngine, load_speaker_engine
from huiyin.services.asr.speakers.voice import voice_of
from huiyin.services.asr.transcribe import Part, Recogniser, Step, Steps, transcribe
from huiyin.services.common.errors import ApiError
from huiyin.services.common.live_work import LiveWork
from huiyin.services.common.loading import EngineHost

_LONGEST_CACHED_S = 3600.0  # of a recording: packing a longer one takes memory
_SPEAKER_WAIT_S = 600.0  # the first request downloads the model, 81 MB
_THREADS_A_STREAM = 4  # a stream takes its part of the model's time for minutes
_WAIT_BUCKETS_S = (0.001, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)


class StreamPlaces:
    """The places for live streams. Used on one thread, the event loop's."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.open = 0
        """How many are taken."""

    @contextmanager
    def take(self) -> Iterator[None]:
        """A place meanwhile. Raises ApiError 429 when all are taken."""
        if self.open == self.most:
            raise ApiError(429, "asr.too_many_streams", most=self.most, retry_after_s=IDLE_S)
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1


class Serving:
    """One for each service; used from all its threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.asr
        self._store = ModelStore(settings.store)
        self.registry = CollectorRegistry()
        """Metrics beyond those of every service."""
        self._pieces = Counter("huiyin_asr_pieces", "Pieces of sound recognised.", registry=self.registry)
        self._hits = Counter("huiyin_asr_cache_hits", "Requests answered from the cache.", registry=self.registry)
        wait = Histogram(
            "huiyin_asr_queue_wait_seconds",
            "Wait for one turn of the model.",
            buckets=_WAIT_BUCKETS_S,
            registry=self.registry,
        )
        waiting = Gauge("huiyin_asr_waiting", "Requests that wait for the model.", registry=self.registry)
        self.live = LiveWork(self._settings.port)
        self.queue = ModelQueue(
            self._settings.queue_wait_s,
            settings.service.threads,
            on_wait=wait.observe,
            is_live=self.live.anywhere,
            patience_s=self._settings.file_patience_s,
        )
        waiting.set_function(lambda: self.queue.waiting)
        self.streams = StreamPlaces(max(1, settings.service.threads // _THREADS_A_STREAM))
        self._cache: AnswerCache[Step] = AnswerCache(self._settings.cache_entries)
        self._recogniser: Recogniser | None = None
        self._speaker_host: EngineHost[SpeakerEngine] | None = None
        self._speaker_lock = threading.Lock()
        self.host: EngineHost[Engine] = EngineHost(
            self._load, name=Message("services.speech_recognition"), wait_s=settings.service.load_wait_s
        )

    def _load(self) -> Engine:
        engine = load_engine(self._settings, self._store.ensure)
        self.queue.workers = self._settings.workers or engine.workers
        detectors = load_detectors(self._settings, self._store.ensure, self._is_here)
        plan = make_plan(engine, self._settings, gpu_free_bytes)
        self._recogniser = Recogniser(
            engine, self.queue, detectors, plan, self._pieces.inc, self._settings.careful, self.speaker_engine
        )
        return engine

    @property
    def recogniser(self) -> Recogniser:
        """What transcribing needs. Waits while it loads; raises ApiError 503 when it cannot be loaded."""
        self.host.get()
        assert self._recogniser is not None
        return self._recogniser

    def speaker_engine(self) -> SpeakerEngine:
        """What tells voices apart, loaded by the first that asks. Raises ApiError 503; the next one tries again."""
        with self._speaker_lock:
            host = self._speaker_host
            if host is None or host.state == "failed":
                host = self._speaker_host = EngineHost(
                    lambda: load_speaker_engine(self._store.ensure, self._settings.threads),
                    name=Message("services.speaker_embedding"),
                    wait_s=_SPEAKER_WAIT_S,
                )
        return host.get()

    def voice(self, job: Job, caller: Caller) -> dict[str, Any]:
        """See `voice_of`. Raises what that and `speaker_engine` raise."""
        detectors, engine = self.recogniser.detectors, self.speaker_engine()
        with self.queue.turn(caller):
            return voice_of(job.reader(self._settings), engine, detectors)

    def phrase(self, job: Job, phrase: str, language: str, caller: Caller) -> dict[str, Any]:
        """See `phrase_in`. Raises what that raises, and ApiError 503 where there is no recogniser."""
        engine = self.recogniser.engine
        with self.queue.turn(caller):
            return phrase_in(job.reader(self._settings), engine, phrase, language)

    def _is_here(self, name: str) -> bool:
        return all(file.is_here for file in self._store.look(name))

    def steps(self, job: Job, caller: Caller, journal: Journal | None = None, key: Hashable | None = None) -> Steps:
        """The transcript as it is made, or from the cache. Raises what `transcribe` raises.

        `key`: that of the job, where it is known already.
        """
        recogniser = self.recogniser
        limits_s = [limit_s for limit_s in (self._settings.deadline_s, job.deadline_s) if limit_s]
        caller.deadline_s = min(limits_s, default=0.0)
        key = key or (job.key(caller.check) if self._cache.entries else None)
        cached = self._cache.get(key) if key else None
        if cached is None:
            steps = transcribe(recogniser, job.reader(self._settings), job.hints, caller, journal)
            return self._caching(key, steps) if key else steps
        self._hits.inc()
        *parts, transcript = cached
        assert isinstance(transcript, RecordingTranscript)
        return iter([*parts, dataclasses.replace(transcript, cached=True)])

    def _caching(self, key: object, steps: Steps) -> Steps:
        """The same steps, put into the cache at the end."""
        steps_so_far: list[Step] = []
        for step in steps:
            if isinstance(step, Part) and step.position_s > _LONGEST_CACHED_S:
                yield step
                yield from steps
                return
            steps_so_far.append(step)
            if isinstance(step, RecordingTranscript):
                self._cache.put(key, steps_so_far)
            yield step

    def facts(self) -> dict[str, Any]:
        """For /system."""
        recogniser = self._recogniser
        plan = recogniser.plan if recogniser else None
        return {
            "device": recogniser.engine.device if recogniser else None,
            "vad": recogniser.detectors().name if recogniser else None,
            "workers": self.queue.workers,
            "running": self.queue.running,
            "waiting": self.queue.waiting,
            "files_wait_for_live_work": self.live.anywhere(),
            "streams": {"open": self.streams.open, "most": self.streams.most},
            "piece_s": plan.piece_s if plan else None,
            "batch_s": plan.batch_s if plan else None,
            "cache": {"entries": len(self._cache), "most": self._cache.entries, "hits": self._cache.hits},
        }
