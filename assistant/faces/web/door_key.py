"""The key of the web program: from the environment or a file, never the command line, which every user can read."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from huiyin.configs.secret_files import read_secret_file
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
    key = _checked(KEY_VARIABLE, environ.get(KEY_VARIABLE, "").strip())
    if not key and settings.key_file:
        lines = read_secret_file("web.key_file", Path(settings.key_file).expanduser())
        words = [word for line in lines for word in line]
        if len(words) != 1:
            raise SettingsError("web.not_one_key", path=settings.key_file)
        key = _checked("web.key_file", words[0])
    if key or is_loopback(settings.host):
        return DoorKey(key)
    return DoorKey(secrets.token_urlsafe(_MADE_BYTES), is_made=True)


def _checked(name: str, key: str) -> str:
    """Raises SettingsError, without the key."""
    if key and len(key) < _FEWEST:
        raise SettingsError("web.short_key", name=name, fewest=_FEWEST)
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise SettingsError("web.bad_key", name=name)
    return key
