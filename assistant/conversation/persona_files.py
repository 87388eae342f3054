"""Personas as files: finding and reading them."""

from __future__ import annotations

from pathlib import Path

from huiyin.assistant.dialogue.persona import Persona, PersonaError
from huiyin.configs.layers import read_toml
from huiyin.configs.nearest import nearest
from huiyin.configs.settings import CONFIG_DIR, SettingsError
from huiyin.configs.tables import line_of
from huiyin.services.common.pronunciations import PronunciationError, Pronunciations

FOLDER = CONFIG_DIR / "personas"


def load_persona(name: str) -> Persona:
    """A persona by name (configs/personas) or by path (*.toml). Raises PersonaError, with the line where it can."""
    path = _path(name)
    try:
        persona = Persona.from_dict(read_toml(path))
        _check_pronunciations(persona)
        return persona
    except FileNotFoundError:
        if path.parent != FOLDER:
            raise PersonaError("persona.no_file", path=path) from None
        near = nearest(name, names())
        raise PersonaError("persona.no_persona", name=name, near=near, names=names()) from None
    except PersonaError as error:
        line = line_of(str(error.facts.get("place", "")), path.read_text(encoding="utf-8"))
        raise PersonaError(
            "persona.in_line" if line else "persona.in_file", path=path, line=line, error=error
        ) from error
    except SettingsError as error:  # its message begins with the file
        raise PersonaError("persona.not_toml", error=error) from error
    except OSError as error:
        raise PersonaError("persona.unreadable", path=path, why=error.strerror or error) from error


def load_all(first: str) -> dict[str, Persona]:
    """All that come with Huiyin, by name; before them `first`, which may be a path. Raises as `load_persona`."""
    return {name: load_persona(name) for name in dict.fromkeys([first, *names()])}


def names() -> list[str]:
    """The personas that come with Huiyin."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def reference(name: str) -> str:
    """`name` so that it means the same persona from any folder: what a session keeps."""
    return str(_path(name).resolve()) if name.endswith(".toml") else name


def _check_pronunciations(persona: Persona) -> None:
    """What the speech service would refuse. Raises PersonaError."""
    try:
        Pronunciations.of(persona.pronunciations)
    except PronunciationError as error:
        place = f"pronunciations.{error.facts['word']}"
        raise PersonaError("persona.bad_pronunciation", place=place, error=error) from error


def _path(name: str) -> Path:
    return Path(name).expanduser() if name.endswith(".toml") else FOLDER / f"{name}.toml"
