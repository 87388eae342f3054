"""Where the upstreams' keys come from: the environment, or a file of the user's own. Never the settings, which are
shown and committed; never a message or a log, which are sent around.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from huiyin.configs.settings import CONFIG_DIR, SettingsError

KEY_VARIABLE = "HUIYIN_LLM_API_KEY"

_NOTE = re.compile(r"(^|\s)#.*")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def read_keys(urls: Sequence[str], key_file: str, environ: Mapping[str, str]) -> dict[str, str]:
    """URL -> its key ('' for none). The environment's key goes before the file's: one for all `urls`, or one each, with
    commas between. Raises SettingsError (never with a key in it) when they cannot be used.
    """
    found = per_url(KEY_VARIABLE, environ.get(KEY_VARIABLE, ""), urls)
    if key_file and not any(found.values()):
        for_all, for_one = _read_file(Path(key_file).expanduser())
        found = {url: for_one.get(url.rstrip("/"), for_all) for url in urls}
    for url, key in found.items():
        if not (key.isascii() and key.isprintable() and " " not in key):
            raise SettingsError("llm.bad_key", url=url)
    return found


def per_url(name: str, text: str, urls: Sequence[str]) -> dict[str, str]:
    """URL -> its word of `text`: one word for all, or one each, with commas between.

    Raises SettingsError, which says `name` and no word.
    """
    if not urls:
        return {}
    words = [word.strip() for word in text.split(",")]
    if len(words) > 1 and len(words) != len(urls):
        raise SettingsError("llm.values_for_urls", name=name, values=len(words), urls=len(urls))
    return dict(zip(urls, words if len(words) > 1 else words * len(urls), strict=True))


def _read_file(path: Path) -> tuple[str, dict[str, str]]:
    """The key for all URLs ('' for none), and those for one. A line is a key, or a URL and its key; # begins a note."""
    checkout = CONFIG_DIR.parent
    if (checkout / ".git").exists() and path.resolve().is_relative_to(checkout):
        raise SettingsError("llm.key_file_in_checkout", path=path)
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and mode & _OTHERS:
                raise SettingsError("llm.key_file_of_others", path=path)
            lines = [_NOTE.sub("", line).split() for line in file]
    except OSError as error:
        raise SettingsError("llm.key_file_unreadable", path=path, why=error.strerror) from None
    except UnicodeDecodeError:
        raise SettingsError("llm.key_file_not_text", path=path) from None
    for_all, for_one = "", {}
    for number, words in enumerate(lines, 1):
        if len(words) == 2 and words[0].startswith(("http://", "https://")):
            for_one[words[0].rstrip("/")] = words[1]
        elif len(words) == 1 and not for_all:
            for_all = words[0]
        elif words:
            raise SettingsError("llm.key_file_line", number=number, path=path)
    return for_all, for_one
