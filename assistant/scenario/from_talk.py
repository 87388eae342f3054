"""A kept talk as a scenario: what was said, and as expectations what happened. `huiyin sessions scenario`.

A kept talk has no times. Turns follow when it is quiet; one that cut a reply short comes when the words that were heard
of it have been said, at the script's pace. The rest of such a reply is not kept, and stands for itself here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from huiyin.assistant.dialogue.items import Turn
from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.scenario.script import DEFAULT_REPLIES, speech_s
from huiyin.configs.messages import said

_SAMPLE = 6  # characters: where exactly a voice stops differs by a word or two
_WIDTH = 110


def scenario_of(turns: Sequence[Turn], about: str) -> str:
    """YAML of a scenario. A greeting is left out, and a turn in which the user said nothing."""
    spoken = [turn for turn in turns if turn.user.strip()]
    steps = [_step(turn, before) for turn, before in zip(spoken, [None, *spoken], strict=False)]
    script: dict[str, Any] = {"about": about, "turns": steps}
    if spoken and all(turn.heard for turn in spoken):
        script["expect"] = [{"history": [_remembered(turn) for turn in spoken]}]
    script["huiyin"] = "scenario"
    text: str = yaml.safe_dump(script, allow_unicode=True, sort_keys=False, width=_WIDTH)
    head = "".join(f"# {line}\n" for line in said("scenario.from_talk").splitlines())
    return head + text


def _step(turn: Turn, before: Turn | None) -> dict[str, Any]:
    step: dict[str, Any] = {"user": _one_line(turn.user)}
    if before and before.interrupted and before.heard:
        after_ms = round(1000 * speech_s(before.heard))
        step["after"] = f"reply starts + {after_ms} ms"
    if turn.mood.emotion and turn.mood.source == "voice":
        label, confidence = turn.mood.emotion
        step["emotion"] = {label: round(confidence, 2)}
    if turn.mood.events:
        step["events"] = list(turn.mood.events)
    if turn.heard:
        rest = f" {DEFAULT_REPLIES[language_of(turn.heard)]}" if turn.interrupted else ""
        step["reply"] = _one_line(turn.heard) + rest
    cuts_in = [{"event": "reply stops"}] if "after" in step else []
    step["expect"] = [*cuts_in, {"event": "reply starts"}]
    return step


def _remembered(turn: Turn) -> dict[str, Any]:
    assistant = {"begins": _one_line(turn.heard)[:_SAMPLE].strip()}
    return {"user": _one_line(turn.user), "assistant": assistant, "interrupted": turn.interrupted}


def _one_line(text: str) -> str:
    return " ".join(text.split())
