"""What goes wrong with the sound device, or with the machine's clock, in the middle of a conversation."""

from __future__ import annotations

import numpy as np

from huiyin.assistant.ports.local import LOST_AFTER_S
from huiyin.assistant.ports.player import Player
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.hearing import Span

SILENT, STOPS, STALL, SLIPS = "microphone is silent", "loudspeaker stops", "both stall", "microphone slips"
JUMPS = "clock jumps"
LASTS_S = {SILENT: 1.0, STOPS: 1.0, STALL: 1.0, SLIPS: 0.02, JUMPS: 1.0}
"""Fault -> how long it lasts unless the script says otherwise; of a slip: how much sound is lost."""


def unheard(fault: str, at_s: float, lasts_s: float) -> list[Span]:
    """When what people say is lost. What a device holds back for a moment comes later."""
    is_lost = fault == SILENT or (fault in (STALL, JUMPS) and lasts_s > LOST_AFTER_S)
    return [(at_s, at_s + lasts_s)] if is_lost else []


class StoppablePlayer(Player):
    """A `Player` whose device may take nothing for a while."""

    is_stopped = False

    def read(self, count: int) -> Pcm16:
        """As `Player.read`; silence while it is stopped."""
        return np.zeros(count, np.int16) if self.is_stopped else super().read(count)
