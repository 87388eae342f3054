"""``huiyin`` with the service of `fake_asr`, not the real one: ``python -m tests.support.fake_asr_cli ARGUMENTS``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from huiyin.assistant.clients import launcher, ray_cluster
from huiyin.assistant.faces.cli import main
from tests.support.fake_asr import NOTES, PIECE_S


def fake_service(name: str, arguments: Sequence[str]) -> list[str]:
    """As `launcher.service_command`."""
    return [sys.executable, "-m", "tests.support.fake_asr", name, *arguments]


def use_fake_service() -> None:
    """In this process, and in the workers that it has Ray start."""
    launcher.service_command = fake_service
    ray_cluster.OPTIONS["runtime_env"] = {
        "worker_process_setup_hook": f"{use_fake_service.__module__}.{use_fake_service.__name__}",
        "env_vars": {name: os.environ[name] for name in (NOTES, PIECE_S) if name in os.environ},
    }


if __name__ == "__main__":
    from tests.support import fake_asr_cli  # by its own name, under which workers find it

    fake_asr_cli.use_fake_service()
    sys.exit(main.main(sys.argv[1:]))
