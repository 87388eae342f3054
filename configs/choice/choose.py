"""Choosing: facts and ladders in, a plan with the reason for each rung out. Touches nothing, measures nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from huiyin.configs import messages
from huiyin.configs.choice.ladder import Ladders, Rung
from huiyin.configs.choice.speed import Speed
from huiyin.configs.store.catalog import Catalog, ModelFile

SPARE_BYTES = 500_000_000
"""Left free on disk and in memory, for the system and other programs."""


@dataclass(frozen=True)
class Facts:
    """What a choice depends on."""

    here: frozenset[str]
    """Names of the model files that are on this machine, whole."""
    sources: Mapping[str, float]
    """Sources that answer ("modelscope", "huggingface", "registry") -> bytes a second, 0 where that is unknown; the one
    to be asked first stands first."""
    memory_bytes: int
    """Free."""
    disk_bytes: int
    """Free where the store is."""
    cores: int
    languages: tuple[str, ...]
    """That must be recognised."""
    speed: Speed | None = None
    """None: not measured; then no model is fetched that wants a speed, but for the rungs that are `unmeasured`."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Rungs that were fetched and failed their proof -> what they did."""
    proven: frozenset[str] = frozenset()
    """Rungs whose proof succeeded."""
    metered: bool = False
    """The network is paid by the byte: nothing is fetched."""


@dataclass(frozen=True)
class Verdict:
    """Why a rung was chosen, or not. `key` and `facts` are its words (`configs/messages/choice.toml`)."""

    rung: Rung
    fits: bool
    key: str
    facts: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return messages.text(self.key, self.facts)


@dataclass(frozen=True)
class PartPlan:
    """The choice for one part."""

    part: str
    verdicts: tuple[Verdict, ...]
    """One a rung, in their order."""
    wanted: Rung
    now: Rung
    """`wanted` where it is here and proven; else the next rung below it that is, or above; else `wanted`."""
    bytes: int
    """To be fetched for `wanted`."""
    source: str
    """Where from: the first that has it; '' where nothing is to be fetched."""
    seconds: float
    """About how long that takes; infinite where the source's speed is unknown, 0 where nothing is to be fetched."""


Plan = Mapping[str, PartPlan]


def choose(ladders: Ladders, catalog: Catalog, facts: Facts) -> Plan:
    """The plan. Memory that one part takes is not there for the parts after it."""
    plan = {}
    memory_bytes, disk_bytes = facts.memory_bytes - SPARE_BYTES, facts.disk_bytes - SPARE_BYTES
    for part, rungs in ladders.items():
        judged = [_Judged(rung, _files(rung, catalog), facts, memory_bytes, disk_bytes) for rung in rungs]
        wanted = next((one for one in judged if one.verdict.fits), judged[-1])
        place = judged.index(wanted)
        now = next((one for one in [*judged[place:], *reversed(judged[:place])] if one.is_ready), wanted)
        verdicts = [one.verdict if one is wanted or not one.verdict.fits else _lower(one) for one in judged]
        if not wanted.verdict.fits:  # the last one, which every machine can have
            verdicts[-1] = Verdict(wanted.rung, True, "choice.last")
        source, seconds = wanted.fetch
        plan[part] = PartPlan(
            part,
            tuple(verdicts),
            wanted.rung,
            now.rung,
            wanted.missing_bytes,
            source,
            seconds,
        )
        memory_bytes -= wanted.rung.memory_mb * 1_000_000
        disk_bytes -= wanted.missing_bytes
    return plan


def _lower(one: _Judged) -> Verdict:
    return Verdict(one.rung, False, "choice.below")


def _files(rung: Rung, catalog: Catalog) -> tuple[ModelFile, ...]:
    return tuple(file for model in rung.models for file in catalog.under(model))


class _Judged:
    """A rung beside the facts."""

    def __init__(
        self, rung: Rung, files: tuple[ModelFile, ...], facts: Facts, memory_bytes: int, disk_bytes: int
    ) -> None:
        self.rung, self._facts = rung, facts
        self._memory_bytes, self._disk_bytes = memory_bytes, disk_bytes
        self._bytes = sum(file.bytes for file in files)
        self.missing = [file for file in files if file.name not in facts.here]
        self.missing_bytes = sum(file.bytes for file in self.missing)
        self.verdict = self._judge()

    @property
    def is_ready(self) -> bool:
        """Whether it can be used this minute."""
        proven = not self.rung.proof or self.rung.name in self._facts.proven
        return not self.missing and proven and self.rung.name not in self._facts.refused

    @property
    def fetch(self) -> tuple[str, float]:
        """(source that has all that is missing, seconds that this takes); ("", inf) where no source has it."""
        if not self.missing:
            return "", 0.0
        for source, rate in self._facts.sources.items():
            if all(_has(file, source) for file in self.missing):
                return source, self.missing_bytes / rate if rate else float("inf")
        return "", float("inf")

    def _judge(self) -> Verdict:
        """The first reason that speaks against it, or what speaks for it."""
        rung, facts, no = self.rung, self._facts, self._no
        if rung.name in facts.refused:
            return no("choice.refused", why=facts.refused[rung.name])
        unknown = [code for code in facts.languages if rung.languages and code not in rung.languages]
        if unknown:
            return no("choice.languages", languages=unknown)
        if facts.cores < rung.cores:
            return no("choice.cores", cores=facts.cores, needed=rung.cores)
        if self._memory_bytes < rung.memory_mb * 1_000_000:
            free_gb = max(self._memory_bytes, 0) / 1e9
            return no("choice.memory", needed_gb=rung.memory_mb / 1000, free_gb=free_gb)
        if rung.least_tokens_s and facts.speed and facts.speed.tokens_s(self._bytes) < rung.least_tokens_s:
            return no("choice.slow", tokens_s=facts.speed.tokens_s(self._bytes), needed=rung.least_tokens_s)
        if rung.least_tokens_s and not facts.speed and self.missing and not rung.unmeasured:
            return no("choice.not_measured", needed=rung.least_tokens_s)
        if not self.missing:
            return Verdict(rung, True, "choice.here")
        size_gb = self.missing_bytes / 1e9
        source, _ = self.fetch
        if not source:
            return no("choice.no_source", size_gb=size_gb)
        if facts.metered:
            return no("choice.metered", size_gb=size_gb)
        if self._disk_bytes < self.missing_bytes:
            return no("choice.disk", size_gb=size_gb, free_gb=max(self._disk_bytes, 0) / 1e9)
        return Verdict(rung, True, "choice.fetch", {"size_gb": size_gb, "source": source_title(source)})

    def _no(self, key: str, **facts: object) -> Verdict:
        return Verdict(self.rung, False, key, facts)


def _has(file: ModelFile, source: str) -> bool:
    return bool({"modelscope": file.modelscope, "huggingface": file.huggingface}.get(source, file.archives))


def source_title(source: str) -> str:
    """A source's name for people."""
    return {"modelscope": "ModelScope", "huggingface": "Hugging Face"}.get(source) or messages.said("shown.registries")
