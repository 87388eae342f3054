"""The files of docs/deploy name commands and settings that there are."""

from __future__ import annotations

import configparser
import json
import re
from pathlib import Path

import pytest
import yaml

from huiyin.assistant.faces.cli import options
from huiyin.configs.settings import load
from tests.support import ROOT

DEPLOY = ROOT / "docs" / "deploy"
DOCKERFILES = sorted(DEPLOY.glob("Dockerfile*"))


def check_command(words: list[str]) -> None:
    assert Path(words[0]).name == "huiyin"
    asked = options.parse(words[1], words[2:])
    assert asked.log_format == "json"


@pytest.mark.parametrize("unit", sorted(DEPLOY.glob("*.service")), ids=lambda path: path.name)
def test_units_start_commands_that_there_are(unit: Path) -> None:
    parsed = configparser.ConfigParser(strict=False, interpolation=None)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read(unit)
    service = parsed["Service"]
    for instance in ("asr", "llm", "tts"):
        check_command(service["ExecStart"].replace("%i", instance).split())
    folders = dict(re.findall(r"(XDG_\w+)=(\S+)", service["Environment"]))
    assert folders["XDG_CACHE_HOME"] == f"/var/cache/{service['CacheDirectory']}"
    assert folders["XDG_DATA_HOME"] == f"/var/lib/{service['StateDirectory']}"


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_images_are_made_by_the_set_up_and_start_a_command_that_there_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    (command,) = re.findall(r"^CMD (\[.*\])$", text, re.MULTILINE)
    check_command(json.loads(command))
    runs = re.findall(r"^RUN (.*)$", text, re.MULTILINE)
    assert re.match(r"(FUNASR=1 )?\./setup\.sh python3 \.venv\b", runs[0]) and len(runs) == 2


def test_compose_builds_that_image_and_sets_settings_that_there_are() -> None:
    (service,) = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"].values()
    folder = DEPLOY / service["build"]["context"]
    assert folder.resolve() == ROOT and (folder / service["build"]["dockerfile"]).is_file()
    check_command(service["command"])
    load(environ={name: "localhost" for name in service["environment"] if name != "HUIYIN_WEB_KEY"})


def test_the_page_names_every_file() -> None:
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    for path in DEPLOY.iterdir():
        assert path.name == "README.md" or f"]({path.name})" in text
