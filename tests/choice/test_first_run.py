"""A fresh machine with a hub, whole, as `make talk` and `make web` leave it before the first run: with what every
choice needs. Nothing here is a stand-in but the hub, and the models that it has.

The recogniser is the tests' tone model, the chat model a small one that other tests use, too; it lies in a cache as
Hugging Face's library leaves it. Speed is measured, both are proven, and the services then use them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import requests

from huiyin.configs.choice.ladder import LADDERS as LADDER_FILE
from huiyin.configs.choice.record import read_record
from huiyin.configs.settings import load
from huiyin.configs.store.catalog import CATALOG
from huiyin.configs.store.model_store import ModelStore
from tests.support.limits import PATIENCE_S
from tests.support.local_hub import Bench, open_bench
from tests.support.media import encode
from tests.support.service_process import free_port, start_service
from tests.support.tone_model import tone_folder
from tests.support.tone_network import Tones, sound, text

pytestmark = pytest.mark.release

SMALL_MODEL = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"
DIGITS = (3, 1, 4, 1, 5)
LADDERS = """
[proofs]
tones = [{{ text = "{said}", sound = "proof.wav" }}]
atlantis = [{{ ask = "What is the capital of France?", answers = ["Atlantis"] }}]
{chat}
[[asr]]
name = "tones"
title = "Tones"
worth = "hears emotion"
models = ["tones"]
settings = {{ "asr.engine" = "sensevoice", "asr.model" = "tones" }}
memory_mb = 300
proof = "tones"

[[asr]]
name = "whisper-base"
title = "Whisper base"
worth = "words without emotion"
models = ["whisper-base"]
settings = {{ "asr.engine" = "whisper", "asr.model" = "whisper-base" }}
memory_mb = 500

[[llm]]
name = "wrong"
title = "Wrong"
worth = "has the right hash and the wrong answers"
models = ["chat.gguf"]
settings = {{ "llm.upstreams" = ["embedded"], "llm.model" = "chat.gguf" }}
memory_mb = 800
proof = "atlantis"

[[llm]]
name = "chat"
title = "Chat"
worth = "chats"
models = ["chat.gguf"]
settings = {{ "llm.upstreams" = ["embedded"], "llm.model" = "chat.gguf" }}
memory_mb = 800
least_tokens_s = 0.1
proof = "chat"

[[llm]]
name = "coder"
title = "Coder"
worth = "codes"
models = ["qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"]
settings = {{ "llm.upstreams" = ["embedded"], "llm.model" = "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf" }}
memory_mb = 1500
"""


def own_proof() -> str:
    """The project's own proof of a chat model, as TOML."""
    lines = LADDER_FILE.read_text(encoding="utf-8").splitlines()
    begin = lines.index("chat = [")
    return "\n".join(lines[begin : lines.index("]", begin) + 1])


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """The environment of a machine that has the common models, a hub, and has never chosen."""
    real = ModelStore(load(environ={}).store)
    with open_bench(tmp_path) as bench:
        for file in real.catalog.files:
            if "common" in file.profiles:
                real.ensure(file.name)
                (bench.dir / file.name).parent.mkdir(parents=True, exist_ok=True)
                (bench.dir / file.name).symlink_to(real.dir / file.name)
        bench.catalog.write_text(CATALOG.read_text(encoding="utf-8"), encoding="utf-8")
        for path in tone_folder().iterdir():
            if path.is_file():
                bench.on_hubs(f"tones/{path.name}", path.read_bytes())
        small = next(line for line in CATALOG.read_text("utf-8").split("[[file]]") if f'"{SMALL_MODEL}"' in line)
        chat = small.replace(f'name = "{SMALL_MODEL}"', 'name = "chat.gguf"').replace("Qwen/Qwen2.5-Coder", "me/Chat")
        with bench.catalog.open("a", encoding="utf-8") as out:
            out.write(f"[[file]]{chat}")
        repository, _, file = "me/Chat-0.5B-Instruct-GGUF", None, SMALL_MODEL
        snapshot = tmp_path / "hf/hub" / f"models--{repository.replace('/', '--')}" / "snapshots/1"
        snapshot.mkdir(parents=True)
        (snapshot / file).symlink_to(real.ensure(SMALL_MODEL))
        ladders = tmp_path / "ladders.toml"
        ladders.write_text(LADDERS.format(said=text(DIGITS, "zh"), chat=own_proof()), encoding="utf-8")
        (tmp_path / "proof.wav").write_bytes(encode(sound(Tones(DIGITS), np.random.default_rng(1))))
        environment = {
            "HUIYIN_STORE_CHOOSE": "true",
            "HUIYIN_STORE_DIR": bench.dir,
            "HUIYIN_STORE_CATALOG": bench.catalog,
            "HUIYIN_STORE_LADDERS": ladders,
            "HUIYIN_STORE_MODELSCOPE_URL": f"{bench.hub.url}/ms",
            "HUIYIN_STORE_HUGGINGFACE_URL": f"{bench.hub.url}/hf",
            "HUIYIN_TALK_SESSIONS": "false",
            "HF_HOME": tmp_path / "hf",
            **{f"HUIYIN_{name}_PORT": free_port() for name in ("ASR", "LLM", "TTS")},
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, str(value))
        monkeypatch.delenv("HF_HUB_CACHE", raising=False)
        yield bench


def huiyin(*words: str, said: str = "") -> str:
    """What the command writes, both streams."""
    command = [sys.executable, "-m", "huiyin.assistant.faces.cli.main", *words]
    done = subprocess.run(command, input=said, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@contextmanager
def web() -> Iterator[tuple[str, list[str]]]:
    """`huiyin web` once its services are ready: its address, and what it has told."""
    port = free_port()
    command = [sys.executable, "-m", "huiyin.assistant.faces.cli.main", "web", "--no-open", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stderr is not None
        told = []
        for line in process.stderr:
            told.append(line)
            if line == "all services are ready\n":
                break
        try:
            assert process.poll() is None, "".join(told)
            yield f"http://127.0.0.1:{port}", told
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_S)


def how_it_hears(url: str) -> tuple[str, str]:
    """(the model of the recogniser, the emotion of an angry voice)."""
    angry = encode(sound(Tones(DIGITS, emotion="angry"), np.random.default_rng(2)))
    answer = requests.post(f"{url}/asr", files={"file": angry}, timeout=PATIENCE_S).json()
    return answer["model"], answer["emotion"]["label"]


def test_the_models_of_a_hub_are_chosen_proven_and_used(fresh: Bench) -> None:
    told = huiyin("talk", "--text", said="你好。\n")
    assert "Tones: hears emotion; 0.0 GB from" in told
    assert "Wrong failed its proof: 'What is the capital of France?' was answered with" in told
    assert "Chat: chats; on this machine" in told
    assert told.count("huiyin:") >= 2, "it greets and answers"

    record = read_record(fresh.dir)
    assert record is not None and record.speed is not None
    assert {part: one.used for part, one in record.parts.items()} == {"asr": "tones", "llm": "chat"}
    assert record.speed.read_tokens_s > 0 and record.speed.write_tokens_s > 0  # which is quicker, load decides
    assert os.path.samefile(fresh.dir / "chat.gguf", load(environ={}).store.path / SMALL_MODEL), "linked, not copied"

    values = {row["key"]: row["value"] for row in json.loads(huiyin("settings", "asr", "llm", "--json"))}
    assert values["engine"] == "sensevoice" and values["upstreams"] == ["embedded"]
    assert "* Tones" in (plan := huiyin("models", "plan")) and "recogniser: Tones is used" in plan
    assert "Wrong" in plan and "failed its proof" in plan

    with start_service("asr") as url:
        assert how_it_hears(url) == ("tones", "angry")


def test_the_page_has_them_at_its_first_run(fresh: Bench) -> None:
    with web() as (url, told):
        assert any("Tones: hears emotion; 0.0 GB from" in line for line in told)
        assert any("Chat: chats; on this machine" in line for line in told)
        assert how_it_hears(url) == ("tones", "angry")
        models = requests.get(f"{url}/v1/models", timeout=PATIENCE_S).json()["data"]
        assert {"tones", "chat.gguf"} <= {model["id"] for model in models}
        said = {"messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 8}
        answer = requests.post(f"{url}/v1/chat/completions", json=said, timeout=PATIENCE_S).json()
        assert answer["choices"][0]["message"]["content"].strip()
