"""Nothing is asked for outside this machine: programs in a network namespace of their own, under strace.

The namespace has a loopback device and nothing else: what looks for another address fails, and is seen.
"""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from huiyin.configs.settings import load
from tests.support import ROOT, speech_clips
from tests.support.limits import PATIENCE_S
from tests.support.media import encode

# `ip link set lo up`, without iproute2, then the command
LOOPBACK = """
import fcntl, os, socket, struct, sys
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
os.execvp(sys.argv[1], sys.argv[1:])
"""
IS_ROOT = sys.platform != "win32" and os.geteuid() == 0
UNSHARE = ["unshare", "--net", *(() if IS_ROOT else ("--map-root-user",))]
CALLS = "connect,sendto,sendmsg,sendmmsg"
TARGET = re.compile(
    r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)")', re.DOTALL
)  # as strace writes addresses
DNS = 53
NOT_KEPT = ("XDG_", "ORT_", "HF_", "DO_NOT_")  # they lead out of the home folder, or are what is tested
LIMIT_S = 5 * PATIENCE_S


def isolated(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    """`command` in a namespace with a loopback device alone."""
    wrapped = [*UNSHARE, sys.executable, "-c", LOOPBACK, *command]
    return subprocess.run(wrapped, cwd=ROOT, capture_output=True, text=True, **options)  # type: ignore[call-overload, no-any-return]


def cannot_watch() -> str:
    """Why nothing can be watched here; '' where it can."""
    if not (shutil.which("strace") and shutil.which("unshare")):
        return "strace and unshare are not installed"
    done = isolated(["strace", "-f", "-o", os.devnull, "true"])
    return done.stderr.strip() and f"no namespace, or no tracing: {done.stderr.strip()}"


def outside(log: Path) -> list[str]:
    """The lines of a log of strace that name another machine, or a name server."""
    found = []
    for line in log.read_text(errors="replace").splitlines():
        for port, address, address6 in TARGET.findall(line):
            where = ipaddress.ip_address(address or address6)
            if int(port) == DNS or not (getattr(where, "ipv4_mapped", None) or where).is_loopback:
                found.append(line)
    return found


def watched(tmp_path: Path, *arguments: str, **environ: str) -> tuple[list[str], list[str]]:
    """What this Python asks for outside of this machine, and which files it leaves in the home folder, but for ours."""
    log, home = tmp_path / "strace.log", tmp_path / "home"
    home.mkdir()
    store = str(load().store.path)
    offline = {"HUIYIN_STORE_DIR": store, "HUIYIN_STORE_OFFLINE": "true", "HOME": str(home), **environ}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_KEPT)}
    trace = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", f"trace={CALLS}", "-e", "signal=none", "-o", str(log)]
    done = isolated([*trace, sys.executable, *arguments], env={**kept, **offline}, timeout=LIMIT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    files = [path.relative_to(home) for path in home.rglob("*") if path.is_file()]
    return outside(log), sorted(str(file) for file in files if "huiyin" not in file.parts)


pytestmark = [
    pytest.mark.offline,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's"),
]


@pytest.fixture(scope="module", autouse=True)
def watching() -> None:
    if why := cannot_watch():
        pytest.skip(why)


def test_a_program_that_asks_for_a_name_is_seen(tmp_path: Path) -> None:
    """The watch itself."""
    asks = "import contextlib, socket\nwith contextlib.suppress(OSError): socket.getaddrinfo('example.com', 80)"
    found, _ = watched(tmp_path, "-c", asks)
    assert found and "htons(53)" in found[0]


def test_onnxruntime_reports_nothing_to_those_who_import_the_package(tmp_path: Path) -> None:
    uses = "import huiyin.services.common.onnx as onnx, onnxruntime; onnx.session_options(1); onnx.has_exact_int8()"
    assert watched(tmp_path, "-c", uses) == ([], [])


@pytest.mark.parametrize(
    "day", ["alone", pytest.param("cluster", marks=pytest.mark.skipif(not find_spec("ray"), reason="needs Ray"))]
)
def test_page_services_and_commands_ask_for_this_machine_alone(tmp_path: Path, day: str) -> None:
    recording = tmp_path / "question.wav"
    recording.write_bytes(encode(speech_clips.english()))
    assert watched(tmp_path, "-m", "tests.support.everyday", day, str(recording), str(tmp_path)) == ([], [])
