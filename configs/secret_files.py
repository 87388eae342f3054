"""Keys, and the files with them: read only where others cannot read them, too."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from huiyin.configs.layers import SettingsError

_CHECKOUT = Path(__file__).resolve().parents[1]
_COMMENT = re.compile(r"(^|\s)#.*")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_secret_file(setting: str, path: Path) -> list[list[str]]:
    """The words of each line; # begins a comment. `setting` names the file to people.

    Raises SettingsError where it cannot be read, where others may read it, and where it lies in the checkout.
    """
    if (_CHECKOUT / ".git").exists() and path.resolve().is_relative_to(_CHECKOUT):
        raise SettingsError("settings.secret_in_checkout", name=setting, path=path)
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and mode & _OTHERS:
                raise SettingsError("settings.secret_of_others", name=setting, path=path)
            return [_COMMENT.sub("", line).split() for line in file]
    except OSError as error:
        raise SettingsError("settings.secret_unreadable", name=setting, path=path, why=error.strerror) from None
    except UnicodeDecodeError:
        raise SettingsError("settings.secret_not_text", name=setting, path=path) from None


def read_key(setting: str, path: Path) -> str:
    """The one key of a file. Raises SettingsError as `read_secret_file` and `checked_key` do."""
    words = [word for line in read_secret_file(setting, path) for word in line]
    if len(words) != 1:
        raise SettingsError("settings.not_one_key", name=setting, path=path)
    return checked_key(setting, words[0])


def checked_key(name: str, key: str) -> str:
    """`key`, which came from `name`. Raises SettingsError, without the key, where no header can carry it."""
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise SettingsError("settings.bad_key", name=name)
    return key
