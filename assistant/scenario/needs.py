"""What a scenario needs that a depth, or services that are real, cannot give."""

from __future__ import annotations

from collections.abc import Iterator

from huiyin.assistant.scenario.script import Depth, Remembers, Says, Scenario, Step, Words

_DOUBT = 0.5  # a turn that is to sound less complete at its end is made so by the script
_STATED = "which only a simulated one does"


def lacking(scenario: Scenario, depth: Depth, *, real_services: bool, card: bool = False) -> str:
    """Why the scenario cannot be played like this, beginning with the line; '' where it can.

    `card`: on a sound card instead of in a simulated room.
    """
    return next(_lacks(scenario, depth, real_services, card), "")


def _lacks(scenario: Scenario, depth: Depth, real_services: bool, card: bool) -> Iterator[str]:
    if depth == "text":
        if real_services:
            yield "there is no sound at text depth that real services could hear; play it at room or live depth"
        for step in scenario.steps:
            if step.kind == "audio":
                yield f"line {step.line} plays a recording, and there is no sound at text depth"
    if not real_services:
        return
    if scenario.services is not None:
        yield "it states what the services take, and these are real"
    if card and scenario.room:
        yield "it states what the room is like, and this one is real"
    for step in scenario.steps:
        yield from (f"line {step.line}: {why}, {_STATED}" for why in _stated(step))
    if any(step.reply is not None for step in scenario.steps):
        for line in _lines_on_replies(scenario):
            yield f"line {line} expects the words of a reply that the script states; a real model has its own"


def _stated(step: Step) -> Iterator[str]:
    """What the script makes the services do in this step."""
    if step.faults:
        yield f"{' and '.join(dict.fromkeys(fault.stage for fault in step.faults))} fails when it is told to"
    if step.emotion or step.events:
        yield "the recogniser hears how it is said as it is told"
    if step.heard is not None and step.kind in ("user", "sound") and (step.heard or step.kind == "user"):
        yield "the recogniser mishears as it is told"
    if step.reply is not None and not step.reply.strip():
        yield "the model says nothing"
    if step.complete and step.complete[-1] < _DOUBT:
        yield "the endpoint model doubts as it is told"
    if step.complete_words:
        yield "the words are judged as it is told"
    if step.lasts_s and step.kind == "user":
        yield "a voice takes as long as it is told"


def _lines_on_replies(scenario: Scenario) -> Iterator[int]:
    for expectation in [*scenario.expect, *(one for step in scenario.steps for one in step.expect)]:
        match expectation:
            case Says(line=line, what="said", words=words) if _is_something(words):
                yield line
            case Remembers(line=line, turns=turns) if any(_is_something(turn.assistant) for turn in turns):
                yield line


def _is_something(words: Words) -> bool:
    return words != Words() and words.exactly != ""
