"""``huiyin`` with the service of `fake_asr`, not the real one: ``python -m tests.support.fake_asr_cli ARGUMENTS``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from huiyin.assistant.clients import launcher
from huiyin.assistant.faces.cli import main


def fake_service(name: str, arguments: Sequence[str]) -> list[str]:
    """As `launcher.service_command`."""
    return [sys.executable, "-m", "tests.support.fake_asr", name, *arguments]


if __name__ == "__main__":
    launcher.service_command = fake_service
    sys.exit(main.main(sys.argv[1:]))
