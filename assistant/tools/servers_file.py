"""The file that names MCP servers, in the shape that other clients use: {"mcpServers": {NAME: {...}}}."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from huiyin.configs.errors import HuiyinError
from huiyin.configs.files import user_folder

_VARIABLE = re.compile(r"\$\{(?:env:)?(\w+)\}")
_KEYS = ("command", "args", "env", "cwd", "url", "headers", "disabled")
_IGNORED = ("type", "transport", "timeout", "autoApprove", "alwaysAllow", "description", "name", "icon")


class ServersError(HuiyinError):
    """A file of servers that cannot be used."""

    exit_status = 2


@dataclass(frozen=True)
class ServerSettings:
    """An MCP server: a program to be started, or an address."""

    name: str
    command: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The program or address, for people."""
        return self.command or self.url


def usual_file() -> Path:
    """Where the file is looked for unless told otherwise."""
    return user_folder("Application Support", "XDG_CONFIG_HOME", ".config") / "huiyin" / "mcp.json"


def read_servers(named: str, environ: Mapping[str, str] = os.environ) -> list[ServerSettings]:
    """The servers of the file `named`, '' for the usual one, which need not exist; disabled ones are left out.

    ${NAME} in a value stands for a variable of the environment. Raises ServersError.
    """
    path = Path(named).expanduser() if named else usual_file()
    if not named and not path.is_file():
        return []
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ServersError("tools.file_unreadable", path=path, why=error.strerror or error) from error
    except (ValueError, RecursionError) as error:
        raise ServersError("tools.file_not_json", path=path, why=error) from None
    servers = data.get("mcpServers", data.get("servers")) if isinstance(data, dict) else None
    if not isinstance(servers, dict):
        raise ServersError("tools.file_no_servers", path=path)
    read = (_server(name, entry, path, environ) for name, entry in servers.items())
    return [server for server in read if server]


def _server(name: str, entry: Any, path: Path, environ: Mapping[str, str]) -> ServerSettings | None:
    def wrong(message: str, /, **facts: object) -> ServersError:
        return ServersError(message, path=path, server=name, **facts)

    def filled(value: str) -> str:
        def of(variable: re.Match[str]) -> str:
            if variable[1] not in environ:
                raise wrong("tools.no_variable", variable=variable[1])
            return environ[variable[1]]

        return _VARIABLE.sub(of, value)

    def texts(key: str) -> dict[str, str]:
        value = entry.get(key) or {}
        if not isinstance(value, dict):
            raise wrong("tools.server_key", key=key)
        return {str(name): filled(str(text)) for name, text in value.items()}

    if not isinstance(entry, dict):
        raise wrong("tools.server_not_object")
    if entry.get("disabled"):
        return None
    for key in entry:
        if key not in (*_KEYS, *_IGNORED):
            raise wrong("tools.server_key", key=key)
    command, url = entry.get("command") or "", entry.get("url") or entry.get("serverUrl") or ""
    args = entry.get("args") or []
    if not isinstance(command, str) or not isinstance(url, str) or bool(command) == bool(url):
        raise wrong("tools.server_place")
    if url and not url.startswith(("http://", "https://")):
        raise wrong("tools.server_place")
    if not isinstance(args, list):
        raise wrong("tools.server_key", key="args")
    return ServerSettings(
        name, filled(command), tuple(filled(str(each)) for each in args), texts("env"), str(entry.get("cwd") or ""),
        filled(url), texts("headers"),
    )  # fmt: skip
