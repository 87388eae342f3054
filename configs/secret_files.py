"""Files with a secret in them: read only where others cannot read them, too."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from huiyin.configs.layers import SettingsError
from huiyin.configs.settings import CONFIG_DIR

_COMMENT = re.compile(r"(^|\s)#.*")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_secret_file(setting: str, path: Path) -> list[list[str]]:
    """The words of each line; # begins a comment. `setting` names the file to people.

    Raises SettingsError where it cannot be read, where others may read it, and where it lies in the checkout.
    """
    checkout = CONFIG_DIR.parent
    if (checkout / ".git").exists() and path.resolve().is_relative_to(checkout):
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
