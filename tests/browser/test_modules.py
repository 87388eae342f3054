"""The page's parts without a DOM, tested in node."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

MODULES = sorted((Path(__file__).parent / "modules").glob("*.mjs"))
NODE = shutil.which("node")
OLDEST = 20  # reads modules in files that end in .js


@pytest.mark.slow  # programs are started
@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.name)
def test_modules_of_the_page(file: Path) -> None:
    if NODE is None:
        pytest.skip("needs node")
    version = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").partition(".")[0]) < OLDEST:
        pytest.skip(f"needs node {OLDEST} or newer, found {version.strip()}")
    done = subprocess.run([NODE, "--test", str(file)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-6000:]
