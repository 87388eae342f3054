"""The key of the web program: from the environment or a file, never the command line, which every user can read."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from huiyin.configs.secret_files import checked_key, read_key
from huiyin.configs.settings import SettingsError, WebSettings
from huiyin.services.common.access import is_loopback

KEY_VARIABLE = "HUIYIN_WEB_KEY"
_FEWEST = 8  # characters
_MADE_BYTES = 16  # of chance in a key that is made


@dataclass(frozen=True)
class DoorKey:
    """`key` is '' where none is needed. `is_made`: for this start alone, so that it must be shown to be known."""

    key: str
    is_made: bool = False


def door_key(settings: WebSettings, environ: Mapping[str, str] = os.environ) -> DoorKey:
    """The user's own key; else one that is made, where other machines can connect. Raises SettingsError."""
    name, key = KEY_VARIABLE, checked_key(KEY_VARIABLE, environ.get(KEY_VARIABLE, "").strip())
    if not key and settings.key_file:
        name = "web.key_file"
        key = read_key(name, Path(settings.key_file).expanduser())
    if key and len(key) < _FEWEST:
        raise SettingsError("web.short_key", name=name, fewest=_FEWEST)
    if key or is_loopback(settings.host):
        return DoorKey(key)
    return DoorKey(secrets.token_urlsafe(_MADE_BYTES), is_made=True)
