"""The ladders, `ladders.toml`, as typed data. Reads one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huiyin.configs.choice.errors import LadderError
from huiyin.configs.layers import SettingsError, read_toml
from huiyin.configs.messages import language

LADDERS = Path(__file__).resolve().parent / "ladders.toml"


@dataclass(frozen=True)
class Proof:
    """What a model must do before it is used: recognise `text`, or give an answer to `ask` with one of `answers`."""

    text: str = ""
    sound: str = ""
    """A WAV file beside the ladders in which `text` is heard; '': our own voices read it."""
    ask: str = ""
    answers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rung:
    """A candidate for a part. `ladders.toml` explains each."""

    name: str
    title: str
    worth: str
    """What it is worth, in the program's language."""
    models: tuple[str, ...]
    settings: Mapping[str, Any]
    """'section.key' -> value."""
    memory_mb: int
    cores: int = 1
    languages: tuple[str, ...] = ()
    least_tokens_s: float = 0.0
    unmeasured: bool = False
    proof: tuple[Proof, ...] = ()


Ladders = Mapping[str, tuple[Rung, ...]]
"""Part ("asr", "llm", …) -> its rungs, the best first. No ladder is empty."""


def load_ladders(path: Path | None = None) -> Ladders:
    """The ladders at `path` (default: the project's own). Raises LadderError naming the rung and what is wrong."""
    path = path or LADDERS
    try:
        table = read_toml(path)
    except (OSError, SettingsError) as error:
        raise LadderError("choice.unreadable_ladders", path=path, error=error) from error
    proofs = table.pop("proofs", {})
    ladders: dict[str, tuple[Rung, ...]] = {}
    for part, rows in table.items():
        rungs = []
        for row in rows:
            try:
                rungs.append(_rung(row, proofs))
            except (KeyError, TypeError, ValueError) as error:
                name = row.get("name", "?")
                raise LadderError("choice.bad_rung", path=path, part=part, name=name, error=error) from error
        ladders[part] = tuple(rungs)
    return ladders


def _rung(row: Mapping[str, Any], proofs: Mapping[str, Any]) -> Rung:
    entries = proofs[row["proof"]] if "proof" in row else ()
    proof = tuple(Proof(**{**entry, "answers": tuple(entry.get("answers", ()))}) for entry in entries)
    fields = {key: value for key, value in row.items() if key != "worth_zh"}
    if language() == "zh":
        fields["worth"] = row.get("worth_zh", row["worth"])
    languages = tuple(row.get("languages", ()))
    return Rung(**{**fields, "models": tuple(row["models"]), "languages": languages, "proof": proof})
