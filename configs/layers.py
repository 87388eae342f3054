"""Typed settings from layers of text: a profile, the environment, the command line.

Knows nothing of which settings there are: `huiyin.configs.settings` says that.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import field
from functools import cache
from pathlib import Path
from typing import Any

from huiyin.configs.errors import HuiyinError
from huiyin.configs.messages import Message
from huiyin.configs.nearest import nearest
from huiyin.configs.plugins import plugins
from huiyin.configs.reasons import Reason
from huiyin.configs.tables import line_of, read_table, tomllib

Sections = Mapping[str, type]
Value = tuple[str, str, Any]  # section, key, value


class SettingsError(HuiyinError):
    """A setting that cannot be used; the message says which, why, and what would be right."""

    exit_status = 2


class SettingsConflict(SettingsError):
    """Settings of which each could be used, but not beside the others."""


def setting(
    default: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
    at_most: str | None = None,
    secret: bool | None = None,
    plugins_of: str = "",
) -> Any:
    """A dataclass field with its range (inclusive) and allowed words. The docstring below it is its reason.

    `at_most`: the setting of the same section that this one may not exceed, nor what that one may not.
    `secret`: never shown, and not taken from the command line. The section then has a setting `key_file`, too.
    `plugins_of`: a group of entry points whose names are allowed, too.
    """
    limits = {"low": low, "high": high, "choices": choices, "at_most": at_most}
    limits |= {"secret": secret, "plugins_of": plugins_of}
    return field(default=default, metadata=limits)


def is_secret(field: dataclasses.Field[Any]) -> bool:
    """Whether a setting is one that is never shown."""
    return bool(field.metadata.get("secret"))


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file. Raises SettingsError with its name."""
    try:
        return read_table(path)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError("settings.not_toml", path=path, error=error) from error


def profile_names(folder: Path) -> list[str]:
    """The profiles that lie in `folder`."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def from_profile(profile: str, folder: Path, sections: Sections) -> Iterable[Value]:
    """The values of a profile: a name in `folder`, or a path to a TOML file."""
    named_file = profile.endswith(".toml")
    path = Path(profile).expanduser() if named_file else folder / f"{profile}.toml"
    if named_file and not path.is_file():
        raise SettingsError("settings.no_profile_file", path=path)
    if not path.is_file():
        names = profile_names(folder)
        raise SettingsError("settings.no_profile", name=profile, near=nearest(profile, names), names=names)
    for section, table in read_toml(path).items():
        if not isinstance(table, dict):
            raise SettingsError("settings.outside_a_section", path=path, key=section, sections=list(sections))
        for key, value in table.items():
            try:
                check_name(sections, section, key, value)
                _convert(sections[section], f"{section}.{key}", key, value)
            except SettingsError as error:
                line = line_of(f"{section}.{key}", path.read_text(encoding="utf-8"))
                place = f"{path}:{line}" if line else path
                raise SettingsError("settings.bad_line", place=place, error=error) from None
            yield section, key, value


def from_environ(environ: Mapping[str, str], prefix: str, skip: Iterable[str], sections: Sections) -> Iterable[Value]:
    """``PREFIX_SECTION_KEY=value`` variables, except those in `skip`."""
    for name, value in sorted(environ.items()):
        if name.startswith(prefix) and name not in skip:
            section, _, key = name.removeprefix(prefix).lower().partition("_")
            try:
                check_name(sections, section, key, value)
            except SettingsError as error:
                raise SettingsError("settings.bad_variable", name=name, error=error) from None
            yield section, key, value


def from_overrides(overrides: Iterable[str], prefix: str, sections: Sections) -> Iterable[Value]:
    """``section.key=value`` texts of a command line, which every user of the machine can read: no secrets.

    `prefix` is that of the environment's variables.
    """
    for item in overrides:
        name, eq, value = item.partition("=")
        section, dot, key = name.strip().partition(".")
        if not eq or not dot:
            raise SettingsError("settings.bad_override", item=item)
        if section in sections and any(f.name == key and is_secret(f) for f in dataclasses.fields(sections[section])):
            variable = f"{prefix}{section}_{key}".upper()
            raise SettingsError("settings.secret_for_all_to_read", section=section, key=key, variable=variable)
        yield section, key, value


def build(sections: Sections, values: Iterable[Value]) -> dict[str, Any]:
    """Section name -> its dataclass, from its defaults and `values` (later ones win). Raises SettingsError."""
    kept = converted(sections, values)
    built = {name: cls(**kept[name]) for name, cls in sections.items()}
    for name, section in built.items():
        check_order(name, section)
    return built


def converted(sections: Sections, values: Iterable[Value]) -> dict[str, dict[str, Any]]:
    """Section name -> key -> its value, of the setting's type; each section. Raises SettingsError."""
    kept: dict[str, dict[str, Any]] = {name: {} for name in sections}
    for section, key, value in values:
        check_name(sections, section, key, value)
        kept[section][key] = _convert(sections[section], f"{section}.{key}", key, value)
    return kept


def check_order(name: str, section: Any) -> None:
    """Raises SettingsConflict for the settings of a section that exceed one which they may not."""
    above = {field.name: limit for field in dataclasses.fields(section) if (limit := field.metadata["at_most"])}
    pairs = []
    for key in above:
        value, limit = getattr(section, key), above[key]
        while limit:
            if value > (most := getattr(section, limit)):
                two = {"name": f"{name}.{key}", "value": value, "limit": f"{name}.{limit}", "most": most}
                pairs.append(Message("settings.exceeds", **two))
            limit = above.get(limit, "")
    if pairs:
        raise SettingsConflict("settings.contradict", pairs=pairs)


@cache
def _types(section: type) -> dict[str, Any]:
    return typing.get_type_hints(section)


def check_name(sections: Sections, section: str, key: str | None, value: Any = None) -> None:
    """Raises SettingsError where there is no such section, or, unless `key` is None, no such setting in it."""
    if section not in sections:
        near = nearest(section, sections)
        raise SettingsError("settings.no_section", section=section, near=near, sections=list(sections))
    names = [f.name for f in dataclasses.fields(sections[section])]
    if key is not None and key not in names:
        new = f"{key.removesuffix('_ms')}_s"
        if key.endswith("_ms") and new in names:  # the name of before 0.2, in another unit
            with suppress(TypeError, ValueError):
                raise SettingsError(
                    "settings.in_seconds", section=section, key=key, new=new, seconds=float(value) / 1000
                )
        full = [f"{s}.{f.name}" for s, c in sections.items() for f in dataclasses.fields(c)]
        near = nearest(f"{section}.{key}", full)
        raise SettingsError("settings.no_key", section=section, key=key, near=near, keys=names)


_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
_SHOWN = 80  # characters of a value in a message


def _convert(section: type, name: str, key: str, value: Any) -> Any:
    """`value` (from TOML, or text) as the type of the setting, checked against its range and allowed words."""
    kind = _types(section)[key]
    meta = next(f.metadata for f in dataclasses.fields(section) if f.name == key)

    def refuse(message: str, **facts: object) -> SettingsError:
        return SettingsError(message, name=name, value=repr(value)[:_SHOWN], why=Reason(section, name), **facts)

    result: Any
    if kind is bool:
        text = str(value).lower()
        if text not in _TRUE | _FALSE:
            raise refuse("settings.not_true_or_false")
        result = text in _TRUE
    elif kind in (int, float):
        try:
            if isinstance(value, bool):
                raise ValueError
            result = kind(value)
            if kind is int and float(value) != result:
                raise ValueError
        except (TypeError, ValueError, OverflowError):
            raise refuse("settings.not_whole" if kind is int else "settings.not_a_number") from None
        low, high = meta["low"], meta["high"]
        if not ((low is None or result >= low) and (high is None or result <= high)):
            raise refuse("settings.out_of_range", low=low, high=high)
    elif kind == tuple[str, ...]:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, (list, tuple)) or not all(isinstance(i, str) for i in items):
            raise refuse("settings.not_words")
        result = tuple(i.strip() for i in items if i.strip())
        if not result:
            raise refuse("settings.empty")
    else:
        if not isinstance(value, str):
            raise refuse("settings.not_text")
        result = value
        if meta["choices"] and result not in meta["choices"]:
            choices = (*meta["choices"], *(plugins(meta["plugins_of"]) if meta["plugins_of"] else ()))
            if result not in choices:
                raise refuse("settings.no_choice", choices=choices, near=nearest(result, choices))
    return result
