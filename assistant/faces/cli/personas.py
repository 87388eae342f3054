"""``huiyin personas``: who the assistant can be."""

from __future__ import annotations

import argparse

from huiyin.assistant.conversation.persona_files import load_persona, names
from huiyin.assistant.dialogue.persona import Persona
from huiyin.configs.settings import Settings

_REPLIES = {"user": "the user's language", "zh": "Chinese", "en": "English"}

_ABOUT = """\
Who the assistant can be: its name, its voice, what it is told to be, its greeting. A persona is a TOML file; copy one
of those listed to make your own. docs/dialogue.md explains the keys.

  huiyin personas                            the ones that come with Huiyin
  huiyin personas tutor                      one of them: all that the model is told
  huiyin personas my_persona.toml            your own: is it right?
  huiyin talk --persona my_persona.toml"""


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
