"""What each program takes of a cluster: replicas, processors, GPUs. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from huiyin.assistant.scale.directory import Program
from huiyin.configs.errors import HuiyinError
from huiyin.configs.settings import Settings

_WEB_CPUS = 1.0
_PROXY_CPUS = 0.1  # of a language model elsewhere
_STEP = 100  # parts of a processor that are told apart
_ANY = 1e-6


class PlanError(HuiyinError):
    """The cluster is too small for what is asked of it."""


@dataclass(frozen=True)
class Needs:
    """Of one program."""

    program: Program
    least: int
    """Replicas."""
    most: int
    ongoing: float
    """In hand for each replica; with more another is started."""
    cpus: float
    """Of one replica."""
    gpus: float = 0.0


def make_plan(settings: Settings, programs: Sequence[Program], cpus: float, gpus: float) -> list[Needs]:
    """For a cluster with so many processors and GPUs. Raises PlanError."""
    wanted = [_wanted(settings, program, gpus) for program in programs]
    given = [program for program in programs if getattr(settings.ray, f"{program}_cpus")]
    fixed = sum(each.least * each.cpus for each in wanted if each.program in given)
    free = sum(each.least * each.cpus for each in wanted) - fixed
    share = min(1.0, (cpus - fixed) / free) if free else 1.0
    if (fixed > cpus + _ANY) or share <= 0:
        raise PlanError("ray.too_few_cpus", needed=round(fixed + (free and 1 / _STEP), 2), cpus=cpus)
    if (needed := sum(each.least * each.gpus for each in wanted)) > gpus + _ANY:
        raise PlanError("ray.too_few_gpus", needed=round(needed, 2), gpus=gpus)
    fitted = [
        each if each.program in given else replace(each, cpus=math.floor(each.cpus * share * _STEP) / _STEP)
        for each in wanted
    ]
    if any(each.cpus <= 0 for each in fitted):
        raise PlanError("ray.too_few_cpus", needed=round(fixed + free, 2), cpus=cpus)
    return [replace(each, most=_most(each, fitted, cpus, gpus)) for each in fitted]


def _wanted(settings: Settings, program: Program, gpus: float) -> Needs:
    """By the settings alone; `most` is 0 where the cluster decides."""
    ray = settings.ray
    least, most = getattr(ray, f"{program}_min_replicas"), getattr(ray, f"{program}_max_replicas")
    if most and most < least:
        raise PlanError("ray.most_below_least", program=program, least=least, most=most)
    ongoing, cpus = getattr(ray, f"{program}_ongoing"), getattr(ray, f"{program}_cpus")
    if program == "web":
        return Needs(program, least, most, ongoing, cpus or _WEB_CPUS)
    if program == "llm" and not settings.llm.has_embedded:
        return Needs(program, least, most or least, float(settings.llm.streams), cpus or _PROXY_CPUS)
    needs = Needs(program, least, most, ongoing, cpus or float(getattr(settings, program).threads))
    return replace(needs, gpus=_gpus(settings, least, gpus)) if program == "asr" else needs


def _gpus(settings: Settings, least: int, there: float) -> float:
    if settings.ray.asr_gpus or not settings.asr.has_embedded:
        return settings.ray.asr_gpus
    device = settings.asr.device
    return 1.0 if device.startswith("cuda") or (device == "auto" and there >= least) else 0.0


def _most(needs: Needs, plan: Sequence[Needs], cpus: float, gpus: float) -> int:
    """As many as fit beside the least of the others, where the settings leave it open."""
    if needs.most:
        return needs.most
    others = sum(each.least * each.cpus for each in plan if each.program != needs.program)
    fitting = math.floor((cpus - others) / needs.cpus + _ANY)
    if needs.gpus:
        fitting = min(fitting, math.floor(gpus / needs.gpus + _ANY))
    return max(needs.least, fitting)


def replicas_for(in_hand: float, ongoing: float) -> int:
    """How many replicas so much in hand needs."""
    return max(1, math.ceil(in_hand / ongoing - _ANY))
