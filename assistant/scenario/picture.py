"""A scenario to look at and to listen to: the picture of its timeline, and what goes into its files."""

from __future__ import annotations

from collections.abc import Iterator

from huiyin.assistant.conversation.timeline import Picture
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.wav import wav_bytes
from huiyin.assistant.scenario.log import BLOCK_S, Log
from huiyin.assistant.scenario.moments import Moment
from huiyin.assistant.scenario.report import json_report
from huiyin.assistant.scenario.result import Result

_BRIDGE_S = 0.3  # shorter gaps do not break the assistant's bar
_KEY_S = 0.1  # how long a key or a typed line is drawn
# lane: (moment that begins a bar, moments that end it)
_STAGES = {
    "asr": ("asr asked", ("asr answers", "stage fails", "cancelled")),
    "llm": ("llm asked", ("llm done", "stage fails", "cancelled")),
    "tts": ("tts asked", ("tts done", "stage fails", "cancelled")),
}


def draw(log: Log) -> bytes:
    """A PNG of the conversation: who speaks when, each stage's bars, and the latency between the two."""
    picture = Picture(log.end_s)
    for utterance in log.utterances:
        for start_s, end_s in utterance.spans:
            picture.bar("user", start_s, end_s, utterance.step.text or utterance.step.content)
    for at_s, step in log.steps:
        if step.kind in ("types", "key", "device"):
            picture.bar("user", at_s, at_s + _KEY_S, step.label())
    for lane, (begins, ends) in _STAGES.items():
        for begin in log.named(begins):
            end_s = next((m.at_s for m in log.moments if m.at_s >= begin.at_s and _ends(begin, m, ends)), log.end_s)
            picture.bar(lane, begin.at_s, end_s)
    committed = [(m.at_s, m.text) for m in log.named("committed")]
    for start_s, end_s in _heard(log):
        picture.bar("assistant", start_s, end_s, next((text for at_s, text in committed if at_s >= start_s), ""))
    for reply in log.named("reply starts"):
        ends_s = [m.at_s for m in log.named("user ends", 0.0, reply.at_s)]
        if ends_s:
            picture.latency(ends_s[-1], reply.at_s)
    return picture.png()


def documents(result: Result) -> dict[str, bytes]:
    """`report.txt`, `report.json`, `timeline.png`, and at room depth `conversation.wav`: microphone and loudspeaker."""
    contents = {
        "report.txt": result.report(verbose=True).encode() + b"\n",
        "report.json": json_report([result]).encode() + b"\n",
        "timeline.png": draw(result.log),
    }
    if result.log.recording is not None:
        contents["conversation.wav"] = wav_bytes(result.log.recording, SAMPLE_RATE)
    if result.agent_log:
        contents["agent.log"] = "\n".join([*result.agent_log, ""]).encode()
    return contents


def _ends(begin: Moment, moment: Moment, ends: tuple[str, ...]) -> bool:
    same = moment.generation == begin.generation
    clause = begin.detail.partition(":")[0]  # tts: 'clause 2'
    return same and moment.name in ends and (moment.name != "tts done" or moment.detail == clause)


def _heard(log: Log) -> Iterator[tuple[float, float]]:
    """(start, end) of each time that the loudspeaker played, in seconds."""
    start_s = end_s = -1.0
    for block in log.blocks:
        if block.is_empty:
            continue
        if start_s >= 0 and block.at_s - end_s > _BRIDGE_S:
            yield start_s, end_s
            start_s = block.at_s
        start_s = block.at_s if start_s < 0 else start_s
        end_s = block.at_s + BLOCK_S
    if start_s >= 0:
        yield start_s, end_s
