"""Personas as files: finding and reading them; ``huiyin personas`` lists them."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from huiyin.assistant.dialogue.persona import Persona, PersonaError
from huiyin.configs.layers import nearest, read_toml
from huiyin.configs.settings import CONFIG_DIR, Settings, SettingsError

FOLDER = CONFIG_DIR / "personas"

_TABLE = re.compile(r"\s*\[\s*([\w.-]+)\s*\]")
_KEY = re.compile(r"\s*([\w.-]+)\s*=")
_REPLIES = {"user": "the user's language", "zh": "Chinese", "en": "English"}

_ABOUT = """\
Who the assistant can be: its name, its voice, what it is told to be, its greeting. A persona is a TOML file; copy one
of those listed to make your own. docs/dialogue.md explains the keys.

  huiyin personas                            the ones that come with Huiyin
  huiyin personas tutor                      one of them: all that the model is told
  huiyin personas my_persona.toml            your own: is it right?
  huiyin talk --persona my_persona.toml"""


def load_persona(name: str) -> Persona:
    """A persona by name (configs/personas) or by path (*.toml). Raises PersonaError, with the line where it can."""
    path = _path(name)
    try:
        return Persona.from_dict(read_toml(path))
    except FileNotFoundError:
        if path.parent != FOLDER:
            raise PersonaError(
                f"there is no file {path}; `huiyin personas` lists those that come with Huiyin"
            ) from None
        raise PersonaError(
            f"no persona {name!r}{nearest(name, names())}; there are: {', '.join(names())}, or give a .toml file"
        ) from None
    except PersonaError as error:
        line = _line_of(error.key, path.read_text(encoding="utf-8")) if error.key else 0
        raise PersonaError(f"{path}{f':{line}' if line else ''}: {error}", error.key) from error
    except SettingsError as error:  # its message begins with the file
        raise PersonaError(str(error)) from error
    except OSError as error:
        raise PersonaError(f"{path}: {error.strerror or error}") from error


def names() -> list[str]:
    """The personas that come with Huiyin."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def reference(name: str) -> str:
    """`name` so that it means the same persona from any folder: what a session keeps."""
    return str(_path(name).resolve()) if name.endswith(".toml") else name


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``personas``."""
    parser = subparsers.add_parser("personas", description=_ABOUT)
    parser.add_argument("persona", nargs="?", metavar="NAME|FILE", help="show this one")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """List the personas, or show one. Returns the exit status."""
    if args.persona:
        print(_shown(load_persona(args.persona)))
        return 0
    chosen, width = settings.talk.persona, max(map(len, names()))
    for name in names():
        persona = load_persona(name)
        print(f"{name:{width}}  {persona.about}{'  (the one in use)' if name == chosen else ''}")
    return 0


def _shown(persona: Persona) -> str:
    rows = {
        "name": persona.name,
        "about": persona.about,
        "voice": persona.voice or "the speech service's own",
        "replies in": _REPLIES[persona.replies_in],
        "greeting": persona.first_words or "none",
    }
    return "\n".join([*(f"{key:10}  {value}" for key, value in rows.items()), "", persona.system])


def _path(name: str) -> Path:
    return Path(name).expanduser() if name.endswith(".toml") else FOLDER / f"{name}.toml"


def _line_of(key: str, text: str) -> int:
    """The line where a key such as 'greeting.zh' stands, from 1; 0 where it is not found."""
    table, quote = "", ""
    for number, line in enumerate(text.splitlines(), 1):
        if quote:  # within a text of many lines
            quote = "" if quote in line else quote
            continue
        if found := _TABLE.match(line):
            table = found[1] + "."
            if found[1] == key:
                return number
        elif found := _KEY.match(line):
            if table + found[1] == key:
                return number
            value = line[found.end() :].strip()
            quote = next((q for q in ('"""', "'''") if value.startswith(q) and value.count(q) == 1), "")
    return 0
