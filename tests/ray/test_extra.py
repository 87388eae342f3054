"""The extra `ray`: nothing of it is imported unless asked for, and it reports to nobody."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.ray


def test_it_reports_to_nobody() -> None:
    code = "import huiyin.configs; from ray._common.usage import usage_lib as u; print(u.usage_stats_enabled())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


def test_commands_do_without_it() -> None:
    code = "import sys; from huiyin.assistant.faces.cli import main, serve, transcribe; print('ray' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
