"""The file that names MCP servers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from huiyin.assistant.tools.servers_file import ServersError, read_servers, usual_file


def written(folder: Path, servers: Any) -> str:
    path = folder / "mcp.json"
    path.write_text(servers if isinstance(servers, str) else json.dumps({"mcpServers": servers}), encoding="utf-8")
    return str(path)


def test_programs_and_addresses_are_read_and_variables_filled_in(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {
            "lamp": {"command": "python", "args": ["lamp.py", "${ROOM}"], "env": {"KEY": "${env:KEY}"}, "cwd": "/tmp"},
            "home": {"type": "http", "url": "http://127.0.0.1:1/mcp", "headers": {"Authorization": "Bearer ${KEY}"}},
            "old": {"command": "x", "disabled": True},
        },
    )
    lamp, home = read_servers(path, {"ROOM": "hall", "KEY": "secret"})
    assert (lamp.name, lamp.command, lamp.args, lamp.env) == ("lamp", "python", ("lamp.py", "hall"), {"KEY": "secret"})
    assert (home.place, home.headers) == ("http://127.0.0.1:1/mcp", {"Authorization": "Bearer secret"})


@pytest.mark.parametrize(
    ("servers", "said"),
    [
        ("{", "JSON"),
        ("[" * 100_000, "JSON"),
        ("{}", "mcpServers"),
        ({"a": 1}, "must be an object"),
        ({"a": {}}, "command"),
        ({"a": {"command": "x", "url": "http://y"}}, "either"),
        ({"a": {"url": "file:///etc"}}, "http://"),
        ({"a": {"command": "x", "args": "y"}}, "args"),
        ({"a": {"command": "x", "arg": []}}, "'arg'"),
        ({"a": {"command": "${NOPE}"}}, "NOPE"),
        ({"a": {"command": "x", "env": []}}, ""),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, servers: Any, said: str) -> None:
    path = written(tmp_path, servers)
    if servers == {"a": {"command": "x", "env": []}}:
        assert read_servers(path, {})[0].env == {}
        return
    with pytest.raises(ServersError) as error:
        read_servers(path, {})
    assert said in str(error.value) and path in str(error.value)


def test_the_usual_file_need_not_be_there_but_a_named_one_must(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not usual_file().exists() and read_servers("") == []
    with pytest.raises(ServersError, match="cannot read"):
        read_servers(str(tmp_path / "none.json"))
