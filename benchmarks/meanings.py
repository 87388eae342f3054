"""How well a language model judges what a reply means: ``python -m benchmarks.meanings [--judge URL]``.

48 replies with a claim about each (``data/meanings.tsv``), Chinese and English, are judged as the expectation
`means: TEXT` of scenarios is. Half of the claims are true of the reply, in other words; half are traps: the reply
denies it, gives another number or another day, or says half of it. Who always says yes agrees with half of them. By
default the judge is the embedded model of this machine, in a service of its own; with ``--judge`` it is any
OpenAI-compatible server's, whose key is in HUIYIN_JUDGE_API_KEY.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from benchmarks.command import as_command, language_model
from benchmarks.output import percent, show, tell
from huiyin.assistant.scenario.meaning import Question, Verdict
from huiyin.assistant.scenario.meaning_judge import MeaningJudge
from huiyin.configs.settings import Settings, SimulateSettings, load
from tests.support.service_process import start_service

DATA = Path(__file__).with_name("data") / "meanings.tsv"
_USABLE = 0.9  # a judge below it is wrong about every tenth reply: no test can stand on that


class Pair(NamedTuple):
    """A reply and a claim. `kind`: same, negation, number, day or half; `verdict`: what a person says."""

    language: str
    kind: str
    verdict: str
    user: str
    reply: str
    claim: str


def pairs() -> list[Pair]:
    """All of them."""
    with DATA.open(encoding="utf-8", newline="") as file:
        return [Pair(**row) for row in csv.DictReader(file, delimiter="\t")]


@contextlib.contextmanager
def _judge(url: str, model: str) -> Iterator[MeaningJudge]:
    """The judge: the one at `url`, or a service of this machine's, while it runs."""
    if url:
        yield MeaningJudge(replace(load(), simulate=SimulateSettings(url, model)))
        return
    with start_service("llm", upstreams="embedded", **({"model": language_model(model)} if model else {})) as address:
        own: Settings = load(overrides=[f"llm.port={address.rpartition(':')[2]}"])
        yield MeaningJudge(replace(own, simulate=SimulateSettings()))


def main() -> None:
    """Print the table, and what was misjudged."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", default="", metavar="URL", help="an OpenAI-compatible server")
    parser.add_argument("--model", default="", help="its model; without --judge a GGUF of the model store, or a path")
    args = parser.parse_args()
    judged: list[tuple[Pair, Verdict]] = []
    took_s: list[float] = []
    with _judge(args.judge, args.model) as judge:
        judge.check()
        for at, pair in enumerate(pairs(), 1):
            began = perf_counter()
            verdict = judge(Question(at, 0, 0.0, pair.user, pair.reply, pair.claim))
            took_s.append(perf_counter() - began)
            judged.append((pair, verdict))
            mark = "ok  " if verdict.decision == pair.verdict else "MISS"
            tell(f"{mark} {pair.kind:8} {pair.reply} | {pair.claim} → {verdict.decision}: {verdict.reason}")
    rows = [[title, _share([each for each in judged if belongs(each[0])])] for title, belongs in _GROUPS.items()]
    rows.append(["undecided", str(sum(verdict.decision == "undecided" for _, verdict in judged))])
    rows.append(["seconds a verdict, p50", f"{statistics.median(took_s):.1f}"])
    show((judged[0][1].model, "agrees with a person"), rows)
    if _right(judged) < _USABLE * len(judged):
        tell("This model judges badly: take its verdicts for hints, and name a larger one for tests.")


_GROUPS: dict[str, Callable[[Pair], bool]] = {
    f"all (a usable judge: ≥ {_USABLE:.0%})": lambda pair: True,
    "the claim is true": lambda pair: pair.verdict == "yes",
    "traps": lambda pair: pair.verdict == "no",
    "it is denied": lambda pair: pair.kind == "negation",
    "another number": lambda pair: pair.kind == "number",
    "another day": lambda pair: pair.kind == "day",
    "half of it": lambda pair: pair.kind == "half",
    "English": lambda pair: pair.language == "en",
    "Chinese": lambda pair: pair.language == "zh",
}


def _right(judged: Sequence[tuple[Pair, Verdict]]) -> int:
    return sum(verdict.decision == pair.verdict for pair, verdict in judged)


def _share(judged: Sequence[tuple[Pair, Verdict]]) -> str:
    right = _right(judged)
    return f"{right}/{len(judged)} = {percent(right / len(judged))}"


if __name__ == "__main__":
    as_command(main)
