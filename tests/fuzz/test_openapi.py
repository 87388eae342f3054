"""Each service answers whatever it is sent as its ``/openapi.json`` says: schemathesis with all its checks."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
import requests

from tests.support import ROOT
from tests.support.asr_fakes import speech
from tests.support.limits import PATIENCE_S, until
from tests.support.media import encode
from tests.support.service_process import start_service
from tests.support.stub_upstream import Stub

# A third of the time of a fuzzer: there are three services.
MINUTES = max(1.0, float(os.environ.get("FUZZ_MINUTES", "3")) / 3)
SEED = os.environ.get("FUZZ_SEED", "")
WITH_MODELS = MINUTES > 1
"""In a single minute models would answer some ten requests; others take their places then, and all else is the same."""
CONFIG = Path(__file__).with_name("schemathesis.toml")
WORDS_MOST = 60  # characters that are spoken: what is asked for must be answered before its client gives up


@contextmanager
def asr() -> Iterator[str]:
    program = {} if WITH_MODELS else {"program": ("-m", "tests.support.fake_asr")}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.wav").write_bytes(encode(speech(1.0)))  # the name in the example
        with start_service("asr", queue_wait_s=120, allowed_dir=folder, **program) as url:
            yield url


@contextmanager
def llm() -> Iterator[str]:
    """With a model elsewhere that answers at once; the judge of turns is the real one."""
    with Stub("model") as upstream, start_service("llm", upstreams=upstream.url) as url:
        until(lambda: requests.post(f"{url}/end_of_turn", json={"text": "Hello"}, timeout=PATIENCE_S).ok)
        yield url


@contextmanager
def tts() -> Iterator[str]:
    program = {} if WITH_MODELS else {"program": ("-m", "tests.support.fake_tts")}
    with start_service("tts", max_text_chars=WORDS_MOST, cache_mb=0, **program) as url:
        yield url


@pytest.mark.fuzz
@pytest.mark.slow
@pytest.mark.skipif(find_spec("schemathesis") is None, reason="schemathesis is for Python 3.11 and newer")
@pytest.mark.parametrize("service", [asr, llm, tts], ids=lambda service: service.__name__)
def test_every_answer_is_as_it_is_described(service: object, tmp_path: Path) -> None:
    with service() as url:  # type: ignore[operator]
        command = [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "--no-color",
            "run", f"{url}/openapi.json", "--max-time", str(round(60 * MINUTES)),
            *(["--seed", SEED] if SEED else []),
        ]  # fmt: skip
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        run = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    print(run.stdout[-2000:])
