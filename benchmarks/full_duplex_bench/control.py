"""Conversations made of two sentences each, set at samples that are known: how exact Full-Duplex-Bench's script is.

No agent, no clock and no room has a part in them. What the script misses here it misses by itself, and no measurement
of ours, however exact, can be expected to agree with it more often.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.echo.scenes import Speech
from benchmarks.full_duplex_bench.ours import Recording
from huiyin.assistant.conversation.trace import AUDIBLE
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16, Samples

_BEGIN_S = 2.0  # of the first sentence, as in `bench agent`
_LATENCY_S = 0.7  # to an answer
_CUTS_IN = (0.3, 0.7)  # when the user cuts in, by what is said of the agent's sentence: not always at the same word
_GOLDEN = 0.618  # successive multiples of it, without their whole part, lie evenly between 0 and 1
_STOPS_S = 0.4  # the agent falls silent so long after
_REST_S = 1.5
_FRAME = 512  # samples of the script's detector; the edges fall on all places within one
_STRIDE = 37  # samples from one conversation's place in a frame to the next one's: coprime to a frame


@dataclass(frozen=True)
class Made(Recording):
    """A conversation whose times are the truth. `tracks`: as `Recording.sound`."""

    tracks: Pcm16

    @property
    def sound(self) -> Pcm16:  # type: ignore[override]
        """As of a recording."""
        return self.tracks


def made_of(speech: Speech) -> list[Made]:
    """Every sentence of a user with every one of an assistant: answered by it, and cutting into it."""
    pairs = product(speech.user, speech.assistant)
    return [each for at, (user, agent) in enumerate(pairs) for each in _both(at, _pcm16(user), _pcm16(agent))]


def _both(at: int, user: Pcm16, agent: Pcm16) -> Iterator[Made]:
    shift = at * _STRIDE % _FRAME
    begin = round(_BEGIN_S * SAMPLE_RATE) + shift
    answer = begin + len(user) + round(_LATENCY_S * SAMPLE_RATE) + shift
    latency_s = (answer - begin - len(user)) / SAMPLE_RATE
    yield _conversation(f"xx-turn-{at + 1}", 1, (user, begin), (agent, answer), {"response latency ms": latency_s})
    said = float(np.interp(at * _GOLDEN % 1.0, (0.0, 1.0), _CUTS_IN))
    cut_in = begin + round(said * len(agent)) + shift
    left = _audible(agent[: cut_in - begin + round(_STOPS_S * SAMPLE_RATE)])
    stop_s = (begin + len(left) - cut_in) / SAMPLE_RATE
    yield _conversation(f"xx-stop-{at + 1}", 2, (user, cut_in), (left, begin), {"stop latency p50 ms": stop_s})


def _conversation(
    name: str, turn: int, user: tuple[Pcm16, int], agent: tuple[Pcm16, int], figure_s: dict[str, float]
) -> Made:
    """Both sentences from a sample on; nothing else sounds."""
    length = max(len(sound) + at for sound, at in (user, agent)) + round(_REST_S * SAMPLE_RATE)
    tracks = np.zeros((2, length), np.int16)
    for track, (sound, at) in zip(tracks, (user, agent), strict=True):
        track[at : at + len(sound)] = sound
    starts_s, ends_s = user[1] / SAMPLE_RATE, (user[1] + len(user[0])) / SAMPLE_RATE
    moments = [{"moment": "user starts", "turn": turn, "at_s": starts_s}]
    moments.append({"moment": "user ends", "turn": turn, "at_s": ends_s})
    metrics: dict[str, Any] = {"response latency ms": None, "stop latency p50 ms": None}
    metrics |= {metric: 1000 * value_s for metric, value_s in figure_s.items()}
    return Made(Path("made") / name, {"name": name, "moments": moments, "metrics": metrics}, tracks)


def _pcm16(sound: Samples) -> Pcm16:
    return _audible(np.round(sound * 32767).astype(np.int16))


def _audible(sound: Pcm16) -> Pcm16:
    """From its first audible sample to its last one."""
    audible = np.flatnonzero(np.abs(sound.astype(np.int32)) > AUDIBLE)
    return sound[audible[0] : audible[-1] + 1]
