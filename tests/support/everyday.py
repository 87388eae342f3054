"""An ordinary day of the program, for whoever watches it: ``python -m tests.support.everyday RECORDING``.

The page with its three services, then commands that use these: transcribe, talk in writing, a conversation in a room.
"""

from __future__ import annotations

import subprocess
import sys
import urllib.request

from tests.support import CONVERSATIONS
from tests.support.limits import PATIENCE_S

_HUIYIN = [sys.executable, "-m", "huiyin.assistant.faces.cli.main"]
_READY = "all services are ready"


def main(recording: str) -> None:
    """Raises CalledProcessError where a command fails."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*_HUIYIN, "web", "--no-open"], stdout=pipe, stderr=pipe, text=True) as page:
        try:
            assert page.stdout is not None and page.stderr is not None
            url = page.stdout.readline().split()[-1]
            for line in page.stderr:
                print(line, end="", flush=True)
                if _READY in line:
                    break
            urllib.request.urlopen(url, timeout=PATIENCE_S).read()
            _run("transcribe", recording)
            _run("talk", "--text", said="What is the capital of France?\n")
            _run("simulate", str(CONVERSATIONS / "en_hesitation.yaml"), "--depth", "room")
        finally:
            page.terminate()
            page.communicate()
    assert page.returncode == 0


def _run(*command: str, said: str = "") -> None:
    print(f"-- {command[0]}", flush=True)
    subprocess.run([*_HUIYIN, *command], input=said, text=True, check=True, timeout=PATIENCE_S)


if __name__ == "__main__":
    main(sys.argv[1])
