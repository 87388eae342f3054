"""``python -m huiyin.services.prove PART RUNG``: does a model that was just fetched do what it is for?

A recogniser hears sentences that our own voices read (or recordings that its rung names) and may get one character in
three wrong; a language model is asked questions that have one right answer. Sentences and questions are the rung's
proof in the ladders. Prints JSON: {"failures": ["what went wrong", …]}, empty for a model that passed.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in `huiyin.services.__main__`
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import numpy as np
import soxr

from huiyin.configs import messages
from huiyin.configs import settings as config
from huiyin.configs.choice.ladder import LADDERS, Proof, load_ladders
from huiyin.configs.errors import HuiyinError
from huiyin.configs.settings import Settings
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import Engine, Hints, load_engine
from huiyin.services.common.audio import SAMPLE_RATE, Samples, decode
from huiyin.services.common.model_names import ModelNames
from huiyin.services.llm.checks import check_chat
from huiyin.services.llm.engines.embedded import Embedded
from huiyin.services.llm.proxy import Proxy
from huiyin.services.llm.upstream import Caller
from huiyin.services.tts.sound import RATE
from huiyin.services.tts.speaker import Speaker
from huiyin.services.tts.voice_engine import WordTiming

_MOST_WRONG = 1 / 3  # of the characters of a sentence
_LONGEST_S = 30.0  # of a recording
_MOST_TOKENS = 60  # of an answer


def prove(settings: Settings, part: str, proof: tuple[Proof, ...], folder: Path) -> list[str]:
    """What the model of the settings fails of `proof`, in words; recordings are in `folder`.

    Raises what loading the model raises: ModelError, ModelFolderError, StoreError, SettingsError, OSError.
    """
    return list(_recognises(settings, proof, folder) if part == "asr" else _answers(settings, proof))


def _recognises(settings: Settings, proof: tuple[Proof, ...], folder: Path) -> Iterator[str]:
    engine = load_engine(settings.asr, ModelStore(settings.store).ensure)
    voices = Speaker.load(settings) if any(not entry.sound for entry in proof) else None
    for entry in proof:
        if entry.sound:
            samples = decode(folder / entry.sound, max_duration_s=_LONGEST_S).samples
        else:
            assert voices is not None
            samples = _read_aloud(voices, entry.text)
        got = _recognise(engine, samples)
        if wrong_share(entry.text, got) > _MOST_WRONG:
            yield messages.text("choice.misheard", {"text": entry.text, "got": got})


def _read_aloud(voices: Speaker, text: str) -> Samples:
    """Mono, 16 kHz."""
    speech = voices.speak(text, voices.choose(text))
    sound = np.concatenate([part for part in speech if not isinstance(part, WordTiming)])
    return np.asarray(soxr.resample(sound, RATE, SAMPLE_RATE), np.float32)


def _recognise(engine: Engine, samples: Samples) -> str:
    (recognition,) = engine.recognise([samples], Hints())
    return recognition.text


def wrong_share(text: str, got: str) -> float:
    """Characters of `text` that `got` lacks or has otherwise, and those that it has too many, a character of `text`.

    Letters and digits count, in one case.
    """
    wanted, heard = _letters(text), _letters(got)
    edits = difflib.SequenceMatcher(None, wanted, heard, autojunk=False).get_opcodes()
    wrong = sum(max(b - a, d - c) for kind, a, b, c, d in edits if kind != "equal")
    return wrong / max(1, len(wanted))


def _letters(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())


def _answers(settings: Settings, proof: tuple[Proof, ...]) -> Iterator[str]:
    proxy = Proxy([Embedded(settings)], settings.llm, ModelNames(strict=True))
    for entry in proof:
        asked = [{"role": "user", "content": entry.ask}]
        body = check_chat({"messages": asked, "max_tokens": _MOST_TOKENS, "temperature": 0.0})
        reply = proxy.complete(body, Caller(left=lambda: False)).body
        answer = str(reply["choices"][0]["message"]["content"])
        if not any(right.lower() in answer.lower() for right in entry.answers):
            yield messages.text("choice.wrong_answer", {"ask": entry.ask, "answer": answer})


def main(argv: list[str] | None = None) -> int:
    """Prove and print. Returns the exit status: 0 also for a model that fails."""
    parser = argparse.ArgumentParser(prog="python -m huiyin.services.prove", description=__doc__)
    parser.add_argument("part", choices=("asr", "llm"))
    parser.add_argument("rung")
    parser.add_argument("--profile")
    parser.add_argument("--set", action="append", default=[])
    args = parser.parse_args(argv)
    try:
        settings = config.load(args.profile, args.set)
        path = Path(settings.store.ladders).expanduser() if settings.store.ladders else LADDERS
        rung = next(rung for rung in load_ladders(path)[args.part] if rung.name == args.rung)
        failures = prove(settings, args.part, rung.proof, path.parent)
    except HuiyinError as error:
        failures = [str(error)]
    print(json.dumps({"failures": failures}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
