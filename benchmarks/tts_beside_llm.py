"""A clause's first sound while the embedded model writes on the same cores: ``python -m benchmarks.tts_beside_llm``.

Three ways in turn, each for every clause: the voice alone, beside the model, and with the model suspended (POST /hold)
until the first sound, as the dialogue loop does while the user waits for a voice.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from benchmarks.command import as_command, one_or_more
from benchmarks.output import show
from tests.support.service_process import start_service

CLAUSES = ("我是回音，", "你可以试试一碗热汤，", "Once upon a time,", "The capital of France is Paris.")
WAYS = ("alone", "beside the model", "model suspended")
VOICE = "zf_xiaoxiao"
_HOLD_S = 5.0
_TIMEOUT_S = 60.0
_WORDS_FIRST = 4  # pieces of the reply before the voice begins: the prompt has been read


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--repeats", type=one_or_more, default=5, help="runs of each clause (medians are shown; default 5)"
    )
    args = parser.parse_args()
    with start_service("llm", upstreams="embedded") as llm, start_service("tts", cache_mb=0) as tts:
        times_s: dict[tuple[str, str], list[float]] = {}
        for _ in range(args.repeats):
            for clause in CLAUSES:
                for way in WAYS:
                    times_s.setdefault((clause, way), []).append(_first_sound_s(llm, tts, clause, way))
    medians = {key: statistics.median(times) for key, times in times_s.items()}
    heads = ("first sound of a clause", *WAYS)
    show(heads, ([clause, *(f"{medians[clause, way]:.2f} s" for way in WAYS)] for clause in CLAUSES))


def _first_sound_s(llm: str, tts: str, clause: str, way: str) -> float:
    with _writing(llm, way != WAYS[0]):
        started = time.perf_counter()
        if way == WAYS[2]:
            _hold(llm, _HOLD_S)
        body = {"input": clause, "voice": VOICE, "response_format": "pcm"}
        with requests.post(f"{tts}/v1/audio/speech", json=body, stream=True, timeout=_TIMEOUT_S) as answer:
            next(answer.iter_content(None))
            first_s = time.perf_counter() - started
        if way == WAYS[2]:
            _hold(llm, 0)
    return first_s


@contextmanager
def _writing(llm: str, is_wanted: bool) -> Iterator[None]:
    """While a long reply is written, where `is_wanted`."""
    if not is_wanted:
        yield
        return
    body = {"prompt": "Tell me a very long story about a lighthouse.", "max_new_tokens": 400}
    with requests.post(f"{llm}/generate", json=body, stream=True, timeout=_TIMEOUT_S) as story:
        pieces = story.iter_content(None)
        for _ in range(_WORDS_FIRST):
            next(pieces)
        yield


def _hold(llm: str, seconds: float) -> None:
    requests.post(f"{llm}/hold", json={"seconds": seconds}, timeout=_TIMEOUT_S).raise_for_status()


if __name__ == "__main__":
    as_command(main)
