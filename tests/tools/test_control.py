"""The tools that change the conversation: its loudness."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from huiyin.assistant.faces.cli.controls import TalkControls
from huiyin.assistant.ports.player import Player
from huiyin.assistant.tools.builtin.control import control_tools
from huiyin.assistant.tools.own import ToolError


def change(player: Player, **arguments: Any) -> str:
    own = control_tools(TalkControls("xiaoyin", player))
    (tool,) = [each for each in own if each.tool.name == "change_volume"]
    return tool.call(arguments).one()


def playing(level: int = 10_000) -> Player:
    player = Player()
    player.add(1, 0, np.full(1600, level, np.int16))
    player.open(1)
    return player


def test_softer_speech_glides_to_its_new_loudness() -> None:
    player = playing()
    assert player.read(320).max() == 10_000
    assert "50 percent" in change(player, percent=50)
    gliding, softer = player.read(320), player.read(320)
    assert gliding[0] > 9_900 and (np.diff(gliding.astype(int)) <= 0).all()
    assert (softer == 5_000).all()
    change(player, percent=100)
    player.read(320)
    assert player.read(320).max() == 10_000


def test_softer_and_louder_are_steps_within_what_can_be_heard() -> None:
    player = playing()
    steps = [round(player.gain * 100) for _ in range(6) if change(player, direction="softer")]
    assert steps == [80, 60, 40, 20, 10, 10]
    assert "30 percent now, it was 10" in change(player, direction="louder")


def test_at_its_loudest_the_machine_has_a_volume_of_its_own() -> None:
    assert "machine's own volume" in change(playing(), direction="louder")


def test_what_is_no_percentage_is_an_error() -> None:
    with pytest.raises(ToolError, match="'half'"):
        change(playing(), percent="half")


def test_where_nothing_sounds_there_is_no_volume() -> None:
    assert "change_volume" not in [each.tool.name for each in control_tools(TalkControls("xiaoyin"))]
