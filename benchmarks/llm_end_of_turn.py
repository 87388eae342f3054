"""How long a judgement by the words takes: ``python -m benchmarks.llm_end_of_turn`` (POST /end_of_turn, docs/llm.md).

Each sentence is new to the model, as at the first pause of a turn. The service has nothing else to do.
"""

from __future__ import annotations

import argparse
import statistics
import time

import requests

from benchmarks.command import as_command
from benchmarks.output import show, tell
from benchmarks.sentences import TEXTS
from tests.support.service_process import start_service


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with start_service("llm", upstreams="http://127.0.0.1:1/v1") as url, requests.Session() as session:
        while (status := session.post(f"{url}/end_of_turn", json={"text": "hello"}).status_code) != 200:
            assert status == 503, status
            time.sleep(0.1)
        rows = [_row(session, url, name, sentences) for name, sentences in TEXTS["llm_end_of_turn"].items()]
        model = session.get(f"{url}/system").json()["turn_model"]
    show(("language", "sentences", "median", "longest"), rows)
    tell(f"the model: {model}")


def _row(session: requests.Session, url: str, name: str, sentences: list[str]) -> list[str]:
    times_ms = []
    for text in sentences:
        started = time.perf_counter()
        session.post(f"{url}/end_of_turn", json={"text": text}).raise_for_status()
        times_ms.append((time.perf_counter() - started) * 1000)
    return [name, str(len(times_ms)), f"{statistics.median(times_ms):.0f} ms", f"{max(times_ms):.0f} ms"]


if __name__ == "__main__":
    as_command(main)
