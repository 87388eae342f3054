"""The CPU image's steps in a bare Debian: a root of debootstrap, as no container engine runs where this is built.

Needs root, debootstrap and the network; takes minutes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import ROOT

pytestmark = [
    pytest.mark.release,
    pytest.mark.skipif(not shutil.which("debootstrap") or os.geteuid() != 0, reason="needs root and debootstrap"),
]

RELEASE = "bookworm"
LIMIT_S = 3600.0
# How this machine reaches packages.
_PASSED_ON = re.compile(r"(https?|no)_proxy|pip_\w+|npm_config_\w+|ssl_cert_file", re.I)
_FILES = {
    "/etc/resolv.conf": "etc/resolv.conf",
    "/etc/hosts": "etc/hosts",
    # Those who sign a proxy's certificates; put there they outlive the installation of ca-certificates.
    "/etc/ssl/certs/ca-certificates.crt": "usr/local/share/ca-certificates/of-this-machine.crt",
}


def test_the_steps_of_the_image_make_a_huiyin_that_runs(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert f"FROM debian:{RELEASE}-slim" in text
    root, home = tmp_path / "root", tmp_path / "root" / "opt" / "huiyin"
    run(["debootstrap", "--variant=minbase", RELEASE, str(root)])
    for name, there in _FILES.items():
        if Path(name).is_file():
            (root / there).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(name, root / there)
    home.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(home)], input=archive, check=True)
    for step in re.findall(r"^RUN (.*)$", text, re.MULTILINE):
        run(["chroot", str(root), "sh", "-c", f"cd /opt/huiyin && {step}"])
    told = run(["chroot", "--userspec=huiyin", str(root), "/opt/huiyin/.venv/bin/huiyin", "version"])
    assert re.match(r"huiyin \d+\.\d+", told)


def run(command: list[str]) -> str:
    known = {name: value for name, value in os.environ.items() if _PASSED_ON.fullmatch(name)}
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8", **known}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout
