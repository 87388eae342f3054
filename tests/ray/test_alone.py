"""``huiyin serve … --ray`` on this machine alone: replicas come with the load and go without it, too many callers are
refused, nothing is left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import psutil
import pytest

from tests.ray.test_serve_all import replicas_of, words
from tests.services.test_live_service import END, LiveClient, events_of, stream, texts
from tests.support import ROOT
from tests.support.limits import PATIENCE_S, until
from tests.support.ray_nodes import Served, replicas_on_this_machine, served, until_gone
from tests.support.service_process import free_port
from tests.support.tones import pcm, say

pytestmark = [pytest.mark.ray, pytest.mark.slow]

SILENCE = bytes(64)  # 2 ms


@pytest.fixture
def recogniser(engines: dict[str, str]) -> Iterator[Served]:
    """One or two replicas; the second comes with more than two streams, and goes soon."""
    settings = (
        "asr.engine=tones", "asr.threads=1", "ray.asr_max_replicas=2", "ray.asr_ongoing=2",
        "ray.upscale_delay_s=0", "ray.downscale_delay_s=0",
    )  # fmt: skip
    with served("asr", *settings, environ=engines) as found:
        yield found


def test_a_replica_comes_with_the_load_and_goes_when_its_stream_has_ended(recogniser: Served) -> None:
    url = recogniser.urls["asr"]
    assert len(recogniser.replicas("asr")) == 1

    def count(*streams: LiveClient) -> int:
        """How many there are; what is silent for half a minute would be ended."""
        for each in streams:
            each.send(SILENCE)
        return recogniser.counts()[-1]

    with ExitStack() as leaving, stream(url) as kept:
        others = [leaving.enter_context(stream(url)) for _ in range(2)]
        until(lambda: count(kept, *others) == 2)
        with stream(url) as second:  # at the other replica, which has none
            leaving.close()
            # One stream each: enough for one replica. The other gets nothing new, and ends when its stream has.
            until(lambda: count(kept, second) == 1)
            assert words(url, 1).status_code == 200
            assert len(recogniser.replicas("asr")) == 2
            for client in (kept, second):
                client.send(pcm(say("123 ")))
                client.send(END)
                assert "".join(texts(events_of(client))).strip()
    until(lambda: len(recogniser.replicas("asr")) == 1)
    assert len(replicas_of(url)) == 1


def test_too_many_callers_are_refused_and_told_when_to_come_again(engines: dict[str, str]) -> None:
    settings = ("asr.engine=fake", "asr.threads=1", "asr.queue_wait_s=0.1", "ray.asr_max_replicas=1")
    with served("asr", *settings, environ=engines) as found, ThreadPoolExecutor(24) as pool:
        url = found.urls["asr"]
        answers = list(pool.map(lambda number: words(url, number, prompt="0.3"), range(24)))
        assert {answer.status_code for answer in answers} == {200, 429}
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers if answer.status_code == 429)


def listening(processes: list[psutil.Process]) -> set[str]:
    """The addresses at which one of them takes connections."""
    found = set()
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            found |= {each.laddr.ip for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN}
    return {address.removeprefix("::ffff:") for address in found}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_cluster_of_this_machine_alone_leaves_nothing_behind(number: signal.Signals) -> None:
    with served("tts", "tts.engine=hibari", "tts.cache_mb=0") as found:
        all_of_it = psutil.Process(found.process.pid).children(recursive=True)
        assert [each for each in all_of_it if "raylet" in each.name()] and found.replicas("tts")
        assert listening(all_of_it) == {"127.0.0.1"}
        assert found.stop(number) == (0 if number != signal.SIGKILL else -signal.SIGKILL)
        until_gone(all_of_it)
    assert replicas_on_this_machine() == []


@pytest.mark.parametrize(
    ("words", "about"),
    [
        (("--ray", "127.0.0.1:1"), ("no cluster at 127.0.0.1:1", "ray start --head")),
        (("--ray", "--set", "ray.tts_min_replicas=99", "--set", "ray.tts_cpus=1"), ("need 99 processors", "ray start")),
    ],
)
def test_a_cluster_that_is_not_there_or_too_small_is_explained(words: tuple[str, ...], about: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "huiyin.assistant.faces.cli.main", "serve", "tts", *words]
    command += ["--set", "tts.engine=hibari", "--set", f"tts.port={free_port()}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("huiyin: ") and all(part in last for part in about)
