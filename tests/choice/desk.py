"""A machine with the fallback models, a hub of the tests' own, and trials with stated results."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from huiyin.assistant.clients import model_choice as module
from huiyin.assistant.clients.model_choice import ModelChoice
from huiyin.configs.choice.ladder import Rung
from huiyin.configs.choice.record import Record, read_record
from huiyin.configs.choice.speed import Speed
from huiyin.configs.settings import Settings
from tests.support.local_hub import Bench, Page

BODIES = {name: random.Random(name).randbytes(size) for name, size in (
    ("ears/small.json", 400), ("ears/model.bin", 300_000), ("chat.gguf", 400_000), ("words.bin", 50_000),
    ("coder.gguf", 200_000),
)}  # fmt: skip
LADDERS = """
[proofs]
hello = [{ text = "hello" }]
yes = [{ ask = "hello?", answers = ["yes"] }]

[[asr]]
name = "ears"
title = "Ears"
worth = "hears emotion"
models = ["ears"]
settings = { "asr.engine" = "sensevoice", "asr.model" = "ears" }
memory_mb = 1
proof = "hello"

[[asr]]
name = "words"
title = "Words"
worth = "words alone"
models = ["words.bin"]
settings = { "asr.engine" = "whisper", "asr.model" = "words.bin" }
memory_mb = 1

[[llm]]
name = "chat"
title = "Chat"
worth = "chats"
models = ["chat.gguf"]
settings = { "llm.upstreams" = ["embedded"], "llm.model" = "chat.gguf" }
memory_mb = 1
least_tokens_s = 12
proof = "yes"

[[llm]]
name = "coder"
title = "Coder"
worth = "codes"
models = ["coder.gguf"]
settings = { "llm.upstreams" = ["embedded"], "llm.model" = "coder.gguf" }
memory_mb = 1
"""
FAST = Speed("coder.gguf", 200_000, 200.0, 50.0, 40.0, 0.2)
SLOW = replace(FAST, write_with_voice_tokens_s=5.0)


class Desk:
    """A machine with the fallback models, a hub, and trials with stated results."""

    def __init__(self, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bench = bench
        self.told: list[str] = []
        self.asked: list[Sequence[str]] = []
        self.tried: list[str] = []
        self.measured: list[str] = []
        self.beside: list[list[str]] = []
        self.speed: Speed | None = FAST
        self.failures: dict[str, str] = {}
        self.pages: dict[str, tuple[Page, Page]] = {}
        for name in ("ears/small.json", "ears/model.bin", "chat.gguf"):
            self.pages[name] = bench.on_hubs(name, BODIES[name])
        bench.dir.mkdir()
        for name in ("words.bin", "coder.gguf"):
            bench.describe(name, BODIES[name])
            (bench.dir / name).write_bytes(BODIES[name])
        self.ladders = bench.root / "ladders.toml"
        self.ladders.write_text(LADDERS, encoding="utf-8")
        monkeypatch.setattr(module, "measure", self._measure)
        monkeypatch.setattr(module, "prove", self._prove)
        monkeypatch.setattr(module, "fetch_beside", self._fetch_beside)
        monkeypatch.setattr(module, "find_local_servers", lambda: iter(()))

    def _measure(self, model: str, arguments: Sequence[str]) -> Speed | None:
        self.measured.append(model)
        return self.speed

    def _prove(self, part: str, rung: Rung, arguments: Sequence[str]) -> str:
        self.tried.append(rung.name)
        return self.failures.get(rung.name, "")

    def _fetch_beside(self, names: Sequence[str], arguments: Sequence[str]) -> None:
        self.beside.append(list(names))

    def choice(self, overrides: Sequence[str] = (), answer: bool | None = None, **change: Any) -> ModelChoice:
        """As a new process makes it; `answer`: what the user says where there is ``--ask``."""

        def ask(lines: Sequence[str]) -> bool:
            self.asked.append(lines)
            return bool(answer)

        store = self.bench.settings(**{"catalog": str(self.bench.catalog), "ladders": str(self.ladders), **change})
        return ModelChoice(
            replace(Settings(), store=store), None, overrides, self.told.append, None if answer is None else ask
        )

    def start(self, **change: Any) -> dict[str, str]:
        """`huiyin talk` begins; gives the rung in use of each part."""
        self.told.clear()
        with self.choice(**change) as choice:
            choice.settle()
        return {part: one.used for part, one in self.record.parts.items()}

    @property
    def record(self) -> Record:
        record = read_record(self.bench.dir)
        assert record is not None
        return record

    def fetched(self) -> None:
        """The fetch beside a conversation brings everything."""
        for names in self.beside:
            for name in names:
                self.bench.store().ensure(name)
