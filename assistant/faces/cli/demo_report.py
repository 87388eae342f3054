"""The demo's table and files, from what was recorded in the room and what the loop did."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from huiyin.assistant.conversation.trace import ReplyTimes, Trace, latency_parts
from huiyin.assistant.conversation.understood import mood_of
from huiyin.assistant.faces.cli.shared import write_files
from huiyin.assistant.faces.cli.terminal import padded
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.wav import wav_bytes
from huiyin.assistant.scenario.log import Log
from huiyin.assistant.scenario.metrics import clause_gaps
from huiyin.assistant.scenario.picture import draw
from huiyin.configs.messages import said


@dataclass(frozen=True)
class MeasuredTurn:
    """One line of the second voice and its answer; times in room seconds, durations in seconds.

    `latency_s` is voice-to-voice: last sample of the user's speech to the first audible sample of the reply, both
    measured on the room's sound; `first_sound_s` the same to that of an opener, where one came before the reply.
    `parts` are what the latency was spent on; the stages overlap the endpoint's wait, so that `hold` (sound was
    ready, the pause not yet long enough) is often above zero and the parts add up to the whole.
    """

    text: str
    start_s: float
    end_s: float
    reply: ReplyTimes
    latency_s: float
    first_sound_s: float
    stop_s: float | None  # for an interruption: its onset to the assistant's last audible sample; 0: it was before
    parts: dict[str, float]


@dataclass(frozen=True)
class DemoReport:
    """What a demo leaves behind: its replies, and the log of its scenario."""

    trace: Trace
    log: Log
    peak_mb: float

    @cached_property
    def turns(self) -> list[MeasuredTurn]:
        """The lines that were answered."""
        turns = []
        lines = self.log.utterances
        following_s = [line.start_s for line in lines[1:]] + [float("inf")]
        for line, next_s in zip(lines, following_s, strict=True):
            reply = next((r for r in self.trace.spoken() if line.end_s <= (r.play_s or 0.0) < next_s), None)
            begin_s = self._begins("reply starts", reply)
            if reply is None or begin_s is None:
                continue
            first_s = self._begins("opener starts", reply) or begin_s
            stop_s = None
            if line.step.after is not None:
                before_s = (block.last_s or 0.0 for block in self.log.blocks if (block.last_s or 0.0) < first_s)
                stop_s = max(0.0, max(before_s, default=0.0) - line.start_s)
            parts = latency_parts(reply, line.end_s, begin_s)
            latency_s, first_sound_s = begin_s - line.end_s, first_s - line.end_s
            times = line.start_s, line.end_s, reply, latency_s, first_sound_s
            turns.append(MeasuredTurn(line.step.text, *times, stop_s, parts))
        return turns

    def _begins(self, moment: str, reply: ReplyTimes | None) -> float | None:
        moments = (m.at_s for m in self.log.named(moment) if reply and m.generation == reply.generation)
        return next(moments, None)

    def complete(self, lines: int) -> bool:
        """Whether all `lines` were answered."""
        return len(self.turns) == lines

    @property
    def p50_s(self) -> float:
        """Median voice-to-voice latency."""
        return statistics.median(turn.latency_s for turn in self.turns) if self.turns else float("nan")

    @property
    def first_sounds(self) -> tuple[float, float]:
        """Median and 95th percentile of the time to the first sound, in seconds."""
        times = [turn.first_sound_s for turn in self.turns] or [float("nan")]
        return float(np.percentile(times, 50)), float(np.percentile(times, 95))

    def table(self) -> str:
        """Latency and its parts, per turn, in milliseconds."""
        columns = ["hear", "asr", "llm", "tts", "hold", "play"]
        first, whole = padded(said("shown.first_sound"), -14), padded(said("shown.voice_to_voice"), -18)
        names = "".join(f"{name:>7}" for name in columns)
        rows = [f"{padded(said('shown.turn'), 5)}{first}{whole}{names}   {said('shown.said')}"]
        for i, turn in enumerate(self.turns, 1):
            cells = "".join(f"{turn.parts[name] * 1000:7.0f}" for name in columns)
            times = f"{turn.first_sound_s * 1000:>11.0f} ms{turn.latency_s * 1000:>15.0f} ms"
            rows.append(f"{i:<5}{times}{cells}   {turn.text}")
        rows.append("")
        p50_s, p95_s = self.first_sounds
        opened = sum(bool(turn.reply.opener) for turn in self.turns)
        rows.append(said("shown.first_sounds", p50_ms=p50_s * 1000, p95_ms=p95_s * 1000, count=opened))
        rows.append(said("shown.latencies", p50_ms=self.p50_s * 1000, count=len(self.turns)))
        if gaps := clause_gaps(self.log):
            p50_ms, p95_ms = np.percentile(gaps, [50, 95]) * 1000
            rows.append(said("shown.gaps", p50_ms=p50_ms, p95_ms=p95_ms, count=len(gaps)))
        for turn in self.turns:
            if turn.stop_s:
                rows.append(said("shown.barge_in", stop_ms=turn.stop_s * 1000))
            elif turn.stop_s is not None:
                rows.append(said("shown.no_barge_in"))
        rows.append(said("shown.peak_memory", mb=self.peak_mb))
        rows.append(said("shown.parts_of_latency"))
        return "\n".join(rows)

    def transcript(self) -> dict[str, Any]:
        """The conversation as data."""
        turns = []
        for turn in self.turns:
            committed = turn.reply.committed
            mood = mood_of(committed.transcript) if committed else None
            turns.append(
                {
                    "said": turn.text,
                    "start_s": round(turn.start_s, 3),
                    "end_s": round(turn.end_s, 3),
                    "recognised": committed.transcript.text if committed else None,
                    "language": committed.transcript.language if committed else None,
                    "emotion": committed.transcript.emotion if committed else None,
                    "emotion_source": mood.source if mood and mood.emotion else None,
                    "heard": committed.turn.heard if committed else None,
                    "interrupted": committed.turn.interrupted if committed else None,
                    "messages": committed.messages if committed else None,
                    "spoken": committed.style if committed else None,
                    "opener": turn.reply.opener,
                    "first_sound_ms": round(turn.first_sound_s * 1000),
                    "latency_ms": round(turn.latency_s * 1000),
                    "parts_ms": {name: round(value * 1000) for name, value in turn.parts.items()},
                    "stop_ms": None if turn.stop_s is None else round(turn.stop_s * 1000),
                }
            )
        return {
            "turns": turns,
            "first_sound_p50_ms": round(self.first_sounds[0] * 1000) if self.turns else None,
            "latency_p50_ms": round(self.p50_s * 1000) if self.turns else None,
            "gaps_ms": [round(gap_s * 1000) for gap_s in clause_gaps(self.log)],
            "peak_memory_mb": round(self.peak_mb),
            "notices": [{"at_s": round(at, 3), "text": text} for at, text in self.trace.notices],
        }


def write_report(report: DemoReport, folder: Path) -> list[Path]:
    """conversation.wav, transcript.json and timeline.png in `folder`, each written whole."""
    assert report.log.recording is not None
    files = {
        "conversation.wav": wav_bytes(report.log.recording, SAMPLE_RATE),
        "transcript.json": json.dumps(report.transcript(), ensure_ascii=False, indent=2).encode(),
        "timeline.png": draw(report.log, "huiyin demo"),
    }
    return write_files(folder, files)
