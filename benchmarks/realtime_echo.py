"""A Realtime client that does not cancel its echo, with our echo path for it: ``python -m benchmarks.realtime_echo``.

In the rooms of `huiyin bench echo` a client plays aloud what a session sends it, and its microphone goes back to the
session; both over a network that is late. The assistant tells stories and the user cuts in three times a room; all in
virtual time, with the code of the server. "client" is the same echo without our path.

false pauses                 times a minute of the assistant alone that it fell silent for its own voice
false turns                  of these, times a minute that it took that for the user, and answered
caught                       share of the user's barge-ins after which the reply stopped
median                       from the user's first sound to the client's falling silent
a core                       share that the session's ear takes
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.command import as_command, one_or_more
from benchmarks.echo import speech
from benchmarks.echo.scenes import CONDITIONS, Speech, draw_room
from benchmarks.output import percent, show, tell
from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.session import Ear
from huiyin.assistant.conversation.stages import Parts
from huiyin.assistant.ears.listener import SpeechChange
from huiyin.assistant.faces.connections.engines import ears
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16, Samples
from huiyin.configs.settings import load
from tests.support.room_client import Network, RoomClient
from tests.support.story_teller import StoryTeller

_FIRST_ROOM = 2000  # in which no threshold was chosen
_NETWORKS = {"loopback": Network(), "30 ± 10 ms": Network(0.020, 0.020), "150 ± 30 ms": Network(0.120, 0.060)}
_BARGE_INS_S = ((1.5, 4.0), (4.0, 8.0), (4.0, 8.0))  # after the beginning of a reply
_LONGEST_S = 2.5  # of a barge-in
_CAUGHT_WITHIN_S = 3.0
_REST_S = 4.0  # at most until the next reply
_SENTENCES = 8


class _Timed:
    """An ear, and the processor time that it took."""

    def __init__(self, ear: Ear, spent: list[float]) -> None:
        self._ear, self._spent, self.cut = ear, spent, ear.cut

    def push(self, mic: Pcm16, far_end: Pcm16) -> list[SpeechChange]:
        began = time.thread_time()
        changes = self._ear.push(mic, far_end)
        self._spent[0] += time.thread_time() - began
        return changes


@dataclass
class Figures:
    """Of one way and one network, over all rooms."""

    alone_s: float = 0.0
    false_pauses: int = 0
    false_turns: int = 0
    barge_ins: int = 0
    stopped_s: list[float] = field(default_factory=list)
    spent_s: float = 0.0
    lasted_s: float = 0.0

    def row(self) -> list[str | None]:
        """As the table has it."""
        minutes = max(self.alone_s, 1.0) / 60
        median = f"{statistics.median(self.stopped_s) * 1000:.0f} ms" if self.stopped_s else None
        caught = f"{len(self.stopped_s)} of {self.barge_ins}"
        false = [f"{self.false_pauses / minutes:.1f}", f"{self.false_turns / minutes:.1f}"]
        return [*false, caught, median, percent(self.spent_s / self.lasted_s)]


def play(number: int, condition: str, sounds: Speech, network: Network, echo_path: str, figures: Figures) -> None:
    """One room, added to `figures`."""
    room, _ = draw_room(number, condition)
    rng = np.random.default_rng([number, 6])
    order = rng.permutation(len(sounds.assistant))
    teller = StoryTeller([sounds.assistant[at] for at in order], _SENTENCES)
    make, spent = ears(load(environ={})), [0.0]

    def make_ear(threshold: float, *, has_echo: bool = False) -> Ear:
        return _Timed(make(threshold, has_echo=has_echo), spent)

    client = RoomClient(room, Parts(teller, teller, teller), make_ear, network=network, echo_path=echo_path)
    teller.follow(client.session.conversation)
    client.go_on(1.0)
    client.type("Tell me a story.")
    for span in _BARGE_INS_S:
        wait_s, line = rng.uniform(*span), sounds.user[rng.integers(len(sounds.user))]
        _cut_in(client, teller, wait_s, line[: round(_LONGEST_S * SAMPLE_RATE)], figures)
    figures.spent_s += spent[0]
    figures.lasted_s += client.world.now
    client.session.close()


def _cut_in(client: RoomClient, teller: StoryTeller, wait_s: float, line: Samples, figures: Figures) -> None:
    if not client.go_on(_REST_S, lambda: client.is_playing):
        client.type("Tell me another one.")
        client.go_on(_REST_S, lambda: client.is_playing)
    began_s = client.world.now
    client.go_on(wait_s)
    figures.alone_s += wait_s
    figures.false_pauses += len(client.since(began_s, on.ReplyPaused))
    figures.false_turns += len(client.since(began_s, on.ReplyStopped))
    if not client.go_on(_REST_S, lambda: client.is_playing):
        return  # it has stopped by itself: there is nothing to interrupt
    onset_s = client.world.now
    figures.barge_ins += 1
    client.room.say(line)
    teller.users.append((onset_s, onset_s + len(line) / SAMPLE_RATE))
    if client.go_on(_CAUGHT_WITHIN_S, lambda: bool(client.since(onset_s, on.ReplyStopped))):
        figures.stopped_s.append(client.since(onset_s, on.ReplyPaused, on.ReplyStopped)[0] - onset_s)
        client.go_on(len(line) / SAMPLE_RATE)
    else:
        client.interrupt()
        client.go_on(1.0)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rooms", type=one_or_more, default=16, metavar="N", help="how many rooms (default: 16)")
    parser.add_argument(
        "--condition",
        choices=CONDITIONS,
        default="no drift",
        help="of the client's sound devices: as huiyin bench echo",
    )
    args = parser.parse_args(arguments)
    sounds = speech.voices(load(), [])
    rows = []
    for name, network in _NETWORKS.items():
        for echo_path in ("client", "server"):
            figures = Figures()
            for number in range(_FIRST_ROOM, _FIRST_ROOM + args.rooms):
                play(number, args.condition, sounds, network, echo_path, figures)
            tell(f"{name}, {echo_path}: {figures.row()}")
            rows.append([name, echo_path, *figures.row()])
    heads = ["network, one way", "echo path", "false pauses per minute", "false turns", "caught", "median", "a core"]
    show(heads, rows)


if __name__ == "__main__":
    as_command(main)
