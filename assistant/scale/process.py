"""The process of one replica: started where there is a free port, waited for, asked, ended.

Knows nothing of Ray: `cluster.py` makes a deployment of it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import requests

from huiyin.assistant.clients.launcher import service_command
from huiyin.assistant.scale.directory import Program
from huiyin.configs.errors import HuiyinError
from huiyin.services.common.access import url_of
from huiyin.services.common.child import module_command
from huiyin.services.common.model_servers import key_headers
from huiyin.services.common.supervisor import STOP_LIMIT_S, Child

_POLL_S = 0.2
_ANSWER_S = 10.0  # on a busy machine an answer may take seconds
_LINES = 500  # printed, until they have been taken
_RAYS_OWN = ("OMP_NUM_THREADS",)  # set by Ray; our programs have settings for their threads


@dataclass(frozen=True)
class Start:
    """What is needed to start a replica of `program` on any node."""

    program: Program
    arguments: tuple[str, ...]
    """Options of its command line: profile, settings."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of settings, and the key within."""
    key: str = ""
    """With which its addresses are asked; '' for none."""
    start_s: float = 1800.0
    drain_s: float = 120.0
    delays_s: tuple[float, float] = (5.0, 300.0)
    """Before replicas are added, and before one ends."""


class ReplicaFailed(HuiyinError):
    """The process ended, or was not ready in time; the message has its last lines."""


class Process:
    """One of our programs, running. All methods but `start` may be called from any thread."""

    def __init__(self, start: Start, host: str) -> None:
        """`host`: the node's address, on which it listens."""
        self._start, self._host = start, host
        self._lines: deque[str] = deque(maxlen=_LINES)
        port = _free_port(host)
        self.url = url_of(host, port)
        for name in _RAYS_OWN:
            os.environ.pop(name, None)
        os.environ.update(start.environment)
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        arguments = [*start.arguments, "--set", f"service.listen={address}"]
        # A session of its own: Ctrl-C in the terminal is the router's to deal with.
        self._child = Child(_command(start.program, arguments), show=self._lines.append, own_session=True)

    def wait_ready(self) -> None:
        """Until it takes requests. Raises ReplicaFailed."""
        limit_s = self._start.start_s
        end_s = time.monotonic() + limit_s
        while not self._is_ready():
            if self._child.status is not None or time.monotonic() > end_s:
                program, status = self._start.program, self._child.status
                self.stop()
                lines = list(self._child.tail)
                if status is None:
                    raise ReplicaFailed(
                        "ray.replica_not_ready", program=program, limit_s=self._start.start_s, lines=lines
                    )
                raise ReplicaFailed("ray.replica_ended", program=program, status=status, lines=lines)
            time.sleep(_POLL_S)

    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._child.status is not None

    def answers(self) -> bool:
        """Whether /health is answered: a process that hangs is not."""
        return self._status("/health") == 200

    def take_lines(self) -> list[str]:
        """What it has printed since the last time."""
        lines = []
        with contextlib.suppress(IndexError):
            while True:
                lines.append(self._lines.popleft())
        return lines

    def stop(self) -> None:
        """End it: it closes its connections, with some seconds for requests in hand."""
        self._child.terminate()
        self._child.wait(STOP_LIMIT_S)

    def when_ended(self, limit_s: float) -> bool:
        """Waits for its end, at most so long; whether it came."""
        end_s = time.monotonic() + limit_s
        while self._child.status is None and time.monotonic() < end_s:
            threading.Event().wait(_POLL_S)
        return self._child.status is not None

    def _is_ready(self) -> bool:
        path = "/health" if self._start.program == "web" else "/ready"
        return self._status(path) == 200

    def _status(self, path: str) -> int:
        """Of an answer; 0 without one."""
        try:
            with _direct() as session:
                headers = {**key_headers(self._start.key), "Host": "localhost"}
                return session.get(self.url + path, headers=headers, timeout=_ANSWER_S).status_code
        except requests.RequestException:
            return 0


def _direct() -> requests.Session:
    """Without the environment's proxies: they do not lead to a node."""
    session = requests.Session()
    session.trust_env = False
    return session


def _command(program: Program, arguments: list[str]) -> list[str]:
    if program == "web":
        return module_command("huiyin.assistant.scale.web_process", "serve", "web", *arguments)
    return service_command(program, ["--stop-with-parent", *arguments])


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
