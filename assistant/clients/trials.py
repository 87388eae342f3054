"""What the services' own code must find out before models are chosen: how fast this machine is, what a model can do.

Each runs as a process of its own, as a service does: its memory is given back, and native code that dies takes nothing
with it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from huiyin.configs.choice.ladder import Rung
from huiyin.configs.choice.speed import Speed
from huiyin.configs.messages import said
from huiyin.services.common.child import module_command

_MEASURE_S = 180.0
_PROVE_S = 900.0  # SenseVoice's form for CPUs is made meanwhile


def measure(model: str, arguments: Sequence[str]) -> Speed | None:
    """The machine's speed with a language model that is here; None where it cannot be measured."""
    answer = _run("huiyin.services.measure", [*arguments, "--", model], _MEASURE_S)
    return Speed(**answer) if "why" not in answer else None


def prove(part: str, rung: Rung, arguments: Sequence[str]) -> str:
    """What is wrong with the rung's model, in words; '' where its proof succeeds."""
    changes = [item for name, value in rung.settings.items() for item in ("--set", f"{name}={_text(value)}")]
    answer = _run("huiyin.services.prove", [*arguments, *changes, "--", part, rung.name], _PROVE_S)
    return "; ".join(answer["failures"]) if "failures" in answer else str(answer["why"])


def _text(value: object) -> str:
    return ",".join(value) if isinstance(value, (list, tuple)) else str(value)


def _run(module: str, arguments: Sequence[str], limit_s: float) -> Mapping[str, Any]:
    """Its answer, a JSON object in the last line; {"why": …} where it gives none."""
    try:
        done = subprocess.run(
            module_command(module, *arguments),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=limit_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"why": str(error)}
    try:
        answer = json.loads(done.stdout.splitlines()[-1])
        return answer if isinstance(answer, dict) else {"why": str(answer)}
    except (ValueError, IndexError):
        lines = done.stderr.strip().splitlines() or [said("clients.ended_with", status=done.returncode)]
        return {"why": lines[-1]}
