"""``python -m huiyin.services.measure MODEL``: how fast this machine runs our models, in some ten seconds.

A language model of the store reads and writes, alone and while a voice is made at the pace at which it would be heard;
the embedded model and the voice are as the settings have them. Prints the values of `configs.choice.speed.Speed` as
JSON.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import threading
import time

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in `huiyin.services.__main__`
os.environ.setdefault("GOMP_SPINCOUNT", "0")

from huiyin.configs import settings as config
from huiyin.configs.choice.machine import busy_share
from huiyin.configs.choice.speed import Speed
from huiyin.configs.errors import HuiyinError
from huiyin.configs.settings import Settings
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.llm.engines.embedded import process_options
from huiyin.services.llm.engines.llama_process import LlamaProcess
from huiyin.services.tts.engines import kokoro
from huiyin.services.tts.voice_engine import Engine, WordTiming

_PROMPT = "The weather was fine, and they talked about it for a while. 天气很好，他们聊了一会儿。 "
_PROMPTS = 8  # of these: some 200 tokens
_TOKENS = 40  # written; two to eight seconds
_CLAUSE = "今天的天气真不错，我们下午一起去公园走走吧。"
_LIMIT_S = 60.0


def measure(settings: Settings, model: str) -> Speed:
    """Measure with the language model `model` of the store, which is there. Raises StoreError, ModelError, OSError."""
    others = busy_share()
    path = ModelStore(settings.store).ensure(model)
    voice = kokoro.load(settings)
    voice.warm_up()
    rtf = _real_time_factor(voice)
    process = LlamaProcess(
        path,
        process_options(settings.llm, template=""),
        connect_timeout_s=settings.llm.connect_timeout_s,
        warm_up=_warm_up,
        without="llm.without_embedded",
    )
    try:
        reading = _timings(process, _PROMPT * _PROMPTS, _TOKENS)
        with _Speaking(voice):
            beside = _timings(process, "说", _TOKENS)
    finally:
        process.stop()
    return Speed(
        model=model,
        model_bytes=path.stat().st_size,
        read_tokens_s=round(reading["prompt_per_second"], 1),
        write_tokens_s=round(reading["predicted_per_second"], 1),
        write_with_voice_tokens_s=round(beside["predicted_per_second"], 1),
        voice_rtf=round(rtf, 3),
        others=round(others, 2),
    )


def _warm_up(process: LlamaProcess, until: float) -> None:
    _timings(process, "hello", 1)


def _timings(process: LlamaProcess, prompt: str, tokens: int) -> dict[str, float]:
    """llama.cpp's own times for a completion of so many tokens."""
    body = {"prompt": prompt, "n_predict": tokens, "ignore_eos": True, "cache_prompt": False}
    answer = process.ask("/completion", body, time.monotonic() + _LIMIT_S)
    return dict(answer["timings"])


def _speak(voice: Engine) -> float:
    """Synthesise a clause; returns its length in seconds."""
    speech = voice.synthesise(_CLAUSE, voice.voices[0].name)
    return sum(len(part) for part in speech if not isinstance(part, WordTiming)) / voice.sample_rate


def _real_time_factor(voice: Engine) -> float:
    started_s = time.monotonic()
    length_s = _speak(voice)
    return (time.monotonic() - started_s) / length_s


class _Speaking:
    """A context in which the voice says clause after clause, each when the one before it would have been heard."""

    def __init__(self, voice: Engine) -> None:
        self._voice, self._over = voice, threading.Event()
        self._thread = threading.Thread(target=self._run, name="voice", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        heard_until_s = time.monotonic()
        while not self._over.is_set():
            heard_until_s = max(heard_until_s, time.monotonic()) + _speak(self._voice)
            self._over.wait(heard_until_s - time.monotonic())


def main(argv: list[str] | None = None) -> int:
    """Measure and print. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m huiyin.services.measure", description=__doc__)
    parser.add_argument("model", help="file of the model store")
    parser.add_argument("--profile")
    parser.add_argument("--set", action="append", default=[])
    args = parser.parse_args(argv)
    try:
        speed = measure(config.load(args.profile, args.set), args.model)
    except HuiyinError as error:
        print(f"huiyin: {error}", file=sys.stderr)
        return 1
    print(json.dumps(dataclasses.asdict(speed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
