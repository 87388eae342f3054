"""A scenario to look at and to listen to: the picture of its timeline, and what goes into its files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from huiyin.assistant.conversation.timeline import Picture
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.wav import wav_bytes
from huiyin.assistant.scenario.expectations import Outcome
from huiyin.assistant.scenario.log import BLOCK_S, Log
from huiyin.assistant.scenario.moments import LATER_CLAUSE, Moment
from huiyin.assistant.scenario.report import json_report
from huiyin.assistant.scenario.result import Result
from huiyin.configs.messages import said

_BRIDGE_S = 0.3  # shorter gaps do not break the assistant's bar
_KEY_S = 0.1  # how long a key or a typed line is drawn
# lane: (moment that begins a bar, moments that end it)
_STAGES = {
    "asr": ("asr asked", ("asr answers", "stage fails", "cancelled")),
    "llm": ("llm asked", ("llm done", "stage fails", "cancelled")),
    "tts": ("tts asked", ("tts done", "stage fails", "cancelled")),
}


def draw(log: Log, title: str = "", failures: Sequence[Outcome] = ()) -> bytes:
    """A PNG of the conversation: who speaks when, each stage's bars, the latency between the two, and a cross where a
    reply was stopped, a stage failed, or something was not as expected."""
    picture = Picture(log.end_s, title, [f"{each.line}: {each.problem}" for each in failures])
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
    for start_s, end_s, text in _clauses(log):
        picture.bar("assistant", start_s, end_s, text)
    for reply in log.named("reply starts"):
        ends_s = [m.at_s for m in log.named("user ends", 0.0, reply.at_s)]
        if ends_s:
            picture.latency(ends_s[-1], reply.at_s)
    for stop in log.named("reply stops"):
        picture.mark("assistant", stop.at_s, said("shown.mark_stops"))
    for failure in log.named("stage fails"):
        stage, _, why = failure.detail.partition(": ")
        picture.mark(stage if stage in _STAGES else "assistant", failure.at_s, why, failed=True)
    for outcome in failures:
        picture.mark("user", outcome.at_s, f"{outcome.line}", failed=True)
    return picture.png()


def documents(result: Result) -> dict[str, bytes]:
    """`report.txt`, `report.json`, `timeline.png`; with sound `conversation.wav`: microphone and loudspeaker.

    Where an agent was played to also `people.wav`: what people said, on the same clock, before it was in a room.
    """
    contents = {
        "report.txt": result.report(verbose=True).encode() + b"\n",
        "report.json": json_report([result]).encode() + b"\n",
        "timeline.png": draw(result.log, result.title, result.failures),
    }
    if result.log.recording is not None:
        contents["conversation.wav"] = wav_bytes(result.log.recording, SAMPLE_RATE)
    if result.log.people is not None:
        contents["people.wav"] = wav_bytes(result.log.people, SAMPLE_RATE)
    if result.agent_log:
        contents["agent.log"] = "\n".join([*result.agent_log, ""]).encode()
    return contents


def _ends(begin: Moment, moment: Moment, ends: tuple[str, ...]) -> bool:
    same = moment.generation == begin.generation
    clause = begin.detail.partition(":")[0]  # tts: 'clause 2'
    return same and moment.name in ends and (moment.name != "tts done" or moment.detail == clause)


def _clauses(log: Log) -> Iterator[tuple[float, float, str]]:
    """(start, end, text) of each stretch that the loudspeaker played: of one clause, or of what is left of it."""
    texts = {}
    for asked in log.named("tts asked"):
        clause, _, text = asked.detail.partition(": ")
        texts[asked.generation, clause] = text
    starts = [(m.at_s, texts.get((m.generation, "clause 1"), "")) for m in log.named("reply starts")]
    starts += [
        (m.at_s, texts.get((m.generation, m.name.removesuffix(" starts")), ""))
        for m in log.moments
        if m.name.startswith(LATER_CLAUSE)
    ]
    starts.sort()
    for start_s, end_s in _heard(log):
        before = [text for at_s, text in starts if at_s <= start_s + BLOCK_S]
        within = [(at_s, text) for at_s, text in starts if start_s + BLOCK_S < at_s < end_s]
        bounds = [(start_s, before[-1] if before else ""), *within]
        for (begin_s, text), until_s in zip(bounds, [*(at_s for at_s, _ in within), end_s], strict=True):
            yield begin_s, until_s, text


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
