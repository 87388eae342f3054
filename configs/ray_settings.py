"""The section `ray` of the settings: replicas of the services on the machines of a cluster (docs/scale.md)."""

from __future__ import annotations

from dataclasses import dataclass

from huiyin.configs.layers import setting


@dataclass(frozen=True)
class RaySettings:
    """How many replicas of each program run, what each takes, and how one ends."""

    asr_min_replicas: int = setting(1, low=1, high=10_000)
    """one answers at once; a replica that must first load its model takes seconds"""
    asr_max_replicas: int = setting(0, low=0, high=10_000)
    """0: as many as the cluster's processors hold beside the least of the others"""
    asr_ongoing: float = setting(2.0, low=0.1, high=1000)
    """requests and live streams in hand for each replica: with more another is started. One recording computes, the
    next waits"""
    asr_cpus: float = setting(0.0, low=0, high=256)
    """processors reserved for a replica; 0: asr.threads, or the share of it that fits where the cluster has fewer"""
    asr_gpus: float = setting(0.0, low=0, high=8)
    """GPUs for a replica; 0: one where asr.device asks for one, or is auto and the cluster has as many; 0.5: two
    replicas share one"""
    llm_min_replicas: int = setting(1, low=1, high=10_000)
    """one answers at once, while another would first load the largest of the models"""
    llm_max_replicas: int = setting(0, low=0, high=10_000)
    """0: as many as the cluster's processors hold; where replies come from a server elsewhere, one passes them on"""
    llm_ongoing: float = setting(1.5, low=0.1, high=1000)
    """replies in hand for each replica: the embedded model writes one at a time; where replies come from a server
    elsewhere, llm.streams counts instead"""
    llm_cpus: float = setting(0.0, low=0, high=256)
    """processors reserved for a replica; 0: llm.threads, or the share that fits; a tenth of one where replies come from
    a server elsewhere"""
    tts_min_replicas: int = setting(1, low=1, high=10_000)
    """one speaks at once; another would first load its voices"""
    tts_max_replicas: int = setting(0, low=0, high=10_000)
    """0: as many as the cluster's processors hold beside the least of the others"""
    tts_ongoing: float = setting(2.0, low=0.1, high=1000)
    """requests in hand for each replica: one is spoken, the next waits"""
    tts_cpus: float = setting(0.0, low=0, high=256)
    """processors reserved for a replica; 0: tts.threads, or the share of it that fits where the cluster has fewer"""
    web_min_replicas: int = setting(1, low=1, high=10_000)
    """one answers at once; it holds pages and conversations, which compute little"""
    web_max_replicas: int = setting(0, low=0, high=10_000)
    """0: as many as the cluster's processors hold beside the least of the others"""
    web_ongoing: float = setting(4.0, low=0.1, high=1000)
    """conversations and requests in hand for each replica: realtime.sessions allows four a core"""
    web_cpus: float = setting(0.0, low=0, high=256)
    """0: one, or the share of it that fits: echo path and judges of a process are one thread's work"""
    upscale_delay_s: float = setting(5.0, low=0, high=3600)
    """so long must there be too much in hand before replicas are added: a burst of a second is no load"""
    downscale_delay_s: float = setting(300.0, low=0, high=86_400)
    """so long too little, before one ends: its model would have to be loaded again"""
    drain_s: float = setting(120.0, low=0, high=86_400)
    """a replica that is to end goes on with what it has for so long at most: a conversation ends its turn, a long
    recording is kept by its journal"""
    start_s: float = setting(1800.0, low=5, high=86_400)
    """a replica that is not ready after so long has failed: a first start may download models"""
