"""An ordinary day of the program, for whoever watches it: ``python -m tests.support.everyday DAY RECORDING FOLDER``.

`alone`: the page with its three services, then every command that uses these or asks nothing of them, and the door for
Home Assistant. `cluster`: a recogniser behind a router, and an archive, both on a Ray of this machine.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.support import CONVERSATIONS
from tests.support.limits import PATIENCE_S
from tests.support.service_process import free_port

_HUIYIN = [sys.executable, "-m", "huiyin.assistant.faces.cli.main"]
_PAGE, _DOOR, _REPLICAS = "all services are ready", "huiyin wyoming: ", "all ready"


def alone(recording: str, folder: Path) -> None:
    """Raises CalledProcessError where a command fails."""
    with _serving("web", "--no-open", until=_PAGE, port=(port := free_port())):
        url = f"http://127.0.0.1:{port}"
        urllib.request.urlopen(url, timeout=PATIENCE_S).read()
        with _serving("serve", "wyoming", until=_DOOR, port=free_port()):
            pass
        _run("transcribe", recording)
        _run("ask", "What is the capital of France?")
        _run("say", "Hello.", "--out", str(folder / "hello.wav"))
        _run("talk", "--text", typed="What is the capital of France?\n")
        _run("simulate", str(CONVERSATIONS / "en_hesitation.yaml"), "--depth", "room")
        turn = ("--only", "turn", "--language", "en", "--quick", "--out", str(folder / "agents"))
        _run("bench", "agent", "--against", f"ours=realtime:ws://127.0.0.1:{port}/v1/realtime", *turn)
        for command in ("doctor", "devices"):
            _run(command, may_fail=True)  # there may be no sound card
    for command in (
        "models plan", "models list", "models verify silero_vad_16k.onnx", "sessions list", "privacy show",
        "tools list", "memory list", "personas", "settings", "licences", "version",
    ):  # fmt: skip
        _run(*command.split())


def cluster(recording: str, folder: Path) -> None:
    """Raises CalledProcessError where a command fails."""
    one = ("--set", "asr.threads=1", "--set", "ray.asr_max_replicas=1")
    with _serving("serve", "asr", "--ray", *one, "--set", f"asr.port={(port := free_port())}", until=_REPLICAS):
        with open(recording, "rb") as sound:
            asking = urllib.request.Request(f"http://127.0.0.1:{port}/asr", sound.read(), method="POST")
        assert b"text" in urllib.request.urlopen(asking, timeout=PATIENCE_S).read()
    _run("transcribe", "--ray", "local", recording, "--out", f"{folder}/")


@contextlib.contextmanager
def _serving(*command: str, until: str, port: int | None = None) -> Iterator[None]:
    """A command that serves, from when it has printed `until`; ended by Ctrl-C."""
    words = [*command, *(("--port", str(port)) if port else ())]
    with subprocess.Popen(
        [*_HUIYIN, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
                if until in line:
                    break
            yield
        finally:
            os.kill(process.pid, signal.SIGINT)
            print(process.communicate()[0], flush=True)
    assert process.returncode == 0, words


def _run(*command: str, typed: str = "", may_fail: bool = False) -> None:
    print(f"-- {' '.join(command)}", flush=True)
    subprocess.run([*_HUIYIN, *command], input=typed, text=True, check=not may_fail, timeout=PATIENCE_S)


if __name__ == "__main__":
    {"alone": alone, "cluster": cluster}[sys.argv[1]](sys.argv[2], Path(sys.argv[3]))
