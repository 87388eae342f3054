"""`huiyin doctor --echo`: what it measures in rooms whose truth is known, and what it says about them."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.ears.echo.probe import EchoReport, examine, probe_sound
from huiyin.assistant.faces.cli.checks.check import Check
from huiyin.assistant.faces.cli.echo_check import check_echo, judge
from huiyin.assistant.ports.port import Exchange, PortError
from huiyin.assistant.ports.room import RoomSettings, SimulatedRoom

MISSING = make_echo_path("both")[1]
needs_both = pytest.mark.skipif(bool(MISSING), reason=MISSING)


class Desktop:
    """A simulated room that runs when it is waited for; may break off."""

    output_latency_s = 0.0

    def __init__(self, settings: RoomSettings, error: str = "") -> None:
        self.room, self._error = SimulatedRoom(settings), error

    def start(self, exchange: Exchange) -> None:
        self.room.connect(exchange)

    def stop(self) -> None:
        pass

    def check(self) -> None:
        if self._error:
            raise PortError(self._error)

    def wait(self, event: threading.Event, limit_s: float) -> bool:
        while not event.is_set() and self.room.now() < limit_s:
            self.room.step()
        return event.is_set()


def checked(desktop: Desktop) -> list[Check]:
    return list(check_echo(desktop, "both", desktop.wait))


def said(checks: list[Check]) -> str:
    return "\n".join(f"{check.level}: {check.text()}: {check.hint()}" for check in checks)


@needs_both
@pytest.mark.slow
def test_a_good_desk_is_called_good() -> None:
    checks = checked(Desktop(RoomSettings(delay_ms=95, drift_ppm=40)))
    assert {check.level for check in checks} == {"ok"}, said(checks)
    assert "95 ms" in said(checks) or "96 ms" in said(checks)
    assert "interrupting will work" in said(checks)


@needs_both
@pytest.mark.slow
def test_a_microphone_that_clips_is_noticed() -> None:
    checks = checked(Desktop(RoomSettings(echo_db=10, drive=0)))
    assert "warn: echo: the microphone clips" in said(checks)
    assert "turn the loudspeaker or the microphone down" in said(checks)


def test_a_device_that_dies_is_told_in_a_sentence() -> None:
    checks = checked(Desktop(RoomSettings(), error="ports.microphone_stopped"))
    (check,) = checks
    assert check.level == "fail" and check.text().endswith(str(PortError("ports.microphone_stopped")))


def test_a_muted_microphone_is_told_from_a_quiet_room() -> None:
    played = probe_sound()
    path = make_echo_path("off")[0]
    assert examine(np.zeros_like(played), played, path).dead
    assert "zeros" in said(list(judge(examine(np.zeros_like(played), played, make_echo_path("off")[0]))))


GOOD = EchoReport(
    dead=False, noise_dbfs=-65, echo_dbfs=-35, delay_ms=80, drift_ppm=0.3, erle_db=30, clips_at_dbfs=None
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "level", "words"),
    [
        ({}, "ok", "interrupting will work"),
        ({"erle_db": 12}, "warn", "now and then"),
        ({"erle_db": 3}, "warn", "headset"),
        ({"delay_ms": 320}, "warn", "wireless"),
        ({"drift_ppm": 500.0}, "warn", "one device"),
        ({"delay_ms": None, "echo_dbfs": -64}, "ok", "does not hear the loudspeaker"),
        ({"delay_ms": None, "echo_dbfs": -30}, "warn", "headset"),
        ({"clips_at_dbfs": -9}, "ok", "louder than the assistant speaks"),
        ({"echo_dbfs": -62, "erle_db": 1}, "ok", "interrupting will work"),
    ],
)
def test_figures_become_advice(changed: dict[str, object], level: str, words: str) -> None:
    checks = list(judge(replace(GOOD, **changed)))  # type: ignore[arg-type]
    worst = "warn" if any(check.level == "warn" for check in checks) else "ok"
    assert worst == level, said(checks)
    assert words in said(checks)
