"""A clause's first sound while the embedded model writes on the same cores: ``python -m benchmarks.tts_beside_llm``.

Three ways in turn, each for every clause: the voice alone, beside the model, and with the model held (POST /hold) until
the first sound, as the dialogue loop does while a voice is waited for.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from tests.support.service_process import start_service

CLAUSES = ("我是回音，", "你可以试试一碗热汤，", "Once upon a time,", "The capital of France is Paris.")
WAYS = ("alone", "beside", "held")
VOICE = "zf_xiaoxiao"
_HOLD_S = 5.0
_TIMEOUT_S = 60.0
_WORDS_FIRST = 4  # pieces of the reply before the voice begins: it is being written, not read


def main() -> int:
    """Prints the table. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="runs of each clause (medians are shown; default 5)")
    args = parser.parse_args()
    with start_service("llm", upstreams="embedded") as llm, start_service("tts", cache_mb=0) as tts:
        took: dict[tuple[str, str], list[float]] = {}
        for _ in range(args.repeats):
            for clause in CLAUSES:
                for way in WAYS:
                    took.setdefault((clause, way), []).append(_first_sound_s(llm, tts, clause, way))
    print("first sound of a clause, seconds: " + ", ".join(WAYS))
    medians = {key: statistics.median(times) for key, times in took.items()}
    for clause in CLAUSES:
        print("  ".join(f"{medians[clause, way]:5.2f}" for way in WAYS), "", clause)
    ratios = [medians[clause, "held"] / medians[clause, "beside"] for clause in CLAUSES]
    print(f"held / beside: {statistics.median(ratios):.2f}")
    return 0


def _first_sound_s(llm: str, tts: str, clause: str, way: str) -> float:
    with _writing(llm, way != "alone"):
        started = time.perf_counter()
        if way == "held":
            _hold(llm, _HOLD_S)
        body = {"input": clause, "voice": VOICE, "response_format": "pcm"}
        with requests.post(f"{tts}/v1/audio/speech", json=body, stream=True, timeout=_TIMEOUT_S) as answer:
            next(answer.iter_content(None))
            took_s = time.perf_counter() - started
        if way == "held":
            _hold(llm, 0)
    return took_s


@contextmanager
def _writing(llm: str, wanted: bool) -> Iterator[None]:
    """While a long reply is being written, where it is wanted."""
    if not wanted:
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
    raise SystemExit(main())
