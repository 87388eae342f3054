"""The upstreams' keys, from the environment or a file of the user.

Never from the settings, which are shown and committed; never in a message or a log, which are shared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from huiyin.configs.secret_files import read_secret_file
from huiyin.configs.settings import SettingsError
from huiyin.services.common.shown_url import shown_url


def key_variable(section: str) -> str:
    """The environment variable with the keys of the upstreams that a section of the settings names."""
    return f"HUIYIN_{section.upper()}_API_KEY"


def read_keys(section: str, urls: Sequence[str], key_file: str, environ: Mapping[str, str]) -> dict[str, str]:
    """URL -> its key ('' for none). The environment takes precedence over the file: one key for all `urls`, or one each
    with commas between. Raises SettingsError, without the key, when it cannot be used.
    """
    variable = key_variable(section)
    keys = per_url(section, variable, environ.get(variable, ""), urls)
    if key_file and not any(keys.values()):
        for_all, for_one = _read_file(section, Path(key_file).expanduser())
        keys = {url: for_one.get(url.rstrip("/"), for_all) for url in urls}
    for url, key in keys.items():
        if not (key.isascii() and key.isprintable() and " " not in key):
            raise SettingsError("upstreams.bad_key", url=shown_url(url))
    return keys


def per_url(section: str, name: str, text: str, urls: Sequence[str]) -> dict[str, str]:
    """URL -> its value in `text`: one for all, or one each with commas between.

    Raises SettingsError, with `name` and without the values, when there are too many or too few.
    """
    if not urls:
        return {}
    words = [word.strip() for word in text.split(",")]
    if len(words) > 1 and len(words) != len(urls):
        raise SettingsError("upstreams.values_for_urls", section=section, name=name, values=len(words), urls=len(urls))
    return dict(zip(urls, words if len(words) > 1 else words * len(urls), strict=True))


def _read_file(section: str, path: Path) -> tuple[str, dict[str, str]]:
    """The key for all URLs ('' for none), and URL -> its own key. # begins a comment."""
    for_all, for_one = "", {}
    for number, words in enumerate(read_secret_file(f"{section}.key_file", path), 1):
        if len(words) == 2 and words[0].startswith(("http://", "https://")):
            for_one[words[0].rstrip("/")] = words[1]
        elif len(words) == 1 and not for_all:
            for_all = words[0]
        elif words:
            raise SettingsError("upstreams.key_file_line", section=section, number=number, path=path)
    return for_all, for_one
