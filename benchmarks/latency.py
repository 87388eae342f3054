"""Voice-to-voice latency and cut-offs, beside pipecat-ai: ``python -m benchmarks.latency --peer``.

Recorded and synthesised utterances, each with pauses of 200-700 ms, are played in real time to the live loop and, in
turn with it, to a pipecat pipeline; both talk to the same services with stated delays (ASR 70 ms, first token 150 ms,
then 40 a second, first sound 100 ms). Everything is at its defaults. The first run voices and recognises the
recordings' parts and installs pipecat; a run then takes about 8 s an utterance and side.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.latency_judge import KeptJudge, LlmService
from benchmarks.latency_report import Measurement, draw, judged, table
from benchmarks.latency_services import Delays, Words
from benchmarks.latency_sides import Answer, Huiyin, Pipecat, Side, StatedProcess
from benchmarks.latency_simulated import Simulated
from benchmarks.latency_speech import LONGEST_PAUSE_S, BenchmarkUtterance, utterances, with_words
from huiyin.configs import settings as config

_QUICK = 12  # utterances


def main() -> int:
    """Prints the table. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", action="store_true", help="pipecat-ai, too (installed into the cache folder)")
    parser.add_argument("--simulated", action="store_true", help="in virtual time instead: a minute, no load, no HTTP")
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK} utterances")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of Huiyin's to try")
    parser.add_argument("--unseen", action="store_true", help="40 other utterances, by which nothing was chosen")
    parser.add_argument("--only", default="", metavar="TEXT", help="utterances with TEXT in their name")
    parser.add_argument("--runs", type=int, default=1, help="figures are medians over so many (default 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every utterance")
    parser.add_argument("--png", type=Path, metavar="FILE", help="draw the latencies")
    args = parser.parse_args()
    settings = config.load(environ={}, overrides=args.set)
    folder = settings.store.path.parent / "bench"
    spoken = utterances(settings, folder / "latency", _tell, unseen=args.unseen)
    spoken = [utterance for utterance in spoken if args.only in utterance.name][: _QUICK if args.quick else None]
    if not spoken:
        print(f"no utterance has {args.only!r} in its name", file=sys.stderr)
        return 1
    words = list(with_words(settings, spoken, folder / "latency", _tell))
    pauses = [end - start for utterance in spoken for start, end in utterance.pauses]
    _tell(
        f"{len(spoken)} utterances with {len(pauses)} pauses of {min(pauses) * 1000:.0f}-{max(pauses) * 1000:.0f} ms, "
        f"{sum(utterance.duration_s for utterance in spoken):.0f} s of speech"
    )
    assert max(pauses) <= LONGEST_PAUSE_S + 0.02
    heard: list[Measurement] = []
    with contextlib.ExitStack() as opened:
        sides, play = _sides(args, settings, spoken, words, opened)
        for run in range(args.runs):
            for utterance, said in zip(spoken, words, strict=True):
                play(said)
                for side in sides if run % 2 == 0 else reversed(sides):
                    heard.append(_heard(run, side.name, utterance, side.hear(utterance)))
                    _tell(_line(heard[-1]))
    print(f"\n{table(heard)}")
    if args.json:
        args.json.write_text(json.dumps([asdict(one) for one in heard], ensure_ascii=False, indent=1), "utf-8")
    if args.png:
        args.png.write_bytes(draw(heard, f"Voice-to-voice latency, {len(spoken)} utterances with pauses"))
    return 0


def _sides(
    args: argparse.Namespace,
    settings: config.Settings,
    spoken: Sequence[BenchmarkUtterance],
    words: Sequence[Words],
    opened: contextlib.ExitStack,
) -> tuple[list[Side], Callable[[Words], None]]:
    """(who hears the utterances, what tells the services which one comes)."""
    if args.simulated:
        whole = {u.name: said.heard[f"0-{len(said.stretches) - 1}"] for u, said in zip(spoken, words, strict=True)}
        judge = KeptJudge(settings, settings.store.path.parent / "bench" / "latency", _tell)
        opened.callback(judge.close)
        return [Simulated(settings, args.set, whole, Delays(), judge)], lambda said: None
    services = opened.enter_context(StatedProcess())
    llm = LlmService(settings, _tell, upstream=f"http://127.0.0.1:{services.port}/v1")
    opened.callback(llm.close)
    sides: list[Side] = [Huiyin(llm.settings, services.port, Delays(), llm.settings.llm.port)]
    opened.callback(sides[0].close)
    if args.peer:
        sides.append(Pipecat(settings.store.path.parent / "bench", services.port, _tell))
        opened.callback(sides[1].close)
    return sides, services.play


def _heard(run: int, side: str, utterance: BenchmarkUtterance, answer: Answer) -> Measurement:
    is_cut_off, latency_s = judged(answer.audible, utterance.duration_s)
    limit_s, wait_s, parts, least = answer.limit_s, answer.wait_s, answer.parts, answer.least
    name, language = utterance.name, utterance.language
    return Measurement(run, side, name, language, is_cut_off, latency_s, limit_s, wait_s, parts, least)


def _line(one: Measurement) -> str:
    latency = "cut off" if one.is_cut_off else "-" if one.latency_s is None else f"{one.latency_s * 1000:.0f} ms"
    limit = f"limit {one.limit_s * 1000:4.0f}, wait {(one.wait_s or 0) * 1000:4.0f}" if one.limit_s else ""
    return f"{one.side:<8} {one.language} {latency:>8}  {limit:<24} {one.utterance}"


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
