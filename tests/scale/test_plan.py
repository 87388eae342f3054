"""What each program takes of a cluster."""

from __future__ import annotations

import pytest

from huiyin.assistant.scale.directory import PROGRAMS, Program
from huiyin.assistant.scale.plan import Needs, PlanError, make_plan, replicas_for
from huiyin.configs.settings import load


def plan(cpus: float, *overrides: str, gpus: float = 0, programs: tuple[Program, ...] = PROGRAMS) -> dict[str, Needs]:
    return {each.program: each for each in make_plan(load(overrides=overrides, environ={}), programs, cpus, gpus)}


def test_a_replica_takes_the_threads_of_its_program() -> None:
    there = plan(16, "asr.threads=3")
    assert {name: each.cpus for name, each in there.items()} == {"asr": 3, "llm": 2, "tts": 2, "web": 1}
    assert there["asr"].most == (16 - 5) // 3 and there["web"].most == 16 - 7


def test_on_a_small_machine_they_share_its_processors() -> None:
    there = plan(2)
    assert sum(each.cpus for each in there.values()) <= 2
    assert {each.least for each in there.values()} == {each.most for each in there.values()} == {1}


def test_what_the_user_has_set_is_not_shared() -> None:
    there = plan(2, "ray.asr_cpus=1", "ray.asr_min_replicas=1")
    assert there["asr"].cpus == 1 and sum(each.cpus for each in there.values()) <= 2
    with pytest.raises(PlanError, match="need 3"):
        plan(2, "ray.asr_cpus=1", "ray.asr_min_replicas=3", programs=("asr",))


def test_a_model_elsewhere_takes_next_to_nothing_here() -> None:
    there = plan(8, "llm.upstreams=http://127.0.0.1:11434/v1", "llm.streams=24")["llm"]
    assert (there.cpus, there.most, there.ongoing) == (0.1, 1, 24)


def test_the_recogniser_gets_a_gpu_where_there_is_one() -> None:
    assert plan(16, gpus=2)["asr"].gpus == 1 and plan(16, gpus=2)["asr"].most == 2
    assert plan(16)["asr"].gpus == 0 and plan(16, "asr.device=cpu", gpus=2)["asr"].gpus == 0
    assert plan(16, "ray.asr_gpus=0.5", gpus=2)["asr"].most == 4
    with pytest.raises(PlanError, match="1 GPUs"):
        plan(16, "asr.device=cuda")


def test_limits_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(PlanError, match=r"ray\.tts_max_replicas=2 is below"):
        plan(64, "ray.tts_min_replicas=3", "ray.tts_max_replicas=2")


@pytest.mark.parametrize(("in_hand", "replicas"), [(0, 1), (2, 1), (2.1, 2), (4, 2), (9, 5)])
def test_more_in_hand_needs_more_replicas(in_hand: float, replicas: int) -> None:
    assert replicas_for(in_hand, 2) == replicas
