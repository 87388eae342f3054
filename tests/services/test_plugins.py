"""Engines that another installed package brings: `tests/example_package`, as pip would install it."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from huiyin.assistant.conversation.assemble import make_endpoint
from huiyin.configs.packages.extras import needed_by
from huiyin.configs.plugins import JUDGES, RECOGNISERS, VOICES, plugins
from huiyin.configs.settings import Settings, SettingsError, load
from huiyin.configs.tables import read_table
from huiyin.services.asr.recogniser import Hints, load_engine
from huiyin.services.tts.app import make_app
from tests.support import ROOT

PACKAGE = ROOT / "tests" / "example_package"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package with what an installer writes beside it."""
    project = read_table(PACKAGE / "pyproject.toml")["project"]
    info = tmp_path / "huiyin_example-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = [
        "\n".join([f"[{group}]", *(f"{name} = {address}" for name, address in points.items())])
        for group, points in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups) + "\n")
    for path in (tmp_path, PACKAGE):
        monkeypatch.syspath_prepend(path)
    plugins.cache_clear()
    yield
    plugins.cache_clear()


def settings(*overrides: str) -> Settings:
    return load(overrides=overrides, environ={})


@pytest.mark.usefixtures("installed")
def test_the_three_kinds_are_found_by_their_groups() -> None:
    assert [list(plugins(group)) for group in (RECOGNISERS, VOICES, JUDGES)] == [["example"]] * 3


@pytest.mark.usefixtures("installed")
def test_a_recogniser_is_named_by_a_setting() -> None:
    engine = load_engine(settings("asr.engine=example").asr, lambda name: pytest.fail("it needs no model"))
    (heard,) = engine.recognise([np.zeros(16_000, np.float32)], Hints())
    assert heard.text == "hello"


@pytest.mark.usefixtures("installed")
def test_a_voice_speaks_over_http() -> None:
    client = make_app(settings("tts.engine=example", "tts.cache_mb=0")).test_client()
    assert client.get("/voices").get_json()["voices"][0]["name"] == "beep"
    said = client.post("/audio", json={"text": "Hello."})
    assert said.headers["X-Voice"] == "beep" and said.headers["X-Huiyin-Model"] == "example"
    with wave.open(io.BytesIO(said.data)) as file:
        assert file.getnframes() > 2400 and np.frombuffer(file.readframes(-1), "<i2").any()


@pytest.mark.usefixtures("installed")
def test_what_our_own_engines_need_is_not_asked_for() -> None:
    chosen = settings("asr.engine=example", "tts.engine=example")
    assert needed_by("asr", chosen) == []
    assert "hibari-tts" not in needed_by("tts", chosen) and "hibari-tts" in needed_by("tts", settings())


@pytest.mark.usefixtures("installed")
def test_a_judge_is_asked_instead_of_the_built_in_one() -> None:
    judge = make_endpoint(settings("talk.judge=example"), pytest.fail)
    assert judge is not None
    loud = np.full(16_000, 1000, np.int16)
    assert judge._endpoint(np.concatenate([loud, loud // 9])) == 1.0 and judge._endpoint(loud) == 0.0


def test_without_the_package_its_name_is_refused() -> None:
    plugins.cache_clear()
    for name in ("asr.engine", "tts.engine", "talk.judge"):
        with pytest.raises(SettingsError, match="example"):
            settings(f"{name}=example")
