"""The services under load near what two cores can do, while one of their processes is killed every twenty seconds: each
request is answered, or refused with a reason, and nothing grows.

The callers ask at the web program's address, which goes on when a service is killed: a process that is gone can give no
reason to those whose connections it held.

`make soak`: a quarter of an hour; SOAK_MINUTES says how many, without it three.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import requests

from huiyin.assistant.clients import keeper
from huiyin.assistant.clients.keeper import Keeper
from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.readiness import look
from huiyin.assistant.clients.services import NAMES, Name
from huiyin.assistant.ports.wav import wav_bytes
from huiyin.configs.settings import load
from tests.support.limits import PATIENCE_S, until
from tests.support.service_process import free_port
from tests.support.speech_clips import english
from tests.web.door import open_door

pytestmark = [
    pytest.mark.slow,
    pytest.mark.soak,
    pytest.mark.skipif(not hasattr(psutil.Process, "num_fds"), reason="counts open files as POSIX does"),
]

MINUTES = float(os.environ.get("SOAK_MINUTES", "3"))
SEED = int(os.environ.get("FUZZ_SEED") or random.randrange(2**32))
CALLERS = 2  # of each service: more would only wait
WARM_UP_S, EVERY_S = 20.0, 20.0
GROWTH_MB, MORE_FILES = 150.0, 40
_PAUSE_S = 0.2  # of a caller whose service is not there
_MODEL = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"


class Refused(Exception):
    """With a reason."""


@dataclass
class Load:
    """Callers of the services, and what has become of their requests."""

    url: str
    done: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    """Requests whose connection broke."""
    cut_short: int = 0
    """Sound that broke off after it had begun: it has no place for a reason, and does not look whole."""
    wrong: list[str] = field(default_factory=list)
    """Answers that are neither an answer nor a refusal."""
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._clip = wav_bytes((english() * 32767).astype("int16"), 16_000)
        calls: dict[Name, Callable[[int], None]] = {"asr": self._transcribe, "llm": self._chat, "tts": self._speak}
        self._threads = [
            threading.Thread(target=self._call, args=(name, call), name=f"caller-{name}", daemon=True)
            for name, call in calls.items()
            for _ in range(CALLERS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "a request hangs"

    def _call(self, name: Name, call: Callable[[int], None]) -> None:
        number = 0
        while not self.over.is_set():
            number += 1
            try:
                call(number)
                self.done[f"{name} answered"] += 1
            except Refused as reason:
                self.done[f"{name} refused: {reason}"] += 1
                self.over.wait(_PAUSE_S)
            except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
                self.lost.append(f"{name} {type(error).__name__}: {error}")
            except Exception as error:
                self.wrong.append(f"{name} {type(error).__name__}: {error}")

    def _transcribe(self, number: int) -> None:
        clip = self._clip + bytes(2 * number)  # none is answered out of the cache
        answer = requests.post(f"{self.url}/asr", data=clip, timeout=PATIENCE_S)
        assert _answered(answer)["text"], answer.text

    def _chat(self, number: int) -> None:
        body = {
            "messages": [{"role": "user", "content": f"{number}: say hello."}],
            "max_tokens": 12,
            "stream": number % 2 == 0,
        }
        url = f"{self.url}/v1/chat/completions"
        with requests.post(url, json=body, timeout=PATIENCE_S, stream=True) as answer:
            if not body["stream"] or answer.status_code != 200:
                assert _answered(answer)["choices"], answer.text
                return
            events = [line[6:] for line in answer.iter_lines() if line.startswith(b"data: ")]
            for event in events:
                if event != b"[DONE]" and "error" in json.loads(event):
                    raise Refused(json.loads(event)["error"]["code"])
            assert events[-1] == b"[DONE]", events

    def _speak(self, number: int) -> None:
        body = {"input": f"Number {number} of many.", "response_format": "pcm"}
        with requests.post(f"{self.url}/v1/audio/speech", json=body, timeout=PATIENCE_S, stream=True) as answer:
            if answer.status_code != 200:
                _answered(answer)
            try:
                assert len(answer.content) > 1000
            except requests.exceptions.ChunkedEncodingError:
                self.cut_short += 1


def _answered(answer: requests.Response) -> dict[str, object]:
    """The body. Raises Refused where it is an error with a reason."""
    body = answer.json()
    if answer.status_code != 200:
        assert body["error"]["message"] and body["error"]["code"], answer.text
        raise Refused(f"{answer.status_code} {body['error']['code']}")
    return dict(body)


class Killer:
    """Kills a process of the services' every so often."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher, self._random = launcher, random.Random(SEED)
        self.killed: list[Name] = []
        self.seen: set[psutil.Process] = set()

    def kill(self) -> str:
        """One of them, whichever; who it was."""
        family = list(self.family())
        self.seen.update(process for _, process in family)
        name, victim = self._random.choice(family)
        victim.kill()
        until(lambda: _is_over(victim), "it was not killed")
        until(lambda: self.is_ready(name), f"{name} does not come back")
        self.killed.append(name)
        return f"{name} {victim.pid}"

    def is_ready(self, name: Name) -> bool:
        return look(self._launcher.services, name).kind == "ready"

    def family(self) -> Iterator[tuple[Name, psutil.Process]]:
        """The processes of each service."""
        for name, child in self._launcher.children.items():
            process = psutil.Process(child.pid)
            yield name, process
            yield from ((name, each) for each in process.children(recursive=True))

    def left(self) -> tuple[int, float, int]:
        """(processes, their memory in MB, their open files)."""
        family = [process for _, process in self.family()]
        return len(family), sum(p.memory_info().rss for p in family) / 2**20, sum(p.num_fds() for p in family)


def _is_over(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def test_killed_processes_cost_no_request_its_answer_or_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(keeper, "WITHIN_S", 0.0)  # each end is the first: it is started again after a second
    ports = {name: free_port() for name in NAMES}
    overrides = [*(f"{name}.port={port}" for name, port in ports.items()), f"llm.model={_MODEL}", "llm.turn_model="]
    arguments = [word for override in overrides for word in ("--set", override)]
    settings = load(overrides=overrides, environ={})
    with Launcher(settings, arguments) as launcher, open_door(tmp_path, settings=settings) as url:
        launcher.start(NAMES)
        threading.Thread(target=Keeper(launcher).run, name="keeper", daemon=True).start()
        callers = Load(url)
        killer = Killer(launcher)
        callers.start()
        callers.over.wait(WARM_UP_S)
        before = killer.left()
        until_s = time.monotonic() + MINUTES * 60
        while time.monotonic() < until_s:
            due_s = time.monotonic() + EVERY_S
            print(f"{until_s - time.monotonic():5.0f} s left: killed {killer.kill()}, {dict(callers.done)}", flush=True)
            callers.over.wait(max(0.0, due_s - time.monotonic()))
        callers.over.wait(WARM_UP_S)
        after = killer.left()
        callers.end()
    print(f"seed {SEED}, {MINUTES:g} minutes, {len(killer.killed)} kills: {dict(callers.done)}")
    print(f"{len(callers.lost)} without a reason; sound that broke off: {callers.cut_short}")
    print(f"processes, MB, files: {before} before, {after} after")
    assert not callers.wrong, callers.wrong[:5]
    assert not callers.lost, callers.lost[:5]
    assert callers.cut_short <= CALLERS * killer.killed.count("tts")
    assert all(callers.done[f"{name} answered"] > len(killer.killed) for name in NAMES)
    assert after[0] == before[0] and after[1] <= before[1] + GROWTH_MB and after[2] <= before[2] + MORE_FILES
    until(lambda: all(map(_is_over, killer.seen)), "a process is left")
