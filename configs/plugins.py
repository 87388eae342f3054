"""Engines that other installed packages bring, by the entry points of these groups.

A package of your own names them in its pyproject.toml, and nothing else is needed:

    [project.entry-points."huiyin.recognisers"]
    mine = "my_package:load"
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

RECOGNISERS = "huiyin.recognisers"
"""``load(settings: AsrSettings, find_model) -> Engine`` (services/asr/recogniser.py), named by `asr.engine`."""
VOICES = "huiyin.voices"
"""``load(settings: Settings) -> Engine`` (services/tts/voice_engine.py), named by `tts.engine`."""
JUDGES = "huiyin.judges"
"""``load() -> Callable[[Pcm16], float]`` (`EndpointJudge` in assistant/conversation/http_stages.py), named by
`talk.judge`."""


@cache
def plugins(group: str) -> dict[str, EntryPoint]:
    """Name -> entry point of a group."""
    return {point.name: point for point in entry_points(group=group)}
