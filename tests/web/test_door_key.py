"""Where the key comes from, and what is refused as one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from huiyin.assistant.faces.web.door_key import door_key
from huiyin.configs.settings import SettingsError, WebSettings, load
from tests.support import ROOT

MINE = "a-key-of-mine"


def key_file(folder: Path, text: str, mode: int = 0o600) -> WebSettings:
    path = folder / "key"
    path.write_text(text)
    path.chmod(mode)
    return WebSettings(key_file=str(path))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_on_this_machine_there_is_none_unless_one_is_set(host: str) -> None:
    assert door_key(WebSettings(host=host), {}).key == ""
    assert door_key(WebSettings(host=host), {"HUIYIN_WEB_KEY": MINE}).key == MINE


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", ""])
def test_where_others_can_connect_one_is_made_unless_one_is_set(host: str) -> None:
    made = door_key(WebSettings(host=host), {})
    assert made.is_made and len(made.key) > 20
    assert door_key(WebSettings(host=host), {}).key != made.key
    mine = door_key(WebSettings(host=host), {"HUIYIN_WEB_KEY": MINE})
    assert (mine.key, mine.is_made) == (MINE, False)


def test_a_file_holds_it_and_the_environment_comes_before(tmp_path: Path) -> None:
    settings = key_file(tmp_path, f"# of the door\n{MINE}\n")
    assert door_key(settings, {}).key == MINE
    assert door_key(settings, {"HUIYIN_WEB_KEY": "another-key"}).key == "another-key"


@pytest.mark.parametrize("text", ["", "# nothing\n", "two words\n", f"{MINE}\n{MINE}2\n"])
def test_a_file_holds_one_key(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="must hold one key"):
        door_key(key_file(tmp_path, text), {})


@pytest.mark.skipif(os.name == "nt", reason="files have no such modes there")
def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"web\.key_file: other users may read .*chmod 600"):
        door_key(key_file(tmp_path, MINE, 0o644), {})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"web\.key_file: .*nothing.* cannot be read"):
        door_key(WebSettings(key_file=str(tmp_path / "nothing")), {})
    if (ROOT / ".git").exists():
        with pytest.raises(SettingsError, match="would be committed"):
            door_key(WebSettings(key_file=str(ROOT / "README.md")), {})


@pytest.mark.parametrize(
    ("key", "why"), [("short", "8 characters at least"), ("open sesame", "blank"), ("schlüssel", "no key")]
)
def test_a_bad_key_is_refused_and_not_shown(key: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as refusal:
        door_key(WebSettings(), {"HUIYIN_WEB_KEY": key})
    assert "HUIYIN_WEB_KEY" in str(refusal.value) and key not in str(refusal.value)


def test_the_environments_key_is_not_a_setting() -> None:
    assert MINE not in str(load(environ={"HUIYIN_WEB_KEY": MINE}))
    with pytest.raises(SettingsError, match="key_file"):
        load(overrides=[f"web.key={MINE}"], environ={})
