"""What a model must do before it is used, on models that do it and on one that does not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from huiyin.services.prove import wrong_share


@pytest.mark.parametrize(
    ("text", "got", "share"),
    [
        ("今天天气很好。", "今天天气很好", 0.0),
        ("What is the capital?", "what's the capital", 1 / 16),
        ("今天天气很好", "", 1.0),
        ("今天天气很好", "今天天汽很好", 1 / 6),
        ("一二三", "一二三四五六", 1.0),
    ],
)
def test_letters_that_are_wrong_are_counted(text: str, got: str, share: float) -> None:
    assert wrong_share(text, got) == pytest.approx(share)


def failures(part: str, rung: str, *settings: str) -> list[str]:
    """What the model of these settings fails of a rung's proof."""
    options = [word for setting in settings for word in ("--set", setting)]
    command = [sys.executable, "-m", "huiyin.services.prove", part, rung, *options]
    answer = subprocess.run(command, capture_output=True, check=True).stdout.splitlines()[-1]
    return list(json.loads(answer)["failures"])


@pytest.mark.slow
def test_a_recogniser_understands_our_own_voices() -> None:
    """The proof of SenseVoice, passed by Whisper: sentences and voices are fit for it."""
    assert failures("asr", "sensevoice", "asr.engine=whisper", "asr.model=whisper-base") == []


@pytest.mark.slow
def test_a_recogniser_that_knows_tones_alone_fails() -> None:
    from tests.support.tone_model import tone_folder

    failed = failures("asr", "sensevoice", "asr.engine=sensevoice", f"asr.model={tone_folder()}")
    assert len(failed) == 3 and "was recognised as" in failed[0]


@pytest.mark.slow
def test_a_small_model_answers_sensibly_in_both_languages() -> None:
    assert failures("llm", "qwen2.5-0.5b", "llm.model=qwen2.5-coder-0.5b-instruct-q4_k_m.gguf") == []


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_fails(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + bytes(1000))
    (why,) = failures("llm", "qwen2.5-0.5b", f"llm.model={broken}")
    assert "broken.gguf" in why
