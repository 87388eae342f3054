"""Every event of the Live server is one of the newest `openai` package's types, without a field too many."""

from __future__ import annotations

import json
import subprocess

import pytest

from huiyin.assistant.faces.live import wire
from tests.clients.environments import command_of
from tests.live.every_event import every_event

pytestmark = [pytest.mark.slow, pytest.mark.clients]

LIMIT_S = 120.0


def test_every_event_is_of_the_sdk_s_types() -> None:
    lines = "\n".join(map(json.dumps, every_event()))
    ran = subprocess.run(command_of("live_types"), input=lines, capture_output=True, text=True, timeout=LIMIT_S)

    assert ran.returncode == 0, ran.stderr[-2000:]
    kinds = {kind.TYPE for kind in vars(wire).values() if isinstance(kind, type) and "TYPE" in vars(kind)}
    assert set(json.loads(ran.stdout)) == kinds
