"""Recordings of people by which turn taking may be tuned, for ``python -m benchmarks.latency --people``.

They are recordings of `data/recognition.tsv`, Chinese and English, of speakers of whom the held-out set has nothing, as
far as the corpora name them.
"""

from __future__ import annotations

from dataclasses import replace

from benchmarks import latency_heldout
from benchmarks.latency_heldout import HeldOut
from benchmarks.recogniser import transcribed

_SOURCES = ("aishell1-foamliu-st", "speechocean762")


def listed() -> list[HeldOut]:
    """All recordings of the set."""
    held_out = latency_heldout.listed()
    files, speakers = {one.sha256 for one in held_out}, {one.speaker for one in held_out} - {"?"}
    recordings = [clip.recording for half in transcribed.HALVES for clip in transcribed.listed(half)]
    recordings = [one for one in recordings if one.sha256 not in files and one.speaker not in speakers]
    # One path holds other recordings in other commits.
    return [replace(one, source=f"{one.source} {one.commit[:7]}") for one in recordings if one.source in _SOURCES]
