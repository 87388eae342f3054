"""What a scenario needs that a depth, or services that are real, cannot give."""

from __future__ import annotations

from collections.abc import Iterator

from huiyin.assistant.scenario.reader import ScenarioError
from huiyin.assistant.scenario.script import Depth, Remembers, Says, Scenario, Step, Words
from huiyin.assistant.scenario.visible import BY_SOUND

_OWN_ECHO = "loudspeaker"  # who speaks where a script states what of the assistant's voice comes back
_DOUBT = 0.5  # a turn that is to sound less complete at its end is made so by the script
_NO_WORDS = (Words(), Words(exactly=""))  # what any reply, or none, may be


def lacking(scenario: Scenario, depth: Depth, *, real_services: bool, card: bool = False) -> ScenarioError | None:
    """Why the scenario cannot be played like this; None where it can.

    `card`: on a sound card instead of in a simulated room.
    """
    return next(_lacks(scenario, depth, real_services, card), None)


def _lacks(scenario: Scenario, depth: Depth, real_services: bool, card: bool) -> Iterator[ScenarioError]:
    if depth != "text":
        for step in scenario.steps:
            if step.speaker == _OWN_ECHO:
                yield ScenarioError("scenario.stated_own_echo", line=step.line)
    if depth not in ("text", "room"):
        for step in scenario.steps:
            if step.kind == "device":
                yield ScenarioError("scenario.stated_device_fault", line=step.line, fault=step.content)
    if depth == "agent":
        for step in scenario.steps:
            if step.kind in ("types", "key"):
                yield ScenarioError("scenario.not_heard", line=step.line, kind=step.kind)
            if step.after and step.after.moment not in BY_SOUND.moments:
                yield ScenarioError("scenario.waits_for_unseen", line=step.line, moment=step.after.moment)
    if depth == "text":
        if real_services:
            yield ScenarioError("scenario.services_at_text_depth")
        for step in scenario.steps:
            if step.kind == "audio":
                yield ScenarioError("scenario.recording_at_text_depth", line=step.line)
    if not real_services:
        return
    if scenario.services is not None:
        yield ScenarioError("scenario.stated_times")
    if card and scenario.room:
        yield ScenarioError("scenario.stated_room")
    for step in scenario.steps:
        yield from _stated(step)
    if any(step.reply is not None for step in scenario.steps):
        for line in _lines_on_replies(scenario, depth):
            yield ScenarioError("scenario.stated_reply", line=line)


def _stated(step: Step) -> Iterator[ScenarioError]:
    """What the script makes the services do in this step."""
    if step.fails:
        yield ScenarioError("scenario.stated_fault", line=step.line, stages=list(step.fails))
    if step.calls:
        yield ScenarioError("scenario.stated_tool", line=step.line)
    if step.emotion or step.events:
        yield ScenarioError("scenario.stated_emotion", line=step.line)
    if (step.kind == "user" and step.heard is not None) or (step.kind == "sound" and step.heard):
        yield ScenarioError("scenario.stated_transcript", line=step.line)
    if step.reply is not None and not step.reply.strip():
        yield ScenarioError("scenario.stated_silence", line=step.line)
    if step.complete and step.complete[-1] < _DOUBT:
        yield ScenarioError("scenario.stated_doubt", line=step.line)
    if step.alike:
        yield ScenarioError("scenario.stated_voice", line=step.line)
    if step.complete_words:
        yield ScenarioError("scenario.stated_words_verdict", line=step.line)
    if step.lasts_s and step.kind == "user":
        yield ScenarioError("scenario.stated_length", line=step.line)


def _lines_on_replies(scenario: Scenario, depth: Depth) -> Iterator[int]:
    for expectations in (scenario.expect, *(step.expect for step in scenario.steps)):
        for expectation in (each for each in expectations if each.holds_at(depth)):
            match expectation:
                case Says(line=line, what="said", words=words) if words not in _NO_WORDS:
                    yield line
                case Remembers(line=line, turns=turns) if any(turn.assistant not in _NO_WORDS for turn in turns):
                    yield line
