"""``huiyin doctor --echo``: will the user be heard over the loudspeaker at this desk? Played, heard, said in words."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np

from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.ears.echo.probe import EchoReport, examine, probe_sound
from huiyin.assistant.faces.cli.checks.check import Check
from huiyin.assistant.ports.port import Duplex, Pcm16, PortError
from huiyin.configs.settings import Settings

_LATE_S = 10.0  # after the probe's own length something is wrong
_AUDIBLE_DB = 6.0  # an echo less far above the noise is nothing to worry about
_GOOD_DB = 18.0  # of echo taken away: barge-in works
_POOR_DB = 8.0  # likewise: it works now and then
_BLUETOOTH_MS = 250.0  # such a delay has a wireless loudspeaker
_LONGEST_MS = 550.0  # the aligner looks for no longer delay
_TWO_CLOCKS_PPM = 5.0  # more than this is not one device
_BAD_CLOCK_PPM = 300.0  # more than this is not followed well
_LOUD_SPEECH_DBFS = -12.0  # the assistant's loudest words


class _Probe:
    """Plays a sound through a port, keeps what was heard."""

    def __init__(self) -> None:
        self._sound = probe_sound()
        self._at = 0
        self._heard: list[Pcm16] = []
        self._played: list[Pcm16] = []
        self.done = threading.Event()

    def exchange(self, mic: Pcm16) -> Pcm16:
        """A block, in the port's thread."""
        out = self._sound[self._at : self._at + len(mic)]
        self._at += len(mic)
        out = np.pad(out, (0, len(mic) - len(out)))
        self._heard.append(mic)
        self._played.append(out)
        if self._at >= len(self._sound):
            self.done.set()
        return out

    @property
    def length_s(self) -> float:
        """Of the probe."""
        return len(self._sound) / 16_000

    def sound(self) -> tuple[Pcm16, Pcm16]:
        """(heard, played)."""
        return np.concatenate(self._heard), np.concatenate(self._played)


def check_echo(
    port: Duplex, echo: str, wait: Callable[[threading.Event, float], bool] = threading.Event.wait
) -> Iterator[Check]:
    """Play the probe through `port` and judge what the echo path `echo` makes of it. Some 15 s."""
    probe = _Probe()
    try:
        port.start(probe.exchange)
        try:
            complete = wait(probe.done, probe.length_s + _LATE_S)
            port.check()
        finally:
            port.stop()
    except PortError as error:
        yield Check("fail", "doctor.probe_not_played", error=error, hint=error.hint)
        return
    if not complete:
        yield Check("fail", "doctor.probe_stopped")
        return
    path, warning = make_echo_path(echo)
    if warning:
        yield Check("warn", "doctor.probe_canceller", warning=warning.split(";")[0])
    yield from judge(examine(*probe.sound(), path))


def check_desktop(settings: Settings) -> Iterator[Check]:
    """The same on the desktop's devices."""
    from huiyin.assistant.ports.desktop import DesktopDevice

    audio = settings.audio
    port = DesktopDevice(audio.input_device, audio.output_device, latency_s=audio.latency_s)
    yield from check_echo(port, audio.echo)


def judge(report: EchoReport) -> Iterator[Check]:
    """What the figures mean, and what to change."""
    if report.dead:
        yield Check("fail", "doctor.probe_zeros")
        return
    above_db = report.echo_dbfs - report.noise_dbfs
    if report.delay_ms is None:
        if above_db < _AUDIBLE_DB:
            yield Check("ok", "doctor.echo_unheard")
        else:
            yield Check("warn", "doctor.echo_without_delay", above_db=above_db)
        return
    yield _delay(report.delay_ms)
    if abs(report.drift_ppm) > _BAD_CLOCK_PPM:
        yield Check("warn", "doctor.clocks_too_far", drift_ppm=report.drift_ppm)
    elif abs(report.drift_ppm) > _TWO_CLOCKS_PPM:
        yield Check("ok", "doctor.two_clocks", drift_ppm=report.drift_ppm)
    else:
        yield Check("ok", "doctor.clocks", drift_ppm=report.drift_ppm)
    yield _removed(report, above_db)
    if report.clips_at_dbfs is not None:
        if report.clips_at_dbfs <= _LOUD_SPEECH_DBFS:
            yield Check("warn", "doctor.clips", from_dbfs=report.clips_at_dbfs)
        else:
            yield Check("ok", "doctor.clips_above_speech", from_dbfs=report.clips_at_dbfs)


def _delay(delay_ms: float) -> Check:
    if delay_ms > _LONGEST_MS:
        return Check("warn", "doctor.echo_delay_too_long", delay_ms=delay_ms)
    if delay_ms > _BLUETOOTH_MS:
        return Check("warn", "doctor.echo_delay_wireless", delay_ms=delay_ms)
    return Check("ok", "doctor.echo_delay", delay_ms=delay_ms)


def _removed(report: EchoReport, above_noise_db: float) -> Check:
    removed = {"echo_dbfs": report.echo_dbfs, "erle_db": report.erle_db}
    # Down to the noise there is no more to take away.
    if report.erle_db >= min(_GOOD_DB, above_noise_db - 3):
        return Check("ok", "doctor.echo_removed", **removed)
    if report.erle_db >= _POOR_DB:
        return Check("warn", "doctor.echo_removed_in_part", **removed)
    return Check("warn", "doctor.echo_stays", **removed)
